"""From quantities to verdicts: agrees, differs, too little data; and the table that the page starts with."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.random import Generator

from bench.reporting.cells import Study
from bench.reporting.claims import CLAIMS, Finding, Rate
from bench.reporting.claims.evidence import Evidence
from bench.reporting.exhibit import bracket
from bench.reporting.names import PAPER_METRICS, count
from bench.reporting.published import PUBLISHED, Value
from bench.reporting.selection import scores_by_seed, success_rates
from bench.reporting.statistics import Estimate, estimate_from, widening

AGREES, DIFFERS, TOO_LITTLE, UNVERIFIED = "agrees", "differs", "too little data", "unverified"
RESAMPLES = 100
ENOUGH = 0.95  # of the trained cells must be scored, by every one of the paper's metrics that is there
MIN_SEEDS, MIN_VALUES, MIN_OBJECTIVES, MIN_STEPS = 5, 3, 3, 100_000


@dataclass(frozen=True)
class Claim:
    """One finding of the paper beside this study's estimate."""

    name: str
    of_paper: str
    finding: str
    quantity: str
    estimate: Estimate
    region: tuple[float, float]
    paper: str
    verdict: str
    reason: str


def decide(study: Study, rng: Generator) -> list[Claim]:
    """Every claim of CLAIMS on the trained cells of `study`, with intervals by a bootstrap over seeds."""
    evidence, reason = Evidence.of_study(study), shortfall(study)
    findings = {name: f for name, f in CLAIMS.items() if isinstance(f, Finding)}
    found = {name: evidence.cells_of(f.statistic) for name, f in findings.items()}
    present = [name for name, (value, _) in found.items() if np.isfinite(value)]
    drawn: dict[str, list[float]] = {name: [] for name in present}
    for _ in range(RESAMPLES if study.cells["seed"].nunique() > 1 else 0):
        resample = evidence.resampled(rng)
        for name in present:
            drawn[name].append(findings[name].statistic(resample))
    wider = widening(evidence.layout.number)
    n = int((study.cells.loc[study.trained, "state"] == "scored").sum())
    claims, by_seed = [], scores_by_seed(study, study.metrics())
    for name, claim in CLAIMS.items():
        if isinstance(claim, Rate):
            rate = success_rates(by_seed, claim.kind, rng)
            estimate = Estimate(100 * rate.value, 100 * rate.low, 100 * rate.high, n if rate.n else 0)
        else:
            value, cells = found[name]
            estimate = estimate_from(value, np.array(drawn.get(name, [])), cells, wider)
            low, high = np.clip([estimate.low, estimate.high], *claim.possible)
            estimate = Estimate(value, float(low), float(high), cells)
        claims.append(_claim(name, claim, estimate, reason))
    return claims


def verdict(estimate: Estimate, region: tuple[float, float], published: Value, reason: str) -> str:
    """agrees: the whole interval lies in the region; differs: all outside; too little data: anything else.

    `reason` says why the study cannot stand beside the paper at all ('' if it can). A published value of
    less than high confidence takes no part.
    """
    if not published.verified:
        return UNVERIFIED
    if reason or not np.isfinite([estimate.value, estimate.low, estimate.high]).all():
        return TOO_LITTLE
    if estimate.low >= region[0] and estimate.high <= region[1]:
        return AGREES
    return DIFFERS if estimate.high < region[0] or estimate.low > region[1] else TOO_LITTLE


def shortfall(study: Study) -> str:
    """Why no verdict can be given on this study, in a few words; '' where nothing stands in the way."""
    cells = study.cells[study.trained & (study.cells["state"] == "scored")]
    if set(study.cells["source"]) != {"real"}:
        return "the images are rendered, not the published files"
    if cells.empty:
        return "no trained cell is scored"
    metrics, trained = study.metrics(), int(study.trained.sum())
    if len(cells) < ENOUGH * trained:
        return f"{len(cells):,} of {count(trained, 'trained cell')} are scored"
    for metric in metrics:
        n = int(study.values.loc[study.trained, metric.name].count())
        if metric.metric in PAPER_METRICS and n < ENOUGH * trained:
            return f"{metric.label} is there for {n:,} of {count(trained, 'trained cell')}"
    if cells["steps"].min() < MIN_STEPS:
        return f"cells were trained for {cells['steps'].min():,} steps, most of the paper’s for 300,000"
    if cells["model"].nunique() < MIN_OBJECTIVES:
        return f"it has {count(cells['model'].nunique(), 'objective')}, the paper has six"
    if cells.groupby("model")["choice"].nunique().median() < MIN_VALUES:
        return f"it has fewer than {MIN_VALUES} values per objective, the paper has six"
    if cells.groupby("setting")["seed"].nunique().median() < MIN_SEEDS:
        return f"it has fewer than {MIN_SEEDS} seeds per setting, the paper has 50"
    if len({m.metric for m in metrics} & set(PAPER_METRICS)) < 2:
        return "it has fewer than two of the paper’s metrics"
    return ""


def _claim(name: str, claim: Finding | Rate, estimate: Estimate, reason: str) -> Claim:
    published = PUBLISHED.values[claim.published]
    region = (claim.low, claim.high)
    given = verdict(estimate, region, published, reason)
    percent = (
        f"{published.value} %" if published.verified and isinstance(published.value, int | float) else ""
    )
    return Claim(
        name, claim.of_paper, claim.sentence, _quantity(claim), estimate, region, percent, given,
        _why(given, estimate, region, reason),
    )  # fmt: skip


def _quantity(claim: Finding | Rate) -> str:
    if isinstance(claim, Finding):
        return claim.statistic.__doc__.strip().rstrip(".")
    return "Success rate in percent, 10,000 draws"


def _rule(region: tuple[float, float]) -> str:
    """`32 … 42`, `≥ 0.5` or `≤ −0.3`."""
    low, high = (f"{edge:g}".replace("-", "−") for edge in region)
    if np.isinf(region[0]):
        return f"≤ {high}"
    return f"≥ {low}" if np.isinf(region[1]) else f"{low} … {high}"


def _why(given: str, estimate: Estimate, region: tuple[float, float], reason: str) -> str:
    if given == UNVERIFIED:
        return "the published numbers are remembered, not re-read"
    if given in (AGREES, DIFFERS):
        return ""
    if not np.isfinite(estimate.value):
        return "the study lacks what this needs"
    if reason:
        return reason
    if not np.isfinite(estimate.low):
        return "one seed per setting gives no interval"
    return "it crosses the edge"


def claims_table(claims: list[Claim]) -> pd.DataFrame:
    """The table at the top of the report."""
    return pd.DataFrame(
        [
            {"finding": c.finding, "verdict": c.verdict, "estimate": _shown(c.estimate), "n": c.estimate.n,
             "agrees if": _rule(c.region), "paper": c.paper or "–", "why": c.reason,
             "in the paper": c.of_paper}
            for c in claims
        ]
    )  # fmt: skip


def _shown(estimate: Estimate) -> str:
    return bracket(estimate.value, estimate.low, estimate.high, 0 if abs(estimate.value) >= 10 else 2)


def claims_numbers(claims: list[Claim]) -> pd.DataFrame:
    """The same with every digit, for the CSV."""
    return pd.DataFrame(
        [
            {"claim": c.name, "finding": c.finding, "of_paper": c.of_paper, "quantity": c.quantity,
             "estimate": c.estimate.value, "low": c.estimate.low, "high": c.estimate.high, "n": c.estimate.n,
             "agrees_from": c.region[0], "agrees_to": c.region[1], "paper": c.paper, "verdict": c.verdict,
             "reason": c.reason}
            for c in claims
        ]
    )  # fmt: skip


def summary(claims: list[Claim], study: Study) -> str:
    """The sentence above the table."""
    reason = shortfall(study)
    if reason:
        return (
            f"No verdict is given on the paper’s {len(claims)} findings because {reason}. "
            "The estimates are among the numbers."
        )
    counts = {v: sum(c.verdict == v for c in claims) for v in (AGREES, DIFFERS, TOO_LITTLE, UNVERIFIED)}
    return (
        f"Of {len(claims)} findings, this study agrees with {counts[AGREES]}, differs from "
        f"{counts[DIFFERS]}, and has too little data for {counts[TOO_LITTLE]}; {counts[UNVERIFIED]} rests "
        "on an unverified number."
    )

"""From quantities to verdicts: agrees, differs, too little data; and the table that the page starts with."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.random import Generator

from bench.reporting.cells import Column, Study
from bench.reporting.claims import CLAIMS, Finding, Rate
from bench.reporting.claims.evidence import ENOUGH, Evidence, Support, mean, of_paper
from bench.reporting.exhibit import bracket
from bench.reporting.names import PAPER_DATASETS, PAPER_METRICS, count
from bench.reporting.published import PUBLISHED, Value
from bench.reporting.selection import scores_by_seed, success_rates
from bench.reporting.statistics import DRAWS, Estimate, estimate_from, widening

AGREES, DIFFERS, TOO_LITTLE, UNVERIFIED = "agrees", "differs", "too little data", "unverified"
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
    columns: tuple[Column, ...]


def decide(study: Study, rng: Generator) -> list[Claim]:
    """Every claim of CLAIMS on the study's part of the paper, with intervals by a bootstrap over seeds."""
    part = of_paper(study)
    evidence, reason = Evidence.of_study(part), shortfall(study)
    findings = {name: f for name, f in CLAIMS.items() if isinstance(f, Finding)}
    supports = {name: evidence.support(f.statistic) for name, f in findings.items()}
    present = [name for name, support in supports.items() if np.isfinite(support.value)]
    drawn: dict[str, list[float]] = {name: [] for name in present}
    for _ in range(DRAWS if present and part.cells["seed"].nunique() > 1 else 0):
        resample = evidence.resampled(rng)
        for name in present:
            drawn[name].append(findings[name].statistic(resample))
    wider, claims = widening(evidence.layout.number), []
    by_seed, all_scores = scores_by_seed(part, part.metrics()), evidence.support(_share_scored)
    for name, claim in CLAIMS.items():
        if isinstance(claim, Rate):
            rate = success_rates(by_seed, claim.kind, rng)
            n = all_scores.cells if rate.n else 0
            estimate, centre = Estimate(100 * rate.value, 100 * rate.low, 100 * rate.high, n), 0.0
            support, lacks = all_scores, _part_of_table_1(all_scores, part)
        else:
            support = supports[name]
            found = estimate_from(support.value, np.array(drawn.get(name, [])), support.cells, wider)
            low, high = np.clip([found.low, found.high], *claim.possible)
            estimate = Estimate(support.value, float(low), float(high), support.cells)
            centre, lacks = claim.beside(evidence) if claim.beside else 0.0, _lacks(claim, support)
        region = (claim.low + centre, claim.high + centre)
        claims.append(_claim(name, claim, estimate, region, reason or lacks, support.columns))
    return claims


def _share_scored(evidence: Evidence) -> float:
    """Share of the scores of all metrics that are there."""
    evidence.note(np.arange(len(evidence.values)), evidence.layout.metrics)
    at = [evidence.layout.at[m.name] for m in evidence.layout.metrics]
    return mean(np.isfinite(evidence.values[:, at]).ravel())


def _lacks(claim: Finding, support: Support) -> str:
    """What a finding needs and the study has not, in a few words; '' where it has everything."""
    absent = [data for data in claim.named if data not in support.datasets]
    if support.gap:
        return support.gap
    if absent:
        return f"it needs {', '.join(absent)}"
    if len(support.datasets) < claim.datasets:
        return f"it needs {count(claim.datasets, 'data set')} and rests on {len(support.datasets)}"
    return ""


def _part_of_table_1(support: Support, part: Study) -> str:
    """Why a success rate cannot stand beside Table 1, over all data sets and metrics; '' if it can."""
    data, metrics = len(support.datasets), len(part.metrics())
    if data < len(PAPER_DATASETS) or metrics < len(PAPER_METRICS):
        return (
            f"Table 1 is over {len(PAPER_DATASETS)} data sets and {len(PAPER_METRICS)} metrics, this over "
            f"{data} and {metrics}"
        )
    return support.gap


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
    """Why no verdict at all can be given on this study, in a few words; '' where nothing stands in the way.

    What single findings lack, they say themselves.
    """
    part = of_paper(study)
    cells = part.cells[part.cells["state"] == "scored"]
    if part.cells.empty:
        return "it has none of the paper’s objectives"
    if set(part.cells["source"]) != {"real"}:
        return "the images are rendered, not the published files"
    if not part.cells["dataset"].isin(PAPER_DATASETS).all():
        return "it has none of the paper’s data sets"
    if cells.empty:
        return "no trained cell is scored"
    if len(cells) < ENOUGH * len(part.cells):
        return f"{len(cells):,} of {count(len(part.cells), 'trained cell')} are scored"
    if cells["steps"].min() < MIN_STEPS:
        return f"cells were trained for {cells['steps'].min():,} steps, most of the paper’s for 300,000"
    if cells["model"].nunique() < MIN_OBJECTIVES:
        return f"it has {count(cells['model'].nunique(), 'objective')}, the paper has six"
    if cells.groupby("model")["choice"].nunique().median() < MIN_VALUES:
        return f"it has fewer than {MIN_VALUES} values per objective, the paper has six"
    if cells.groupby("setting")["seed"].nunique().median() < MIN_SEEDS:
        return f"it has fewer than {MIN_SEEDS} seeds per setting, the paper has 50"
    if len(part.metrics()) < 2:
        return "it has fewer than two of the paper’s metrics"
    return ""


def _claim(
    name: str, claim: Finding | Rate, estimate: Estimate, region: tuple[float, float], reason: str,
    columns: tuple[Column, ...],
) -> Claim:  # fmt: skip
    published = PUBLISHED.values[claim.published]
    given = verdict(estimate, region, published, reason)
    return Claim(
        name, claim.of_paper, claim.sentence, _quantity(claim), estimate, region,
        _of_paper(claim, region, published), given, _why(given, estimate, region, reason), columns,
    )  # fmt: skip


def _of_paper(claim: Finding | Rate, region: tuple[float, float], published: Value) -> str:
    """What the paper has: its number, on the study's own entries where it is a mean, or its words."""
    if not published.verified:
        return ""
    if isinstance(claim, Finding) and claim.beside:
        middle = sum(region) / 2
        return f"{middle:.1f} % on these data sets and metrics" if np.isfinite(middle) else ""
    return f"{published.value} %" if isinstance(published.value, int | float) else published.value


def _quantity(claim: Finding | Rate) -> str:
    if isinstance(claim, Finding):
        return " ".join(claim.statistic.__doc__.split()).rstrip(".")
    return "Success rate in percent, 10,000 draws"


def _rule(region: tuple[float, float]) -> str:
    """`32 … 42`, `≥ 0.5` or `≤ −0.3`; `–` where the paper has no number for this study."""
    if np.isnan(region).any():
        return "–"
    low, high = (f"{edge:g}".replace("-", "−") for edge in region)
    if np.isinf(region[0]):
        return f"≤ {high}"
    return f"≥ {low}" if np.isinf(region[1]) else f"{low} … {high}"


def _why(given: str, estimate: Estimate, region: tuple[float, float], reason: str) -> str:
    if given == UNVERIFIED:
        return "the published numbers are remembered, not re-read"
    if given in (AGREES, DIFFERS):
        return ""
    if reason:
        return reason
    if not np.isfinite(estimate.value):
        return "the study lacks what this needs"
    if not np.isfinite(estimate.low):
        return "one seed per setting gives no interval"
    return "it crosses the edge"


def claims_table(claims: list[Claim]) -> pd.DataFrame:
    """The table at the top of the report."""
    return pd.DataFrame(
        [
            {"finding": c.finding, "verdict": c.verdict, "estimate": _shown(c.estimate), "n": c.estimate.n,
             "agrees if": _rule(c.region), "why": c.reason, "paper": c.paper or "–",
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
             "reason": c.reason, "scores": ", ".join(column.label for column in c.columns)}
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

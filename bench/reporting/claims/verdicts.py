"""From quantities to verdicts: agrees, differs, too little data; and the table that the page starts with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.random import Generator
from scipy.special import ndtri

from bench.reporting.cells import Column, Study
from bench.reporting.claims import CLAIMS, Finding, Rate
from bench.reporting.claims.comparable import part_of_grid, shortfall
from bench.reporting.claims.evidence import Evidence, mean, of_paper
from bench.reporting.claims.support import Support
from bench.reporting.exhibit import bracket
from bench.reporting.names import PAPER_DATASETS, PAPER_METRICS, count, metric_name
from bench.reporting.published import PUBLISHED, Value
from bench.reporting.selection import draws_of, scores_by_seed, success_rates
from bench.reporting.statistics import DRAWS, LEVEL, Estimate, estimate_from, widening

AGREES, DIFFERS, TOO_LITTLE, UNVERIFIED = "agrees", "differs", "too little data", "unverified"


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
    """Every claim of CLAIMS on the study's part of the paper, with its bounds or a bootstrap over seeds."""
    part = of_paper(study)
    evidence, reason, partial = Evidence.of_study(part), shortfall(study), part_of_grid(part)
    findings = {name: f for name, f in CLAIMS.items() if isinstance(f, Finding)}
    supports = {name: evidence.support(f.statistic) for name, f in findings.items()}
    known = [name for name, support in supports.items() if np.isfinite(support.parts).any()]
    present = [name for name in known if not findings[name].bounds]
    drawn: dict[str, list[np.ndarray]] = {name: [] for name in findings}
    for _ in range(DRAWS if present and part.cells["seed"].nunique() > 1 else 0):
        resample = evidence.resampled(rng)
        for name in present:
            drawn[name].append(np.atleast_1d(findings[name].statistic(resample)))
    wider, claims = widening(evidence.layout.number), []
    by_seed, all_scores = scores_by_seed(part, part.metrics()), evidence.support(share_scored)
    for name, claim in CLAIMS.items():
        if isinstance(claim, Rate):
            rate = success_rates(by_seed, claim.kind, draws_of(claim.kind))
            n = all_scores.cells if rate.n else 0
            parts, centre = [Estimate(100 * rate.value, 100 * rate.low, 100 * rate.high, n)], 0.0
            support, lacks = all_scores, part_of_table_1(all_scores, part) or partial
        else:
            support = supports[name]
            bounds = claim.bounds(evidence) if claim.bounds and name in known else None
            parts = _estimates(claim, support, drawn[name], wider, bounds)
            centre = claim.beside(evidence) if claim.beside else 0.0
            lacks = _lacks(claim, support) or (partial if claim.whole else "")
        region = (claim.low + centre, claim.high + centre)
        claims.append(_claim(name, claim, parts, region, reason or lacks, support.columns))
    return claims


def _estimates(
    claim: Finding,
    support: Support,
    drawn: list[np.ndarray],
    wider: float,
    bounds: tuple[float, float] | None,
) -> list[Estimate]:
    """An estimate of each part of a finding, within what the quantity can be; of one part with `bounds`."""
    if bounds:
        return [Estimate(float(support.parts[0]), *bounds, support.cells)]
    draws, parts = np.reshape(drawn, (-1, len(support.parts))), []
    for value, of_part in zip(support.parts, draws.T, strict=True):
        found = estimate_from(float(value), of_part, support.cells, wider)
        low, high = np.clip([found.low, found.high], *claim.possible)
        parts.append(Estimate(found.value, float(low), float(high), found.n))
    return parts


def weakest(parts: Sequence[Estimate], region: tuple[float, float]) -> Estimate:
    """The part that is shown: one without a value, else the furthest from agreeing, of those that differ if
    some do."""
    unknown = [p for p in parts if np.isnan(p.value)]
    shown = unknown or [p for p in parts if _outside(p, region, len(parts))] or parts
    return shown[np.argmin([min(p.value - region[0], region[1] - p.value) for p in shown])]


def _outside(part: Estimate, region: tuple[float, float], of: int) -> bool:
    """Whether the interval of one of `of` parts lies outside, at Bonferroni's level.

    The interval is widened by the ratio of normal quantiles: 300 resamples have no such tails.
    """
    tail = (1 - LEVEL) / 2
    wider = ndtri(tail / of) / ndtri(tail)
    low, high = (part.value + wider * (edge - part.value) for edge in (part.low, part.high))
    return high < region[0] or low > region[1]


def share_scored(evidence: Evidence) -> float:
    """Share of the scores of all metrics that are there."""
    evidence.note(np.arange(len(evidence.values)), evidence.layout.metrics)
    at = [evidence.layout.at[m.name] for m in evidence.layout.metrics]
    return mean(np.isfinite(evidence.values[:, at]).ravel())


def _lacks(claim: Finding, support: Support) -> str:
    """What a finding needs and the study has not, in a few words; '' where it has everything."""
    absent = [data for data in claim.named if data not in support.datasets]
    asked = {column.metric for column in support.columns}
    absent += [metric_name(metric) for metric in claim.metrics if metric not in asked]
    if support.gap:
        return support.gap
    if absent:
        return f"it needs {', '.join(absent)}"
    if len(support.datasets) < claim.datasets:
        return f"it needs {count(claim.datasets, 'data set')} and rests on {len(support.datasets)}"
    return ""


def part_of_table_1(support: Support, part: Study) -> str:
    """Why a success rate cannot stand beside Table 1, over all data sets and metrics; '' if it can."""
    data, metrics = len(support.datasets), len(part.metrics())
    if data < len(PAPER_DATASETS) or metrics < len(PAPER_METRICS):
        return (
            f"Table 1 is over {len(PAPER_DATASETS)} data sets and {len(PAPER_METRICS)} metrics, this over "
            f"{data} and {metrics}"
        )
    return support.gap


def verdict(parts: Sequence[Estimate], region: tuple[float, float], published: Value, reason: str) -> str:
    """agrees: every part's whole interval lies in the region; differs: some part's lies outside; too little
    data: anything else.

    The least of several estimates lies below the least of what they estimate, so its own interval says too
    little. That all parts hold is an intersection–union test: each at its own level (Berger 1982). That some
    part does not is shown by the first of several, so there its interval has Bonferroni's level. `reason`
    says why the study cannot stand beside the paper at all ('' if it can). A published value of less than
    high confidence takes no part.
    """
    if not published.verified:
        return UNVERIFIED
    if reason or not np.isfinite([[p.value, p.low, p.high] for p in parts]).all():
        return TOO_LITTLE
    if all(p.low >= region[0] and p.high <= region[1] for p in parts):
        return AGREES
    return DIFFERS if any(_outside(p, region, len(parts)) for p in parts) else TOO_LITTLE


def _claim(
    name: str, claim: Finding | Rate, parts: Sequence[Estimate], region: tuple[float, float], reason: str,
    columns: tuple[Column, ...],
) -> Claim:  # fmt: skip
    published = PUBLISHED.values[claim.published]
    given, estimate = verdict(parts, region, published, reason), weakest(parts, region)
    return Claim(
        name, claim.of_paper, claim.sentence, _quantity(claim), estimate, region,
        _of_paper(claim, region, published, reason), given, _why(given, estimate, region, reason), columns,
    )  # fmt: skip


def _of_paper(claim: Finding | Rate, region: tuple[float, float], published: Value, reason: str) -> str:
    """What the paper has: its number, on the entries of a study that can stand beside it, or its words."""
    if not published.verified:
        return ""
    if isinstance(claim, Finding) and claim.beside and not reason:
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
    low, high = (f"{round(edge, 1 if abs(edge) >= 10 else 2):g}".replace("-", "−") for edge in region)
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

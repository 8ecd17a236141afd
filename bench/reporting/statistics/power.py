"""How many seeds a difference needs, and how sure a difference is that was chosen for its size."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
from scipy import stats

from bench.reporting.statistics.resampling import LEVEL, Estimate

MOST_SEEDS = 100_000


def pooled_deviation(groups: Sequence[np.ndarray]) -> Estimate:
    """Standard deviation within groups of scores (n,), pooled, with the χ² interval.

    It is exact, 95 %, for normal scores of one deviation in all groups.
    """
    degrees = sum(len(x) - 1 for x in groups)
    if degrees < 1:
        return Estimate(np.nan, np.nan, np.nan, sum(map(len, groups)))
    squares = sum(x.var(ddof=1) * (len(x) - 1) for x in groups if len(x) > 1)
    edges = stats.chi2.ppf([(1 + LEVEL) / 2, (1 - LEVEL) / 2], degrees)
    value, (low, high) = np.sqrt(squares / degrees), np.sqrt(squares / edges)
    return Estimate(float(value), float(low), float(high), sum(map(len, groups)))


def contrast(groups: Sequence[np.ndarray], weights: np.ndarray) -> Estimate:
    """Σ weights · means of groups of scores (n,), n ≥ 2; weights (groups,) sum to 0, as of a difference.

    The interval is Tukey's (studentised range): for normal scores of one deviation it holds all contrasts at
    once in 95 % of the studies, so one that was chosen for its size, like the best setting against the
    second, in at least as many (more than 99 % measured on 12 and 36 settings). Among unequal groups the
    smallest sets the width, which is conservative.
    """
    sd, degrees = pooled_deviation(groups), sum(len(x) - 1 for x in groups)
    value = float(weights @ np.array([x.mean() for x in groups]))
    reach = _studentised_range(len(groups), degrees) / np.sqrt(min(map(len, groups)))
    half = float(reach * sd.value * np.abs(weights).sum() / 2)
    return Estimate(value, value - half, value + half, sd.n)


@cache  # a quarter of a second, and the scores of a study share it
def _studentised_range(groups: int, degrees: int) -> float:
    return float(stats.studentized_range.ppf(LEVEL, groups, degrees))


def seeds_needed(difference: float, spread: float, power: float = 0.8) -> float:
    """Seeds per setting for a two-sided t test (5 %) to see `difference` of two means with the given power.

    `spread` is the standard deviation over seeds within a setting. Exact, by the noncentral t distribution;
    infinite above MOST_SEEDS.
    """
    if not np.isfinite([difference, spread]).all():
        return float("nan")
    if spread == 0:
        return 2.0 if difference else float("inf")
    low, high = 1, MOST_SEEDS
    if _power(high, abs(difference) / spread) < power:
        return float("inf")
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if _power(middle, abs(difference) / spread) >= power else (middle, high)
    return float(high)


def _power(seeds: int, effect: float) -> float:
    """Power of the t test with `seeds` per setting at an effect in standard deviations, one tail."""
    degrees, shift = 2 * seeds - 2, effect * np.sqrt(seeds / 2)
    limit = stats.t.ppf((1 + LEVEL) / 2, degrees)
    if shift > 30 or degrees > 500:  # scipy's noncentral t fails there; the normal differs by less than 0.001
        return float(stats.norm.sf(limit - shift))
    return float(stats.nct.sf(limit, degrees, shift))

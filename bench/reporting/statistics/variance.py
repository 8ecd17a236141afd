"""Shares of a score's variance that a choice explains."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.random import Generator

from bench.reporting.statistics.resampling import DRAWS, Estimate, percentiles, repeated, seed_weights


@dataclass(frozen=True)
class VarianceExplained:
    """Shares of a score's variance: in-sample R² (the paper's), adjusted R² with interval, and the null.

    `null`: R² that labels without any effect would reach on average; `p`: how often permuted labels reach
    `raw`.
    """

    raw: float
    adjusted: Estimate
    null: float
    p: float
    drawn: np.ndarray = field(default_factory=lambda: np.array([]), compare=False, repr=False)


def variance_explained(
    x: np.ndarray,
    labels: np.ndarray,
    settings: np.ndarray,
    rng: Generator,
    draws: int = DRAWS,
    weights: np.ndarray | None = None,
) -> VarianceExplained:
    """Share of the variance of scores `x` (n,) between the groups of `labels` (locatello2019.md §7.1, Table
    5).

    R² = between-group / total sum of squares; adjusted = 1 − (1 − R²)(n − 1)/(n − k); null = (k − 1)/(n − 1),
    the exact mean over permutations. The interval resamples seeds within `settings`. There R² itself is the
    truth that adjusted R² estimates, so their difference gives the error (a pivotal interval). `weights`
    (draws, n): resamples that several scores share, in place of new ones. `drawn` (draws,): the adjusted
    share less its error in each, from which the interval is taken.
    """
    n, k = len(x), len(np.unique(labels))
    if n <= k or k < 2 or np.ptp(x) == 0:
        return VarianceExplained(np.nan, Estimate(np.nan, np.nan, np.nan, n), np.nan, np.nan)
    members = (labels[:, None] == np.unique(labels)).astype(float)

    def r_squared(weights: np.ndarray, values: np.ndarray) -> np.ndarray:
        wx, size, cells = weights * values, weights @ members, weights.sum(axis=1)
        with np.errstate(invalid="ignore", divide="ignore"):
            of_groups = np.where(size > 0, (wx @ members) ** 2 / size, 0.0).sum(axis=1)
            of_mean = wx.sum(axis=1) ** 2 / cells
            return (of_groups - of_mean) / ((wx * values).sum(axis=1) - of_mean)

    def adjust(raw: np.ndarray) -> np.ndarray:
        return 1 - (1 - raw) * (n - 1) / (n - k)

    centred = x - x.mean()
    raw = float(r_squared(np.ones((1, n)), centred)[0])
    shuffled = rng.permuted(np.tile(centred, (draws, 1)), axis=1)
    p = float((1 + (r_squared(np.ones((1, n)), shuffled) >= raw).sum()) / (draws + 1))
    drawn = np.array([])
    if repeated(settings):
        weights = seed_weights(settings, rng, draws) if weights is None else weights
        drawn = adjust(raw) - (adjust(r_squared(weights, centred)) - raw)
    adjusted = Estimate(float(adjust(raw)), *percentiles(drawn), n)
    return VarianceExplained(raw, adjusted, (k - 1) / (n - 1), p, drawn)

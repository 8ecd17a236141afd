"""Spearman's rank correlation with intervals."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator
from scipy import stats

from bench.reporting.statistics.resampling import (
    DRAWS,
    LEVEL,
    Estimate,
    normal_interval,
    repeated,
    seed_weights,
    widening,
)


def weighted_ranks(x: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Average ranks (draws, n) of `x` (n,) in samples that hold x[i] weights[·, i] times; ties share one."""
    _, value = np.unique(x, return_inverse=True)
    order = np.argsort(value, kind="stable")
    edges = np.flatnonzero(np.diff(value[order], prepend=-1))
    copies = np.take(weights, order, axis=1)
    if len(edges) < len(x):
        copies = np.add.reduceat(copies, edges, axis=1)
    ranks = np.cumsum(copies, axis=1)
    copies -= 1  # in place: new arrays of this size take most of the time
    copies /= 2
    ranks -= copies
    return np.take(ranks, value, axis=1)


def spearman(x: np.ndarray, y: np.ndarray) -> float:
    """Spearman's rank correlation of two vectors (n,); NaN below three values or for a constant."""
    if len(x) < 3 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return float("nan")
    return float(stats.spearmanr(x, y).statistic)


def spearman_rows(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Spearman of every row of `x` (draws, n) with the same row of `y`: (draws,)."""
    u, v = (stats.rankdata(z, axis=1) - (z.shape[1] + 1) / 2 for z in (x, y))
    with np.errstate(invalid="ignore"):
        return (u * v).sum(axis=1) / np.sqrt((u**2).sum(axis=1) * (v**2).sum(axis=1))


def spearman_matrix(
    left: np.ndarray, right: np.ndarray, groups: np.ndarray, rng: Generator, draws: int = DRAWS
) -> list[list[Estimate]]:
    """Spearman between every column of `left` (n, a) and of `right` (n, b), over the rows where both are
    finite.

    Intervals by the spread of a bootstrap over seeds within `groups` (n,) on Fisher's scale. They cover the
    correlation among endless seeds of these settings; measured on 6 and 36 settings of 2 to 50 seeds,
    correlations of 0 to 0.87, they hold it in 93 to 98 % of the studies.
    """
    samples = _Resampled(groups, rng, draws)
    return [[samples.correlation(x, y) for y in right.T] for x in left.T]


class _Resampled:
    """Weights and ranks of one table, kept per pattern of missing values, since most columns share it."""

    def __init__(self, groups: np.ndarray, rng: Generator, draws: int):
        # numbers in place of words: they are compared for every pattern of missing values
        self._groups = np.unique(groups, return_inverse=True)[1]
        self._rng, self._draws = rng, draws
        self._weights: dict[bytes, tuple[np.ndarray, np.ndarray]] = {}  # and their square roots
        self._ranks: dict[tuple[bytes, bytes], np.ndarray] = {}

    def correlation(self, x: np.ndarray, y: np.ndarray) -> Estimate:
        both = np.isfinite(x) & np.isfinite(y)
        rho, groups, mask = spearman(x[both], y[both]), self._groups[both], both.tobytes()
        if np.isnan(rho) or not repeated(groups):
            return Estimate(rho, np.nan, np.nan, len(groups))
        if mask not in self._weights:
            weights = seed_weights(groups, self._rng, self._draws)
            self._weights[mask] = weights, np.sqrt(weights)
        drawn = np.einsum("dn,dn->d", self._standardised(x[both], mask), self._standardised(y[both], mask))
        return _on_fishers_scale(rho, drawn, groups, len(groups))

    def _standardised(self, x: np.ndarray, mask: bytes) -> np.ndarray:
        """Ranks (draws, n) scaled so that the product of two columns sums to their correlation."""
        key = (mask, x.tobytes())
        if key not in self._ranks:
            weights, roots = self._weights[mask]
            ranks = weighted_ranks(x, weights)
            ranks -= (len(x) + 1) / 2
            ranks *= roots
            with np.errstate(invalid="ignore"):
                ranks /= np.sqrt((ranks**2).sum(axis=1, keepdims=True))
            self._ranks[key] = ranks
        return self._ranks[key]


def spearman_resampled(
    x: np.ndarray, y: np.ndarray, drawn_x: np.ndarray, drawn_y: np.ndarray, groups: np.ndarray
) -> Estimate:
    """Spearman of `x` and `y` (n,), a number per setting, from `drawn_x` and `drawn_y` (draws, n).

    The draws are resampled_medians or their like, `groups` the settings of all cells that were resampled.
    The interval covers the mean correlation of studies of this size. That is not the correlation of the
    settings' true medians: the noise of few seeds pulls it towards 0, and a resample, noisier still, pulls
    further, which is why the interval is centred on the estimate. Measured on medians of 12 and 36 settings,
    true correlations of 0 to 0.95: it holds its truth in 92 to 99 % of the studies at 2 to 50 seeds.
    """
    rho = spearman(x, y)
    if np.isnan(rho) or not repeated(groups):
        return Estimate(rho, np.nan, np.nan, len(x))
    return _on_fishers_scale(rho, spearman_rows(drawn_x, drawn_y), groups, len(x))


def _on_fishers_scale(rho: float, drawn: np.ndarray, groups: np.ndarray, n: int) -> Estimate:
    interval = normal_interval(rho, drawn, widening(groups), lambda r: _fisher(r, n), np.tanh)
    return Estimate(rho, *interval, n)


def _fisher(rho: np.ndarray | float, n: int) -> np.ndarray | float:
    """Fisher's transform, up to half the smallest step by which n ranks can miss ±1."""
    limit = 1 - 6 / (n * (n**2 - 1))
    return np.arctanh(np.clip(rho, -limit, limit))


def spearman_interval(rho: float, n: int) -> tuple[float, float]:
    """Interval of a rank correlation of n independent pairs, on Fisher's scale (Bonett & Wright 2000).

    It covers the correlation of endless pairs like these: 93 to 97 % for 30 normal pairs (measured).
    """
    if n < 4 or not np.isfinite(rho):
        return np.nan, np.nan
    z = _fisher(rho, n)
    half = stats.norm.ppf((1 + LEVEL) / 2) * np.sqrt((1 + rho**2 / 2) / (n - 3))
    return float(np.tanh(z - half)), float(max(rho, np.tanh(z + half)))

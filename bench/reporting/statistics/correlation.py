"""Spearman's rank correlation with intervals."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator
from scipy import stats

from bench.reporting.statistics.resampling import (
    DRAWS,
    LEVEL,
    Estimate,
    repeated,
    seed_weights,
    widening,
)


def weighted_ranks(x: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Average ranks (draws, n) of `x` (n,) in samples that hold x[i] weights[·, i] times; ties share one."""
    _, value = np.unique(x, return_inverse=True)
    order = np.argsort(value, kind="stable")
    edges = np.flatnonzero(np.diff(value[order], prepend=-1))
    copies = np.add.reduceat(weights[:, order], edges, axis=1)
    return (np.cumsum(copies, axis=1) - (copies - 1) / 2)[:, value]


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

    Intervals by the spread of a bootstrap over seeds within `groups` (n,).
    """
    samples = _Resampled(groups, rng, draws)
    return [[samples.correlation(x, y) for y in right.T] for x in left.T]


class _Resampled:
    """Weights and ranks of one table, kept per pattern of missing values, since most columns share it."""

    def __init__(self, groups: np.ndarray, rng: Generator, draws: int):
        # numbers in place of words: they are compared for every pattern of missing values
        self._groups = np.unique(groups, return_inverse=True)[1]
        self._rng, self._draws = rng, draws
        self._widening = widening(groups)
        self._weights: dict[bytes, np.ndarray] = {}
        self._ranks: dict[tuple[bytes, bytes], np.ndarray] = {}

    def correlation(self, x: np.ndarray, y: np.ndarray) -> Estimate:
        both = np.isfinite(x) & np.isfinite(y)
        rho, n = spearman(x[both], y[both]), int(both.sum())
        if np.isnan(rho) or not repeated(self._groups[both]):
            return Estimate(rho, np.nan, np.nan, n)
        mask = both.tobytes()
        if mask not in self._weights:
            self._weights[mask] = seed_weights(self._groups[both], self._rng, self._draws)
        drawn = np.einsum("dn,dn->d", self._standardised(x[both], mask), self._standardised(y[both], mask))
        # Normal on Fisher's scale: stays inside −1 … 1 and needs no tail of the few draws.
        z, half = _fisher(rho, n), self._widening * np.nanstd(_fisher(drawn, n))
        half *= stats.norm.ppf((1 + LEVEL) / 2)
        return Estimate(rho, float(np.tanh(z - half)), max(rho, float(np.tanh(z + half))), n)

    def _standardised(self, x: np.ndarray, mask: bytes) -> np.ndarray:
        """Ranks (draws, n) scaled so that the product of two columns sums to their correlation."""
        key = (mask, x.tobytes())
        if key not in self._ranks:
            weights = self._weights[mask]
            ranks = np.sqrt(weights) * (weighted_ranks(x, weights) - (len(x) + 1) / 2)
            with np.errstate(invalid="ignore"):
                self._ranks[key] = ranks / np.sqrt((ranks**2).sum(axis=1, keepdims=True))
        return self._ranks[key]


def _fisher(rho: np.ndarray | float, n: int) -> np.ndarray | float:
    """Fisher's transform, up to half the smallest step by which n ranks can miss ±1."""
    limit = 1 - 6 / (n * (n**2 - 1))
    return np.arctanh(np.clip(rho, -limit, limit))


def spearman_interval(rho: float, n: int) -> tuple[float, float]:
    """Interval of a rank correlation of n independent pairs, on Fisher's scale (Bonett & Wright 2000)."""
    if n < 4 or not np.isfinite(rho):
        return np.nan, np.nan
    z = _fisher(rho, n)
    half = stats.norm.ppf((1 + LEVEL) / 2) * np.sqrt((1 + rho**2 / 2) / (n - 3))
    return float(np.tanh(z - half)), float(max(rho, np.tanh(z + half)))

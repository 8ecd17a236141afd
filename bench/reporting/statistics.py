"""The report's statistics: rank correlation, shares of variance, probabilities of winning, seeds needed.

Uncertainty is that of the seeds: every bootstrap draws seeds with replacement within a setting (`groups`)
and keeps the settings, as the paper's grid does. A draw is a row of `weights`: how often each cell was drawn.
All randomness comes from the Generator passed in.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from scipy import stats

DRAWS = 300
LEVEL = 0.95
MOST_SEEDS = 100_000


@dataclass(frozen=True)
class Estimate:
    """A number, its 95 % interval (NaN where n is too small for one) and the number of cells it rests on."""

    value: float
    low: float
    high: float
    n: int


def seed_weights(groups: np.ndarray, rng: Generator, draws: int = DRAWS) -> np.ndarray:
    """Bootstrap weights (draws, n): each group of `groups` (n,) redrawn with replacement to its own size.

    No draws where no setting has two seeds: there is no seed noise to resample.
    """
    if not repeated(groups):
        return np.empty((0, len(groups)))
    _, group, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    order = np.argsort(group, kind="stable")
    start = np.concatenate([[0], np.cumsum(sizes)[:-1]])[group]
    drawn = order[start + np.floor(rng.random((draws, len(group))) * sizes[group]).astype(int)]
    flat = drawn + np.arange(draws)[:, None] * len(group)
    return np.bincount(flat.ravel(), minlength=draws * len(group)).reshape(draws, len(group)).astype(float)


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
        self._groups, self._rng, self._draws = groups, rng, draws
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


def repeated(groups: np.ndarray) -> bool:
    """Whether some setting has more than one seed; without, there is no seed noise to resample."""
    return len(groups) > 0 and np.unique(groups, return_counts=True)[1].max() > 1


def percentiles(draws: np.ndarray) -> tuple[float, float]:
    """The central 95 % of bootstrap `draws`, NaN draws (a constant resample) left out."""
    draws = draws[np.isfinite(draws)]
    if not len(draws):
        return float("nan"), float("nan")
    low, high = np.quantile(draws, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def resampled_medians(groups: Sequence[np.ndarray], rng: Generator, draws: int = DRAWS) -> list[np.ndarray]:
    """Medians (draws,) of bootstrap samples of each group of scores (n,), one group per setting, n ≥ 1.

    The median of a resample is the middle one, or the mean of the middle two, of n ranks drawn with
    replacement; each group draws its own ranks.
    """
    drawn = []
    for x in groups:
        ranks = np.sort(rng.integers(0, len(x), (draws, len(x))), axis=1)
        drawn.append(np.sort(x)[ranks[:, [(len(x) - 1) // 2, len(x) // 2]]].mean(axis=1))
    return drawn


def medians(groups: Sequence[np.ndarray], rng: Generator, draws: int = DRAWS) -> list[Estimate]:
    """Median of each group of scores (n,), one group per setting, with its bootstrap interval over seeds.

    With n seeds an interval cannot reach beyond their range, which holds the true median with probability
    1 − 2^(1−n) at most: 75 % for three seeds, 94 % for five. Captions say so.
    """
    drawn = iter(resampled_medians([x for x in groups if len(x) > 1], rng, draws))
    return [
        Estimate(float(np.median(x)), *percentiles(next(drawn)), len(x))
        if len(x) > 1
        else Estimate(float(x[0]) if len(x) else np.nan, np.nan, np.nan, len(x))
        for x in groups
    ]


def means(groups: Sequence[np.ndarray]) -> list[Estimate]:
    """Mean of each group of scores (n,) with Student's interval: exact for normal scores at any n ≥ 2."""
    n = np.array([len(x) for x in groups])
    quantile = stats.t.ppf((1 + LEVEL) / 2, np.maximum(n - 1, 1))
    estimates = []
    for x, size, t in zip(groups, n, quantile, strict=True):
        centre = float(x.mean()) if size else np.nan
        half = float(t * x.std(ddof=1) / np.sqrt(size)) if size > 1 else np.nan
        estimates.append(Estimate(centre, centre - half, centre + half, int(size)))
    return estimates


def auc(x: np.ndarray, y: np.ndarray) -> float:
    """P(a random value of `x` (n,) is above one of `y` (m,)), ties half (Mann & Whitney 1947)."""
    n, m = len(x), len(y)
    return float((stats.rankdata(np.concatenate([x, y]))[:n].mean() - (n + 1) / 2) / m)


def probability_of_winning(
    x: np.ndarray, y: np.ndarray, weights_x: np.ndarray, weights_y: np.ndarray
) -> Estimate:
    """P(a random cell of `x` (n,) scores above one of `y` (m,)), ties half, with its interval.

    `weights_x` (draws, n) and `weights_y` (draws, m) are seed_weights; without draws there is no interval.
    """
    n, m = len(x), len(y)
    if not n or not m:
        return Estimate(np.nan, np.nan, np.nan, n + m)
    draws = max(len(weights_x), len(weights_y))
    sides = [w if len(w) else np.ones((draws, w.shape[1])) for w in (weights_x, weights_y)]
    weights = np.hstack(sides)
    ranks = weighted_ranks(np.concatenate([x, y]), weights)
    drawn = ((weights * ranks)[:, :n].sum(axis=1) / n - (n + 1) / 2) / m
    return Estimate(auc(x, y), *percentiles(drawn), n + m)


def estimate_from(value: float, draws: np.ndarray, n: int, widening: float) -> Estimate:
    """`value` with the spread of its bootstrap `draws`, centred on it and widened (see `widening`).

    A resample repeats seeds, so that shares of variance grow and ranks tie; centring takes this bias out.
    """
    low, high = percentiles(draws)
    centre = np.nanmean(draws) if np.isfinite(draws).any() else np.nan
    return Estimate(value, value + widening * (low - centre), value + widening * (high - centre), n)


def widening(groups: np.ndarray) -> float:
    """√(S/(S − 1)), averaged over the cells of `groups`: S seeds redrawn show (S − 1)/S of their variance.

    Without it, intervals from three seeds per setting hold the truth in 86 % of the cases instead of 92 %.
    """
    _, group, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    seeds = sizes[group][sizes[group] > 1]
    return float(np.sqrt((seeds / (seeds - 1)).mean())) if len(seeds) else 1.0


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


def variance_explained(
    x: np.ndarray, labels: np.ndarray, settings: np.ndarray, rng: Generator, draws: int = DRAWS
) -> VarianceExplained:
    """Share of the variance of scores `x` (n,) between the groups of `labels` (locatello2019.md §7.1, Table
    5).

    R² = between-group / total sum of squares; adjusted = 1 − (1 − R²)(n − 1)/(n − k); null = (k − 1)/(n − 1),
    the exact mean over permutations. The interval resamples seeds within `settings`. There R² itself is the
    truth that adjusted R² estimates, so their difference gives the error (a pivotal interval).
    """
    n, k = len(x), len(np.unique(labels))
    if n <= k or k < 2 or np.ptp(x) == 0:
        return VarianceExplained(np.nan, Estimate(np.nan, np.nan, np.nan, n), np.nan, np.nan)
    members = (labels[:, None] == np.unique(labels)).astype(float)

    def r_squared(weights: np.ndarray, values: np.ndarray) -> np.ndarray:
        wx, size = weights * values, weights @ members
        with np.errstate(invalid="ignore", divide="ignore"):
            between = ((wx @ members) ** 2 / size).sum(axis=1) - wx.sum(axis=1) ** 2 / n
            return between / ((wx * values).sum(axis=1) - wx.sum(axis=1) ** 2 / n)

    def adjust(raw: np.ndarray) -> np.ndarray:
        return 1 - (1 - raw) * (n - 1) / (n - k)

    centred = x - x.mean()
    raw = float(r_squared(np.ones((1, n)), centred)[0])
    shuffled = rng.permuted(np.tile(centred, (draws, 1)), axis=1)
    p = float((1 + (r_squared(np.ones((1, n)), shuffled) >= raw).sum()) / (draws + 1))
    low = high = np.nan
    if repeated(settings):
        error_low, error_high = percentiles(
            adjust(r_squared(seed_weights(settings, rng, draws), centred)) - raw
        )
        low, high = adjust(raw) - error_high, adjust(raw) - error_low
    return VarianceExplained(raw, Estimate(float(adjust(raw)), low, high, n), (k - 1) / (n - 1), p)


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

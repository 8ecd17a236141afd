"""Resampling seeds within settings, and what estimates are made of its draws."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from scipy import stats

DRAWS = 300
LEVEL = 0.95


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
    chosen = rng.random((draws, len(group)))
    chosen *= sizes[group]  # in place, here and below: new arrays of this size take most of the time
    flat = order.take(chosen.astype(int) + start)
    flat += np.arange(draws)[:, None] * len(group)
    return np.bincount(flat.ravel(), minlength=draws * len(group)).reshape(draws, len(group)).astype(float)


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


def widening(groups: np.ndarray) -> float:
    """√(S/(S − 1)), averaged over the cells of `groups`: S seeds redrawn show (S − 1)/S of their variance.

    Without it, intervals from three seeds per setting hold the truth in 86 % of the cases instead of 92 %.
    """
    _, group, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    seeds = sizes[group][sizes[group] > 1]
    return float(np.sqrt((seeds / (seeds - 1)).mean())) if len(seeds) else 1.0


def estimate_from(value: float, draws: np.ndarray, n: int, widening: float) -> Estimate:
    """`value` with the spread of its bootstrap `draws`, centred on it and widened (see `widening`).

    A resample repeats seeds, so that shares of variance grow and ranks tie; centring takes this bias out.
    How often it holds the truth depends on the quantity: see mean_of_estimates, share and pooled_median.
    """
    low, high = percentiles(draws)
    centre = np.nanmean(draws) if np.isfinite(draws).any() else np.nan
    return Estimate(value, value + widening * (low - centre), value + widening * (high - centre), n)


def normal_interval(
    value: float, draws: np.ndarray, widening: float, to_scale: Callable, from_scale: Callable
) -> tuple[float, float]:
    """Interval of `value` from the spread of its bootstrap `draws`, normal on a scale and widened.

    On the right scale the spread depends little on the value, so that a resample's bias does no harm, the
    interval stays inside the possible values, and no tail of the few draws is needed. NaN without draws.
    """
    moved = to_scale(draws[np.isfinite(draws)])
    if not len(moved):
        return float("nan"), float("nan")
    half = stats.norm.ppf((1 + LEVEL) / 2) * widening * moved.std()
    low, high = (float(from_scale(to_scale(value) + side * half)) for side in (-1, 1))
    return min(value, low), max(value, high)  # the scale ends a little before a value at the very edge


def mean_of_estimates(
    estimates: Sequence[Estimate],
    draws: Sequence[np.ndarray],
    widening: float,
    within: tuple[float, float],
) -> Estimate:
    """Mean of several estimates with the interval that `estimate_from` makes of the mean of their `draws`.

    The interval ends where the quantity does, `within`: at 0 and 1 for shares and probabilities. Draws, each
    (draws,), that rest on the same cells must be of the same resamples, row by row, so that the mean keeps
    their correlation. Measured on nine shares of variance from 3 % to 90 % and nine probabilities of winning,
    2 to 5 seeds: it holds their mean in 91 to 97 % of the studies.
    """
    value = float(np.mean([e.value for e in estimates])) if estimates else np.nan
    drawn = np.mean([d for d in draws if len(d)], axis=0) if any(map(len, draws)) else np.array([])
    found = estimate_from(value, drawn, sum(e.n for e in estimates), widening)
    low, high = np.clip([found.low, found.high], *within)
    return Estimate(value, float(low), float(high), found.n)


def share(holds: np.ndarray, settings: np.ndarray, rng: Generator) -> Estimate:
    """Share of the cells where `holds` (n,), with its bootstrap interval over the seeds of `settings` (n,).

    The interval covers the share among endless seeds of these settings; measured, it holds it in 91 to 95 %
    of the studies of 36 settings with 2 to 50 seeds, of six settings in 69 % at worst at 2, 88 % at 3, 90 %
    at 5. Where all or none hold, no resample differs; then the interval is Clopper and Pearson's.
    """
    n, k = len(holds), int(np.sum(holds))
    if n == 0:
        return Estimate(np.nan, np.nan, np.nan, 0)
    if k in (0, n):
        exact = stats.binomtest(k, n).proportion_ci(LEVEL)
        return Estimate(k / n, float(exact.low), float(exact.high), n)
    drawn = seed_weights(settings, rng) @ np.asarray(holds, float) / n
    found = estimate_from(k / n, drawn, n, widening(settings))
    return Estimate(found.value, max(found.low, 0.0), min(found.high, 1.0), n)

"""The probability that a random model of one kind beats one of another."""

from __future__ import annotations

import numpy as np
from scipy import stats

from bench.reporting.statistics.correlation import weighted_ranks
from bench.reporting.statistics.resampling import Estimate, percentiles


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
    return Estimate(auc(x, y), *percentiles(winning_draws(x, y, weights_x, weights_y)), n + m)


def winning_draws(x: np.ndarray, y: np.ndarray, weights_x: np.ndarray, weights_y: np.ndarray) -> np.ndarray:
    """The probability of winning in every draw (draws,); a draw may hold fewer than n or m cells."""
    draws = max(len(weights_x), len(weights_y))
    left, right = (w if len(w) else np.ones((draws, w.shape[1])) for w in (weights_x, weights_y))
    ranks = weighted_ranks(np.concatenate([x, y]), np.hstack([left, right]))
    n, m = left.sum(axis=1), right.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return ((left * ranks[:, : len(x)]).sum(axis=1) / n - (n + 1) / 2) / m

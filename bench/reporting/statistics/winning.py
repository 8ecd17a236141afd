"""The probability that a random model of one kind beats one of another."""

from __future__ import annotations

import numpy as np
from scipy import stats
from scipy.special import expit, logit

from bench.reporting.statistics.correlation import weighted_ranks
from bench.reporting.statistics.resampling import LEVEL, Estimate, normal_interval, widening


def auc(x: np.ndarray, y: np.ndarray) -> float:
    """P(a random value of `x` (n,) is above one of `y` (m,)), ties half (Mann & Whitney 1947)."""
    n, m = len(x), len(y)
    return float((stats.rankdata(np.concatenate([x, y]))[:n].mean() - (n + 1) / 2) / m)


def probability_of_winning(x: np.ndarray, y: np.ndarray, drawn: np.ndarray, settings: np.ndarray) -> Estimate:
    """P(a random cell of `x` (n,) scores above one of `y` (m,)), ties half, with its interval.

    `drawn` (draws,) are winning_draws, `settings` (n + m,) those of the cells of x, then of y, which share
    none. The interval
    covers the probability among endless seeds of these settings. It is normal on the logit scale; measured
    at 3, 5 and 50 seeds, six settings a side, it holds the truth in 94 to 98 % of the studies, with a single
    setting of three seeds on one side in 86 %, of five in 92 %. Where every or no pair is won no resample
    differs; then it is Clopper and Pearson's for as many independent pairs as the smaller side has cells.
    """
    n, m = len(x), len(y)
    if not n or not m:
        return Estimate(np.nan, np.nan, np.nan, n + m)
    value, edge = auc(x, y), 0.5 / (n * m)
    if value in (0, 1) and len(drawn):
        pairs = min(n, m)
        exact = stats.binomtest(round(value * pairs), pairs).proportion_ci(LEVEL)
        return Estimate(value, float(exact.low), float(exact.high), n + m)

    def scale(p: np.ndarray | float) -> np.ndarray | float:
        return logit(np.clip(p, edge, 1 - edge))

    return Estimate(value, *normal_interval(value, drawn, widening(settings), scale, expit), n + m)


def winning_draws(x: np.ndarray, y: np.ndarray, weights_x: np.ndarray, weights_y: np.ndarray) -> np.ndarray:
    """The probability of winning in every draw (draws,) of seed_weights (draws, n) and (draws, m).

    A draw may hold fewer than n or m cells; a side without draws stays as it is.
    """
    draws = max(len(weights_x), len(weights_y))
    left, right = (w if len(w) else np.ones((draws, w.shape[1])) for w in (weights_x, weights_y))
    ranks = weighted_ranks(np.concatenate([x, y]), np.hstack([left, right]))
    n, m = left.sum(axis=1), right.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return ((left * ranks[:, : len(x)]).sum(axis=1) / n - (n + 1) / 2) / m

"""Claims on which objective or value is best, with bounds for what seeds leave open (Figures 3, 4, 13–15).

The best of several noisy numbers is a matter of chance, and so is how often one of them is the best: a
bootstrap repeats the chance and its interval misses the truth. So these quantities have bounds of their own.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from scipy import stats

from bench.reporting.claims.evidence import Evidence, mean
from bench.reporting.statistics import LEVEL, pooled_deviation

TAIL = (1 - LEVEL) / 2


def consistent_winner(evidence: Evidence) -> float:
    """Share of (data set, metric) in which an objective beats each other with P > ½: the largest."""
    return _objectives(evidence)[1]


def consistent_winner_bounds(evidence: Evidence) -> tuple[float, float]:
    """Bounds of `consistent_winner`: see `bests`."""
    low, _, high = _objectives(evidence)
    return low, high


def consistent_strength(evidence: Evidence) -> float:
    """Share of (data set, metric) in which a value of an objective beats each other with P > ½: the largest,
    mean over objectives."""
    return _values(evidence)[1]


def consistent_strength_bounds(evidence: Evidence) -> tuple[float, float]:
    """Bounds of `consistent_strength`: see `bests`."""
    low, _, high = _values(evidence)
    return low, high


def _objectives(evidence: Evidence) -> np.ndarray:
    layout = evidence.layout
    rows = [layout.place(data) for data in layout.datasets]
    return _most_frequent(evidence, ((r, layout.model[r]) for r in rows))


def _values(evidence: Evidence) -> np.ndarray:
    layout, found = evidence.layout, []
    for model in layout.models:
        rows = [layout.place(data, [model]) for data in layout.datasets]
        found.append(_most_frequent(evidence, ((r, layout.rank[r].astype(int)) for r in rows)))
    return np.array([mean(shares) for shares in zip(*found, strict=True)] if found else [np.nan] * 3)


def _most_frequent(evidence: Evidence, contests: Iterable[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    """Largest share of (contest, metric) of which one label is surely, seemingly and perhaps the best: (3,).

    A contest is rows of cells and their labels 0, 1, …; NaN below two that have two labels with scores.
    """
    contests = list(contests)
    labels = 1 + max((label.max() for _, label in contests if len(label)), default=0)
    found = []
    for rows, label in contests:
        evidence.note(rows, evidence.layout.metrics)
        for metric in evidence.layout.metrics:
            x = evidence.values[rows, evidence.layout.at[metric.name]]
            there = np.isfinite(x)
            if len(np.unique(label[there])) > 1:
                found.append(bests(x[there], label[there], labels))
    return np.mean(found, axis=0).max(axis=1) if len(found) > 1 else np.full(3, np.nan)


def bests(x: np.ndarray, label: np.ndarray, labels: int) -> np.ndarray:
    """Which of the `labels` of scores `x` (n,) is surely, seemingly and perhaps the best: (3, labels).

    The best beats each other with P > ½ (`wins`). It surely does where the rank test (Mann & Whitney 1947)
    is clear against each, each at 2.5 % (intersection–union: it is false if one of them is). It perhaps does
    unless another clearly beats it, at 2.5 % divided by the number of others (Bonferroni). So each of the two
    is wrong on at most one (data set, metric) in 40, and their shares enclose that of the true best. Measured
    on seven data sets × six objectives, one value or objective ahead of the others by 0.1, 0.6 or 1 standard
    deviations of the seeds, everywhere or on its own data set, or none: they hold the true share in 92 to
    100 % of the studies of 5 to 200 seeds, and miss it by one of 42 (data set, metric) where they do.
    """
    p, size = wins(x, label, labels), np.bincount(label, minlength=labels)
    there = size > 0
    against = there & ~np.eye(labels, dtype=bool)
    with np.errstate(invalid="ignore", divide="ignore"):
        z = (p - 0.5) / np.sqrt((size[:, None] + size + 1) / (12 * np.outer(size, size)))
    clear, of_several = stats.norm.isf(TAIL), stats.norm.isf(TAIL / max(there.sum() - 1, 1))
    surely, seemingly = (((values > edge) | ~against).all(axis=1) for values, edge in ((z, clear), (p, 0.5)))
    return there & np.stack([surely, seemingly, ~((z > of_several) & against & there[:, None]).any(axis=0)])


def wins(x: np.ndarray, label: np.ndarray, labels: int) -> np.ndarray:
    """P(a random score of `x` (n,) with label a lies above one with label b), ties half: (labels, labels).

    statistics.auc of every pair of labels 0, 1, … at once; NaN for a label without scores.
    """
    values, place = np.unique(x, return_inverse=True)
    counts = np.zeros((labels, len(values)))
    np.add.at(counts, (label, place), 1)
    below = np.cumsum(counts, axis=1) - counts
    sizes = counts.sum(axis=1)
    with np.errstate(invalid="ignore"):
        return counts @ (below + counts / 2).T / np.outer(sizes, sizes)


def bad_value_good_seed(evidence: Evidence) -> float:
    """P(a random seed of the worst value is at least as good as one of the best): Cars3D, mean of scores;
    half-way between choosing the two on the seeds that are compared and on the others."""
    return mean([mean([x.mean() for x in groups if len(x)]) for groups in _seeds_of_worst(evidence)])


def bad_value_good_seed_bounds(evidence: Evidence) -> tuple[float, float]:
    """Bounds of `bad_value_good_seed`: the lower end where the seeds compared choose best and worst value by
    their medians, the upper end where the other half does, every second seed, both ways.

    Seeds that make a value look best are good ones, so they compare too well with the worst, and the share
    is too low; others choose values less far apart than the true best and worst, and it is too high. Each has
    Student's interval over objectives × seeds. Measured at 5, 10 and 50 seeds, value's share of the variance
    0: they hold the truth, ½, in 95 to 98 % of the studies; 0.2 and 0.5: in 98 to 100 %, being two ends.
    """
    within, apart = _seeds_of_worst(evidence)
    # the halves choose for each other, so they are not independent: their mean is taken as no surer than one
    low, high = _student(within), _student(apart, wider=np.sqrt(2))
    return float(max(low[0], 0.0)), float(min(high[1], 1.0))


def _student(groups: list[np.ndarray], wider: float = 1.0) -> tuple[float, float]:
    """Student's interval of the mean of the groups' means, of one deviation within groups; NaN below two."""
    groups = [x for x in groups if len(x)]
    n, centre = sum(map(len, groups)), mean([x.mean() for x in groups])
    if n <= len(groups):
        return np.nan, np.nan
    half = wider * stats.t.isf(TAIL, n - len(groups)) * pooled_deviation(groups).value / np.sqrt(n)
    return centre - half, centre + half


def _seeds_of_worst(evidence: Evidence) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Per objective the means over metrics, one a seed, of how often the worst value is as good as the best.

    First where both are chosen by the medians of the seeds that are compared, then by those of the others.
    """
    layout, within, apart = evidence.layout, [], []
    for (data, _), settings in layout.of_setting.items():
        if data != "Cars3D":
            continue
        rows = np.concatenate([layout.members[s] for s in settings])
        evidence.note(rows, layout.metrics)
        value, seed = (np.unique(x[rows], return_inverse=True)[1] for x in (layout.number, layout.seed))
        table = np.full((len(layout.metrics), value.max() + 1, seed.max() + 1), np.nan)
        table[:, value, seed] = evidence.values[np.ix_(rows, [layout.at[m.name] for m in layout.metrics])].T
        for found, shares in ((within, _chosen_within), (apart, _chosen_apart)):
            of_metrics = [shares(x) for x in table if np.isfinite(x).any(axis=1).sum() > 1]
            means = [mean(of_seed) for of_seed in zip(*of_metrics, strict=True)]
            found.append(np.array([x for x in means if np.isfinite(x)]))
    return within, apart


def _chosen_within(x: np.ndarray) -> np.ndarray:
    """Per seed of scores `x` (values, seeds), best and worst value by the medians of the same seeds."""
    return _shares_of_pairs(x, x)


def _chosen_apart(x: np.ndarray) -> np.ndarray:
    """Per seed of scores `x` (values, seeds), best and worst value by the medians of the other half."""
    found = np.full(x.shape[1], np.nan)
    even = np.arange(x.shape[1]) % 2 == 0
    for half in (even, ~even):
        found[half] = _shares_of_pairs(x[:, half], x[:, ~half])
    return found


def _shares_of_pairs(x: np.ndarray, choosing: np.ndarray) -> np.ndarray:
    """Per seed of `x` (values, seeds): how often the worst value by `choosing` is as good as the best there.

    A seed's share of the pairs that it is in, with either value, less the share of all: their mean is that of
    all pairs, and their spread shows how sure it is (DeLong et al. 1988).
    """
    if np.isfinite(choosing).any(axis=1).sum() < 2:
        return np.full(x.shape[1], np.nan)
    worst, best = _extremes(choosing)
    low, high = x[worst][:, None], x[best]
    won = np.where(np.isfinite(low) & np.isfinite(high), low >= high, np.nan)
    return np.array([mean(a) + mean(b) for a, b in zip(won, won.T, strict=True)]) - mean(won.ravel())


def _extremes(x: np.ndarray) -> tuple[int, int]:
    """Rows of `x` (values, seeds) with the lowest and the highest median of what is finite."""
    medians = np.array([np.median(row[np.isfinite(row)]) if np.isfinite(row).any() else np.nan for row in x])
    return int(np.nanargmin(medians)), int(np.nanargmax(medians))

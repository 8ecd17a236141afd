"""The transfer experiment: does a setting chosen at one seed beat a random one elsewhere? (Table 1)."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator

from bench.reporting.cells import Study
from bench.reporting.statistics import Estimate, percentiles

DRAWS = 10_000
RESAMPLES = 100

#: kind -> (target metric, target data set, id of the published rate)
KINDS: dict[str, tuple[str, str, str]] = {
    "same_same": ("same", "same", "transfer_same_same"),
    "same_metric": ("same", "different", "transfer_samemetric_diffdata"),
    "same_data": ("different", "same", "transfer_diffmetric_samedata"),
    "different": ("different", "different", "transfer_diff_diff"),
}


def scores_by_seed(study: Study) -> np.ndarray:
    """Scores (metrics, data sets, settings, seeds) of the trained cells; NaN where there is none.

    Settings are those of all data sets together, so that a setting has one place on every data set.
    """
    metrics, cells = study.metrics(), study.cells[study.trained]
    choices, seeds = sorted(cells["choice"].unique()), sorted(cells["seed"].unique())
    table = np.full((len(metrics), len(study.datasets), len(choices), len(seeds)), np.nan)
    place = (
        cells["data"].map(study.datasets.index),
        cells["choice"].map({c: i for i, c in enumerate(choices)}),
        cells["seed"].map({s: i for i, s in enumerate(seeds)}),
    )
    for m, metric in enumerate(metrics):
        table[(m, *place)] = study.values.loc[cells.index, metric.name]
    return table


def success_rates(scores: np.ndarray, kind: str, rng: Generator) -> Estimate:
    """P(chosen ≥ random) over 10,000 draws (locatello2019.md §7.2), with a bootstrap interval over seeds.

    `scores` as from scores_by_seed. Source: seed, metric and data set at random, the setting with the highest
    score there. Target: by `kind`, that setting at another seed against a random setting at a random seed
    other than the source's; the paper leaves open whether the two seeds are one, here they are drawn apart.
    Ties count as success; draws that hit a missing score are dropped. n is the number of draws that count.
    """
    _, datasets, settings, seeds = scores.shape
    value, n = _rate(scores, np.broadcast_to(np.arange(seeds), scores.shape[1:]), kind, rng)
    if not n:
        return Estimate(np.nan, np.nan, np.nan, 0)
    drawn = []
    for _ in range(RESAMPLES):
        origin = rng.integers(0, seeds, (datasets, settings, seeds))
        resampled = np.take_along_axis(scores, origin[None], axis=3)
        drawn.append(_rate(resampled, origin, kind, rng)[0])
    return Estimate(value, *percentiles(np.array(drawn)), n)


def _rate(scores: np.ndarray, origin: np.ndarray, kind: str, rng: Generator) -> tuple[float, int]:
    """Rate of success and number of draws; `origin` (data sets, settings, seeds) names each score's own seed.

    In a resample one cell may stand at two seeds: a draw that would test the chosen cell on itself is
    dropped.
    """
    metrics, datasets, settings, seeds = scores.shape
    same_metric, same_data = (KINDS[kind][i] == "same" for i in (0, 1))
    needed = (1 if same_metric else 2, 1 if same_data else 2, 2, 2)
    if any(size < least for size, least in zip(scores.shape, needed, strict=True)):
        return float("nan"), 0
    metric, data = rng.integers(0, metrics, DRAWS), rng.integers(0, datasets, DRAWS)
    seed = rng.integers(0, seeds, DRAWS)
    best = np.where(np.isnan(scores), -np.inf, scores).argmax(axis=2)[metric, data, seed]
    to_metric = metric if same_metric else (metric + rng.integers(1, metrics, DRAWS)) % metrics
    to_data = data if same_data else (data + rng.integers(1, datasets, DRAWS)) % datasets
    chosen_seed, random_seed = ((seed + rng.integers(1, seeds, DRAWS)) % seeds for _ in range(2))
    random = rng.integers(0, settings, DRAWS)
    source = scores[metric, data, best, seed]
    chosen = scores[to_metric, to_data, best, chosen_seed]
    other = scores[to_metric, to_data, random, random_seed]
    itself = (to_data == data) & (origin[to_data, best, chosen_seed] == origin[data, best, seed])
    counts = np.isfinite(source) & np.isfinite(chosen) & np.isfinite(other) & ~itself
    if not counts.any():
        return float("nan"), 0
    return float((chosen >= other)[counts].mean()), int(counts.sum())

"""The transfer experiment: does a setting chosen at one seed beat a random one elsewhere? (Table 1)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.random import Generator, Philox

from bench.reporting.cells import Column, Study
from bench.reporting.statistics import DRAWS as RESAMPLES
from bench.reporting.statistics import Estimate, estimate_from

DRAWS = 10_000

#: kind -> (target metric, target data set, id of the published rate)
KINDS: dict[str, tuple[str, str, str]] = {
    "same_same": ("same", "same", "transfer_same_same"),
    "same_metric": ("same", "different", "transfer_samemetric_diffdata"),
    "same_data": ("different", "same", "transfer_diffmetric_samedata"),
    "different": ("different", "different", "transfer_diff_diff"),
}


#: How the target's seeds are drawn; the paper leaves it open.
SEEDS: dict[str, str] = {
    "apart": "two seeds other than the source's, for the chosen and for the random setting",
    "together": "one seed other than the source's, for both",
    "any": "any two seeds",
}


def scores_by_seed(study: Study, columns: Sequence[Column]) -> np.ndarray:
    """Scores (columns, data sets, settings, seeds) of the trained cells; NaN where there is none.

    Settings are those of all data sets together, so that a setting has one place on every data set.
    """
    cells = study.cells[study.trained]
    choices, seeds = sorted(cells["choice"].unique()), sorted(cells["seed"].unique())
    table = np.full((len(columns), len(study.datasets), len(choices), len(seeds)), np.nan)
    place = (
        cells["data"].map(study.datasets.index),
        cells["choice"].map({c: i for i, c in enumerate(choices)}),
        cells["seed"].map({s: i for i, s in enumerate(seeds)}),
    )
    for m, column in enumerate(columns):
        table[(m, *place)] = study.values.loc[cells.index, column.name]
    return table


def draws_of(kind: str) -> Generator:
    """The random numbers of one kind's rates: 10,000 draws leave half a point of noise, and wherever a report
    shows a rate it is to be the same number."""
    return Generator(Philox(key=list(KINDS).index(kind)))


def success_rates(scores: np.ndarray, kind: str, rng: Generator, seeds: str = "apart") -> Estimate:
    """P(chosen ≥ random) over 10,000 draws (locatello2019.md §7.2), with a bootstrap interval over seeds.

    `scores` as from scores_by_seed. Source: seed, metric and data set at random, the setting with the highest
    score there. Target: by `kind`, that setting against a random setting, at `seeds` drawn as SEEDS says.
    Ties count as success; draws that hit a missing score are dropped. n is the number of draws that count.
    """
    same_metric, same_data = (KINDS[kind][i] == "same" for i in (0, 1))
    needed = (1 if same_metric else 2, 1 if same_data else 2, 2, 2)
    if any(size < least for size, least in zip(scores.shape, needed, strict=True)):
        return Estimate(np.nan, np.nan, np.nan, 0)

    def drawn(table: np.ndarray, cell: np.ndarray) -> tuple[float, int]:
        metrics, datasets = scores.shape[:2]
        metric, data = rng.integers(0, metrics, DRAWS), rng.integers(0, datasets, DRAWS)
        to_metric = metric if same_metric else (metric + rng.integers(1, metrics, DRAWS)) % metrics
        to_data = data if same_data else (data + rng.integers(1, datasets, DRAWS)) % datasets
        source, target = (metric, data), (to_metric, to_data)
        return _rate(table, source, table, target, cell, rng, seeds)

    return _with_interval(scores, drawn, rng)


def selector_rate(selector: np.ndarray, targets: np.ndarray, rng: Generator) -> Estimate:
    """P(chosen ≥ random) where `selector` (data sets, settings, seeds), larger is better, chooses a setting.

    The choice is made at a random seed and data set and judged there at other seeds by a random metric of
    `targets` (metrics, data sets, settings, seeds), as in success_rates.
    """
    metrics, datasets, settings, seeds = targets.shape
    if metrics < 1 or settings < 2 or seeds < 2:
        return Estimate(np.nan, np.nan, np.nan, 0)

    def drawn(table: np.ndarray, cell: np.ndarray) -> tuple[float, int]:
        metric, data = rng.integers(0, metrics, DRAWS), rng.integers(0, datasets, DRAWS)
        first = np.zeros(DRAWS, int)
        return _rate(table[:1], (first, data), table[1:], (metric, data), cell, rng, "apart")

    return _with_interval(np.concatenate([selector[None], targets]), drawn, rng)


def _with_interval(scores: np.ndarray, drawn: Callable, rng: Generator) -> Estimate:
    """The rate that `drawn` gives on the scores themselves, and its spread over resamples of their seeds."""
    _, datasets, settings, seeds = scores.shape
    table = np.where(np.isnan(scores), -np.inf, scores).reshape(len(scores), -1)
    first = np.arange(datasets * settings).reshape(datasets, settings, 1) * seeds
    value, n = drawn(table, first + np.arange(seeds))
    if not n:
        return Estimate(np.nan, np.nan, np.nan, 0)
    rates = []
    for _ in range(RESAMPLES):
        origin = rng.integers(0, seeds, (datasets, settings, seeds))
        rates.append(drawn(table, first + origin)[0])
    found = estimate_from(value, np.array(rates), n, np.sqrt(seeds / (seeds - 1)))
    return Estimate(value, max(found.low, 0.0), min(found.high, 1.0), n)


def _rate(
    sources: np.ndarray,
    source: tuple[np.ndarray, np.ndarray],
    targets: np.ndarray,
    target: tuple[np.ndarray, np.ndarray],
    cell: np.ndarray,
    rng: Generator,
    seeds: str,
) -> tuple[float, int]:
    """Rate of success and number of draws that count; `source`, `target`: metric and data set of each draw.

    `sources` and `targets` (metrics, cells) are −∞ where there is no score; `cell` (data sets, settings,
    seeds) is the place of the cell that stands there. In a resample one cell may stand at two seeds: a draw
    that would test the chosen cell on itself is dropped, unless any seed may be drawn.
    """
    _, settings, count = cell.shape
    (metric, data), (to_metric, to_data) = source, target
    seed = rng.integers(0, count, DRAWS)
    best = np.take(sources, cell.transpose(0, 2, 1), axis=1).argmax(axis=3)[metric, data, seed]
    if seeds == "any":
        chosen_seed, random_seed = rng.integers(0, count, (2, DRAWS))
    else:
        chosen_seed, random_seed = ((seed + rng.integers(1, count, DRAWS)) % count for _ in range(2))
        random_seed = chosen_seed if seeds == "together" else random_seed
    random = rng.integers(0, settings, DRAWS)
    first, again = cell[data, best, seed], cell[to_data, best, chosen_seed]
    found, chosen = sources[metric, first], targets[to_metric, again]
    other = targets[to_metric, cell[to_data, random, random_seed]]
    counts = np.isfinite(found) & np.isfinite(chosen) & np.isfinite(other)
    counts &= (first != again) | (seeds == "any")
    if not counts.any():
        return float("nan"), 0
    return float((chosen >= other)[counts].mean()), int(counts.sum())

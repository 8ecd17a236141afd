"""What claims are decided on: the paper's part of a study, its medians and correlations, their support."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.random import Generator

from bench.metrics import DEFAULT_ESTIMATOR
from bench.reporting.cells import Column, Study
from bench.reporting.claims.support import Support, gap
from bench.reporting.exhibits.downstream import downstream_columns
from bench.reporting.exhibits.label_free import unsupervised_columns
from bench.reporting.names import (
    PAPER_DATASETS,
    PAPER_METRICS,
    PAPER_MODELS,
    PAPER_SEEDS,
    model_name,
)
from bench.reporting.statistics import spearman_rows

#: Where §7.5 gives a sign only: below VISIBLE |ρ| two rankings share less than a tenth of their variance, a
#: mild correlation less than a quarter, a strong one half.
VISIBLE, MILD, STRONG = 0.3, 0.5, 0.7

#: "Mostly" and "consistently" ask for three of four: Modularity goes its own way (Figure 12), so one winner,
#: value or sign on the five other metrics is no more than 5 of 6.
MOSTLY = 0.75

#: A random model passes a comparison half of the time; "very high" or "low" asks for seven of ten against the
#: other objectives' models, and what passes fewer is "not low". Not for three of four: below three objectives
#: of four others, one of them low as well, is exactly that, and chance would decide.
LOW = 0.7


class Lacking(LookupError):
    """The study has no such score or objective at all; the message is what the table of findings says."""


def of_paper(study: Study) -> Study:
    """`study` without what the paper has not: further data sets, objectives and scores, and rendered images.

    A published number is a mean over the paper's own; anything more would move the study's beside it. A study
    of nothing but other or rendered images keeps them: it gets estimates, and no verdict.
    """
    own = study.cells["dataset"].isin(PAPER_DATASETS) & (study.cells["source"] == "real")
    kept = study.cells["model"].isin(PAPER_MODELS) & (own if own.any() else True)
    metrics = (*PAPER_METRICS, "unsupervised", "training", "downstream")
    columns = tuple(c for c in study.columns if c.metric in metrics)
    values = study.values.loc[kept, [c.name for c in columns]]
    unscored = tuple(c for c in study.unscored if c.metric in metrics)
    return replace(study, cells=study.cells[kept], values=values, columns=columns, unscored=unscored)


class Layout:
    """Where the cells of a study's part of the paper lie: what all resamples share.

    Per cell `data`, `model` (its place in `models`), `rank`, `seed` and `number` (its place in `settings`);
    `shared`: data set -> places in `settings` of the settings that all data sets have, in one order.
    """

    def __init__(self, study: Study):
        cells = study.cells.reset_index(drop=True)
        self.study, self.datasets, self.models = study, study.datasets, study.models()
        self.metrics, self.tasks = study.metrics(), downstream_columns(study)
        self.at = {name: i for i, name in enumerate(study.values.columns)}
        unsupervised = unsupervised_columns(study, ("sampled", "mean"))
        self.correlated = {c.name: i for i, c in enumerate([*self.metrics, *unsupervised, *self.tasks])}
        self.data, self.rank, self.seed = (cells[c].to_numpy() for c in ("data", "rank", "seed"))
        self.model = cells["model"].map(self.models.index).to_numpy()
        self.places = cells.groupby(["data", "model"]).indices
        self.settings = cells.drop_duplicates("setting").reset_index(drop=True)
        self.number = cells["setting"].map({s: i for i, s in enumerate(self.settings["setting"])}).to_numpy()
        self.members = list(cells.groupby("setting", sort=False).indices.values())
        self.of_setting = self.settings.groupby(["data", "model"]).indices
        shared = self.settings.assign(at=range(len(self.settings)))
        shared = shared.pivot(index="choice", columns="data", values="at").dropna().astype(int)
        self.shared = {data: shared[data].to_numpy() for data in shared}
        self._columns: dict[tuple[str, str, str], Column | None] = {}

    def place(self, data: str, models: Sequence[str] | None = None) -> np.ndarray:
        """Rows of a data set's cells, of all or some models."""
        found = [
            self.places.get((data, m), np.array([], int)) for m in (self.models if models is None else models)
        ]
        return np.concatenate(found) if found else np.array([], int)

    def column(self, metric: str, key: str, representation: str = "mean") -> Column:
        """The column of one number; Lacking names it where the study has none."""
        asked = (metric, key, representation)
        if asked not in self._columns:
            self._columns[asked] = self.study.column(*asked)
        if self._columns[asked] is None:
            named = Column(metric, key, DEFAULT_ESTIMATOR.get(metric, ""), "", representation, None)
            raise Lacking(f"the study has no {named.label}")
        return self._columns[asked]

    def need(self, *models: str) -> None:
        """Raise Lacking for the first of `models` that the study does not train."""
        for model in models:
            if model not in self.models:
                raise Lacking(f"the study has no {model_name(model)}")


class Evidence:
    """Scores (n, columns) of the cells, and what the claims ask of them, each computed once.

    Quantities are NaN, or empty, where the study has too few cells for them.
    """

    def __init__(self, layout: Layout, values: np.ndarray):
        self.layout, self.values = layout, values
        self._shares: dict[str, dict[tuple[str, str], float]] = {}
        self._asked: dict[Column, np.ndarray] | None = None  # column -> cells, while a support is noted

    @classmethod
    def of_study(cls, study: Study) -> Evidence:
        """The evidence of a study, or of its part that is `of_paper`."""
        values = study.values[study.trained].to_numpy()
        trained = replace(study, cells=study.cells[study.trained], values=study.values[study.trained])
        return cls(Layout(trained), np.where(np.isfinite(values), values, np.nan))

    def support(self, statistic: Callable[[Evidence], np.ndarray | float]) -> Support:
        """A quantity with the scores that it asked for on its way: how many cells have them, and which lack.

        A score or objective that the study has nowhere makes the quantity NaN and is the gap.
        """
        self._asked, gaps = {}, []
        try:
            parts = np.atleast_1d(statistic(self))
        except Lacking as error:
            parts, gaps = np.array([np.nan]), [str(error)]
        asked, self._asked = self._asked, None
        used = np.zeros(len(self.values), bool)
        for column, rows in asked.items():
            scores = self.values[:, self.layout.at[column.name]]
            used |= rows & np.isfinite(scores)
            gaps.append(gap(self.layout, scores, column, rows))
        datasets = frozenset(self.layout.data[used])
        parts = parts if parts.size else np.array([np.nan])  # of a study without data sets or objectives
        return Support(parts, tuple(asked), int(used.sum()), datasets, next(filter(None, gaps), ""))

    def note(self, rows: np.ndarray, columns: Sequence[Column]) -> None:
        """Remember that a quantity asks for scores of `columns` at `rows`, whether they are there or not."""
        for column in columns if self._asked is not None else ():
            self._asked.setdefault(column, np.zeros(len(self.values), bool))[rows] = True

    def resampled(self, rng: Generator) -> Evidence:
        """The same with each cell's scores replaced by those of a random seed of its setting."""
        place = np.arange(len(self.values))
        for rows in self.layout.members:
            place[rows] = rng.choice(rows, len(rows))
        return Evidence(self.layout, self.values[place])

    def scores(self, column: Column, rows: np.ndarray) -> np.ndarray:
        """Finite scores of `column` at `rows`."""
        self.note(rows, [column])
        x = self.values[rows, self.layout.at[column.name]]
        return x[np.isfinite(x)]

    @cached_property
    def medians(self) -> np.ndarray:
        """Cell medians (settings, columns) in the order of layout.settings."""
        longest = max((len(rows) for rows in self.layout.members), default=1)
        padded = np.full((len(self.layout.members), longest, self.values.shape[1]), np.nan)
        for setting, rows in enumerate(self.layout.members):
            padded[setting, : len(rows)] = self.values[rows]
        padded.sort(axis=1)  # NaN goes last
        n = np.isfinite(padded).sum(axis=1)
        low, high = (np.maximum(n - 1, 0) // 2)[:, None], (n // 2).clip(max=longest - 1)[:, None]
        middle = (np.take_along_axis(padded, low, 1) + np.take_along_axis(padded, high, 1))[:, 0] / 2
        return np.where(n > 0, middle, np.nan)

    def median_of(self, column: Column, settings: np.ndarray) -> np.ndarray:
        """Cell medians of `column` for the rows `settings` of layout.settings."""
        return self.medians_of([column], settings)[:, 0]

    def medians_of(self, columns: Sequence[Column], settings: np.ndarray) -> np.ndarray:
        """Cell medians (settings, columns) of `columns` for the rows `settings` of layout.settings."""
        if self._asked is not None and len(settings):
            self.note(np.concatenate([self.layout.members[s] for s in settings]), columns)
        return self.medians[np.ix_(settings, [self.layout.at[column.name] for column in columns])]

    @cached_property
    def correlations(self) -> dict[str, np.ndarray]:
        """Per data set Spearman between all scores of layout.correlated, NaN below ten cells."""
        layout = self.layout
        at = [layout.at[name] for name in layout.correlated]
        return {
            data: pd.DataFrame(self.values[np.ix_(layout.place(data), at)])
            .corr(method="spearman", min_periods=10)
            .to_numpy()
            for data in layout.datasets
        }

    def between(
        self, rows: Sequence[Column], columns: Sequence[Column], datasets: Sequence[str]
    ) -> np.ndarray:
        """Correlations (data sets, rows, columns) of the named columns."""
        for data in datasets:
            self.note(self.layout.place(data), [*rows, *columns])
        at = np.ix_(*([self.layout.correlated[c.name] for c in side] for side in (rows, columns)))
        return np.array([self.correlations[data][at] for data in datasets]).reshape(
            len(datasets), len(rows), len(columns)
        )

    def shares_explained(self, level: str) -> dict[tuple[str, str], float]:
        """(data set, metric) -> R² in percent of the score on the `model` or `setting`, as at 50 seeds."""
        for data in self.layout.datasets:
            self.note(self.layout.place(data), self.layout.metrics)
        if level not in self._shares:
            self._shares[level] = {
                (data, metric.metric): 100 * r2
                for data in self.layout.datasets
                for metric in self.layout.metrics
                if np.isfinite(r2 := self._share(self.layout.place(data), metric, level))
            }
        return self._shares[level]

    def _share(self, rows: np.ndarray, metric: Column, level: str) -> float:
        x = self.values[rows, self.layout.at[metric.name]]
        rows, x = rows[np.isfinite(x)], x[np.isfinite(x)]
        labels = (self.layout.number if level == "setting" else self.layout.model)[rows]
        size = np.bincount(labels)
        groups, settings = int((size > 0).sum()), int((np.bincount(self.layout.number[rows]) > 0).sum())
        if groups < 2 or len(x) <= groups or np.ptp(x) == 0:
            return float("nan")
        y = x - x.mean()
        between = (np.bincount(labels, y)[size > 0] ** 2 / size[size > 0]).sum()
        return float(at_paper_seeds(between / (y**2).sum(), len(x), groups, settings))


def at_paper_seeds(r2: float, n: int, groups: int, settings: int) -> float:
    """In-sample R² of n scores on `groups` labels, as the same effects would give it at the paper's 50 seeds.

    In-sample R² grows as seeds fall: without any effect it is 1.9 % at 50 seeds, 19.6 % at 5 (§7.1). So it is
    adjusted at the study's n, which takes that out, and the paper's own share of it is put back.
    """
    at_50 = PAPER_SEEDS * settings
    adjusted = 1 - (1 - r2) * (n - 1) / (n - groups)
    return 1 - (1 - adjusted) * (at_50 - groups) / (at_50 - 1)


def spearman_of(pairs: Sequence[tuple[np.ndarray, np.ndarray]], least: int) -> np.ndarray:
    """Spearman (n,) of n pairs of vectors, NaN below `least` points; those of equal length are ranked at
    once."""
    rho = np.full(len(pairs), np.nan)
    length = np.array([len(x) for x, _ in pairs])
    for n in np.unique(length[length >= least]):
        at = np.flatnonzero(length == n)
        rho[at] = spearman_rows(*(np.stack([pairs[i][side] for i in at]) for side in (0, 1)))
    return rho


def mean(values: Sequence[float] | np.ndarray) -> float:
    """Mean of the finite values, NaN without any."""
    values = np.asarray(values, dtype=float)
    values = values[np.isfinite(values)]
    return float(values.mean()) if len(values) else float("nan")


def known_mean(values: np.ndarray, axis: int | tuple[int, ...]) -> np.ndarray:
    """Means of `values` over `axis`, NaN where one of them is unknown or there is none."""
    return values.mean(axis=axis) if values.size else np.full(values.sum(axis=axis).shape, np.nan)

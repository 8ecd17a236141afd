"""What claims are decided on: medians, correlations and shares of a study or a resample of its seeds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from itertools import combinations, groupby, product

import numpy as np
import pandas as pd
from numpy.random import Generator

from bench.reporting.cells import Column, Study
from bench.reporting.exhibits.downstream import downstream_columns
from bench.reporting.exhibits.label_free import unsupervised_columns
from bench.reporting.statistics import auc, spearman_rows


class Layout:
    """Where the trained cells of a study lie: what all resamples share."""

    def __init__(self, study: Study):
        cells = study.cells[study.trained].reset_index(drop=True)
        self.study, self.datasets, self.models = study, study.datasets, study.models()
        self.metrics, self.tasks = study.metrics(), downstream_columns(study)
        self.unsupervised = unsupervised_columns(study, ("sampled", "mean"))
        self.at = {name: i for i, name in enumerate(study.values.columns)}
        correlated = [*self.metrics, *self.unsupervised, *self.tasks]
        self.correlated = {column.name: i for i, column in enumerate(correlated)}
        self.rank = cells["rank"].to_numpy()
        self.places = cells.groupby(["data", "model"]).indices
        self.settings = cells.drop_duplicates("setting").reset_index(drop=True)
        self.number = cells["setting"].map({s: i for i, s in enumerate(self.settings["setting"])}).to_numpy()
        self.members = list(cells.groupby("setting", sort=False).indices.values())
        self.of_setting = self.settings.groupby(["data", "model"]).indices

    def place(self, data: str, models: list[str] | None = None) -> np.ndarray:
        """Rows of a data set's cells, of all or some models."""
        found = [
            self.places.get((data, m), np.array([], int)) for m in (self.models if models is None else models)
        ]
        return np.concatenate(found) if found else np.array([], int)


class Evidence:
    """Scores (n, columns) of the trained cells, and what the claims ask of them, each computed once.

    Quantities are NaN, or empty, where the study lacks what they need.
    """

    def __init__(self, layout: Layout, values: np.ndarray):
        self.layout, self.values = layout, values
        self._used: np.ndarray | None = None  # cells whose scores are used, while somebody counts

    def cells_of(self, statistic: Callable[[Evidence], float]) -> tuple[float, int]:
        """A quantity, and on how many cells' scores it rests."""
        self._used = np.zeros(len(self.values), bool)
        value, used, self._used = statistic(self), self._used, None
        return value, int(used.sum())

    def note(self, rows: np.ndarray, columns: Sequence[Column]) -> None:
        """Remember that scores of `columns` at `rows` are used, where there are any."""
        if self._used is None:
            return
        at = [self.layout.at[column.name] for column in columns]
        self._used[rows] |= np.isfinite(self.values[np.ix_(rows, at)]).any(axis=1)

    @classmethod
    def of_study(cls, study: Study) -> Evidence:
        """The evidence of the study itself."""
        return cls(Layout(study), study.values[study.trained].to_numpy())

    def resampled(self, rng: Generator) -> Evidence:
        """The same with each cell's scores replaced by those of a random seed of its setting."""
        place = np.arange(len(self.values))
        for rows in self.layout.members:
            place[rows] = rng.choice(rows, len(rows))
        return Evidence(self.layout, self.values[place])

    def scores(self, column: Column | None, rows: np.ndarray) -> np.ndarray:
        """Finite scores of `column` at `rows`; empty without the column."""
        if column is None:
            return np.array([])
        self.note(rows, [column])
        x = self.values[rows, self.layout.at[column.name]]
        return x[np.isfinite(x)]

    @cached_property
    def medians(self) -> np.ndarray:
        """Cell medians (settings, columns) in the order of layout.settings."""
        longest = max(len(rows) for rows in self.layout.members)
        padded = np.full((len(self.layout.members), longest, self.values.shape[1]), np.nan)
        for setting, rows in enumerate(self.layout.members):
            padded[setting, : len(rows)] = self.values[rows]
        padded.sort(axis=1)  # NaN goes last
        n = np.isfinite(padded).sum(axis=1)
        low, high = (np.maximum(n - 1, 0) // 2)[:, None], (n // 2).clip(max=longest - 1)[:, None]
        middle = (np.take_along_axis(padded, low, 1) + np.take_along_axis(padded, high, 1))[:, 0] / 2
        return np.where(n > 0, middle, np.nan)

    def median_of(self, column: Column, rows: np.ndarray) -> np.ndarray:
        """Cell medians of `column` for the settings `rows`."""
        return self.medians_of([column], rows)[:, 0]

    def medians_of(self, columns: Sequence[Column], rows: np.ndarray) -> np.ndarray:
        """Cell medians (rows, columns) of `columns` for the settings `rows`."""
        if self._used is not None and len(rows):
            self.note(np.concatenate([self.layout.members[row] for row in rows]), columns)
        return self.medians[np.ix_(rows, [self.layout.at[column.name] for column in columns])]

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

    def strength_trend(self, key: str, representation: str, models: list[str]) -> list[float]:
        """Spearman between the strength’s rank and an unsupervised score, over the models of an objective."""
        column = self.layout.study.column("unsupervised", key, representation)
        found = []
        for data, model in product(self.layout.datasets, models) if column else ():
            rows = self.layout.place(data, [model])
            x = self.values[rows, self.layout.at[column.name]]
            self.note(rows, [column])
            if np.isfinite(x).sum() >= 10:
                found.append((self.layout.rank[rows][np.isfinite(x)], x[np.isfinite(x)]))
        by_size = groupby(sorted(found, key=lambda pair: len(pair[0])), key=lambda pair: len(pair[0]))
        stacks = [list(pairs) for _, pairs in by_size]  # objectives of equal size are ranked at once
        return [
            float(rho)
            for stack in stacks
            for rho in spearman_rows(*(np.stack(side) for side in zip(*stack, strict=True)))
        ]

    def lower(self, key: str, representation: str, model: str, datasets: list[str]) -> list[float]:
        """P(a random model of `model` has a lower unsupervised score than one of another), per data set.

        AnnealedVAE is no other: its values are far from all others (Figures 25, 26).
        """
        column = self.layout.study.column("unsupervised", key, representation)
        others = [m for m in self.layout.models if m not in (model, "annealed_vae")]
        found = []
        for data in datasets:
            own = self.scores(column, self.layout.place(data, [model]))
            rest = self.scores(column, self.layout.place(data, others))
            if len(own) and len(rest):
                found.append(1 - auc(own, rest))
        return found

    def pairs(self, *datasets: str) -> pd.DataFrame:
        """Every pair of metrics on the data sets, or on all: `data`, `a`, `b`, `rho` and `rank`, 1 for the
        closest."""
        for data in datasets or self.layout.datasets:
            self.note(self.layout.place(data), self.layout.metrics)
        return self._pairs[self._pairs["data"].isin(datasets or self.layout.datasets)]

    @cached_property
    def _pairs(self) -> pd.DataFrame:
        at = self.layout.correlated
        rows = [
            (data, a.metric, b.metric, self.correlations[data][at[a.name], at[b.name]])
            for data in self.layout.datasets
            for a, b in combinations(self.layout.metrics, 2)
        ]
        found = pd.DataFrame(rows, columns=["data", "a", "b", "rho"])
        return found.assign(rank=found.groupby("data")["rho"].rank(ascending=False))

    def between(self, rows: list[Column], columns: list[Column], datasets: list[str]) -> np.ndarray:
        """Correlations (data sets, rows, columns) of the named columns."""
        for data in datasets:
            self.note(self.layout.place(data), [*rows, *columns])
        at = np.ix_(*([self.layout.correlated[c.name] for c in side] for side in (rows, columns)))
        return np.array([self.correlations[data][at] for data in datasets])

    def share_explained(self, level: str) -> list[float]:
        """R² in percent of every score, per data set and metric, on the `model` or on the `setting`."""
        found = []
        for data in self.layout.datasets:
            rows = self.layout.place(data)
            self.note(rows, self.layout.metrics)
            labels = self.layout.number[rows]
            if level == "model":
                labels = pd.factorize(self.layout.settings["model"])[0][labels]
            for metric in self.layout.metrics:
                x = self.values[rows, self.layout.at[metric.name]]
                kept = np.isfinite(x)
                size = np.bincount(labels[kept])
                if kept.sum() > (size > 0).sum() and np.ptp(x[kept]):
                    y = x[kept] - x[kept].mean()
                    total = np.bincount(labels[kept], y)[size > 0]
                    found.append(100 * float((total**2 / size[size > 0]).sum() / (y**2).sum()))
        return found


def mean(values: list[float] | np.ndarray) -> float:
    """Mean of the finite values, NaN without any."""
    values = np.asarray(values, dtype=float)
    values = values[np.isfinite(values)]
    return float(values.mean()) if len(values) else float("nan")

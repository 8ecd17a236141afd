"""What claims are decided on: medians, correlations and shares of a study or a resample of its seeds."""

from __future__ import annotations

from functools import cached_property
from itertools import combinations

import numpy as np
import pandas as pd
from numpy.random import Generator
from scipy import stats

from bench.reporting.cells import Column, Study
from bench.reporting.exhibits.downstream import downstream_columns
from bench.reporting.exhibits.label_free import unsupervised_columns
from bench.reporting.selection import scores_by_seed


class Evidence:
    """The trained cells of a study (`cells`, `values`) and what the claims ask of them, each computed once.

    `without` lets a claim leave out models; quantities are NaN where the study lacks what they need.
    """

    def __init__(self, study: Study):
        self.study = study
        self.cells = study.cells[study.trained]
        self.values = study.values[study.trained]
        self.metrics = study.metrics()
        self.datasets = study.datasets

    def resampled(self, rng: Generator) -> Evidence:
        """The same with each cell's scores replaced by those of a random seed of its setting."""
        groups = self.cells.groupby("setting", sort=False).indices.values()
        place = np.arange(len(self.cells))
        for group in groups:
            place[group] = rng.choice(group, len(group))
        other = Evidence(self.study)
        other.values = pd.DataFrame(
            self.values.to_numpy()[place], index=self.values.index, columns=self.values.columns
        )
        return other

    def column(self, metric: str, key: str, representation: str = "mean") -> Column | None:
        """As Study.column."""
        return self.study.column(metric, key, representation)

    def of(self, column: Column | None, data: str, models: list[str] | None = None) -> pd.Series:
        """Scores of `column` on a data set, of all or some models."""
        if column is None:
            return pd.Series(dtype=float)
        keep = self.cells["data"] == data
        keep &= True if models is None else self.cells["model"].isin(models)
        return self.values.loc[keep, column.name].dropna()

    @cached_property
    def medians(self) -> pd.DataFrame:
        """Cell medians: one row per setting, `data`, `model`, `choice`, `rank` and every column of scores."""
        grouped = self.values.groupby(self.cells["setting"], sort=False).median()
        about = self.cells.drop_duplicates("setting").set_index("setting")
        return about[["data", "model", "choice", "rank", "strength"]].join(grouped)

    @cached_property
    def correlations(self) -> dict[str, pd.DataFrame]:
        """Per data set Spearman between all metrics, unsupervised and downstream scores."""
        columns = [*self.metrics, *unsupervised_columns(self.study, ("sampled", "mean"))]
        names = [c.name for c in [*columns, *downstream_columns(self.study)]]
        return {
            data: self.values.loc[self.cells["data"] == data, names].corr(method="spearman", min_periods=10)
            for data in self.datasets
        }

    @cached_property
    def by_seed(self) -> np.ndarray:
        """Scores (metrics, data sets, settings, seeds) for the transfer experiment."""
        return scores_by_seed(self.study)

    def strength_trend(self, key: str, representation: str, models: list[str]) -> list[float]:
        """Spearman between the strength’s rank and an unsupervised score, over the models of an objective."""
        column = self.column("unsupervised", key, representation)
        found = []
        for data in self.datasets:
            for model in models:
                x = self.of(column, data, [model])
                if len(x) >= 10:
                    found.append(float(stats.spearmanr(self.cells.loc[x.index, "rank"], x).statistic))
        return found

    def lower(self, key: str, representation: str, model: str, datasets: list[str]) -> list[float]:
        """P(a random model of `model` has a lower unsupervised score than one of another), per data set."""
        column = self.column("unsupervised", key, representation)
        found = []
        for data in datasets:
            own = self.of(column, data, [model])
            rest = self.of(column, data, [m for m in self.study.models() if m not in (model, "annealed_vae")])
            if len(own) and len(rest):
                found.append(1 - stats.mannwhitneyu(own, rest).statistic / (len(own) * len(rest)))
        return found

    def pairs(self, datasets: list[str] | None = None) -> pd.DataFrame:
        """Every pair of metrics per data set: `a`, `b`, `rho` and `rank`, 1 for the closest."""
        rows = []
        for data in self.datasets if datasets is None else datasets:
            table = self.correlations[data]
            for a, b in combinations(self.metrics, 2):
                rows.append({"data": data, "a": a.metric, "b": b.metric, "rho": table.loc[a.name, b.name]})
        found = pd.DataFrame(rows, columns=["data", "a", "b", "rho"])
        return found.assign(rank=found.groupby("data")["rho"].rank(ascending=False))

    def rows_against(self, rows: list[Column], columns: list[Column], datasets: list[str]) -> np.ndarray:
        """Correlations (data sets, rows, columns) of the named columns."""
        names = [r.name for r in rows], [c.name for c in columns]
        return np.array([self.correlations[d].loc[names[0], names[1]].to_numpy() for d in datasets])

    def share_explained(self, level: str) -> list[float]:
        """R² in percent of every score, per data set and metric, by `model` or by `setting`."""
        found = []
        for data in self.datasets:
            here = self.cells["data"] == data
            for metric in self.metrics:
                x = self.values.loc[here, metric.name].dropna()
                if len(x) > self.cells.loc[x.index, level].nunique() and np.ptp(x):
                    between = x.groupby(self.cells.loc[x.index, level]).transform("mean")
                    found.append(100 * float(between.var(ddof=0) / x.var(ddof=0)))
        return found


def mean(values: list[float] | np.ndarray) -> float:
    """Mean of the finite values, NaN without any."""
    values = np.asarray(values, dtype=float)
    values = values[np.isfinite(values)]
    return float(values.mean()) if len(values) else float("nan")

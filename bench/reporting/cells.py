"""The scores of a study as one row per planned cell: what every exhibit and claim is a function of.

A column is one number of one estimator under one setting (DCI by boosted trees is another column than
DCI by a forest), so that no figure can mix two ways of computing a score.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd

from bench.metrics import DEFAULT_ESTIMATOR, HEADLINE
from bench.reporting import names

KEY_NAMES: dict[str, str] = {
    "gaussian_total_correlation": "Gaussian TC",
    "gaussian_wasserstein_correlation": "Wasserstein correlation",
    "gaussian_wasserstein_correlation_norm": "normalised Wasserstein correlation",
    "mutual_info_score": "pairwise MI",
    "elbo": "ELBO",
    "reconstruction": "reconstruction loss",
    "kl": "KL",
    "loss": "loss",
    "udr": "UDR",
}


#: The error of a score that is no number: it is counted among the failures, and left out like them.
INFINITE = "the score is infinite"


@dataclass(frozen=True)
class Column:
    """What one column of scores is; `images` is None unless a data set has it on several image counts.

    `versions`: whether the metric is there in more than one version, so that labels tell them apart.
    """

    metric: str
    key: str
    estimator: str
    settings: str
    representation: str
    images: int | None
    versions: bool = False

    @property
    def name(self) -> str:
        """The column's name in CSV files: `mean:dci@forest/disentanglement`."""
        images = "" if self.images is None else f"[{self.images}]"
        return f"{self.representation}:{self.metric}@{self.estimator}{self.settings}{images}/{self.key}"

    @property
    def headline(self) -> bool:
        """Whether this is its metric's headline number."""
        return HEADLINE.get(self.metric, self.key) == self.key

    @property
    def default(self) -> bool:
        """Whether this is its metric's default estimator at default settings."""
        return DEFAULT_ESTIMATOR.get(self.metric, self.estimator) == self.estimator and not self.settings

    @property
    def label(self) -> str:
        """What figures print: `DCI`, `DCI (forest)`, `Gaussian TC (sampled)`."""
        if self.metric == "downstream":
            base = names.downstream_name(self.key)
        elif self.metric in names.OTHER_METRICS:
            base = KEY_NAMES.get(self.key, self.key.replace("_", " "))
        else:
            base = names.metric_name(self.metric)
            base += "" if self.headline else f" {self.key.replace('_', ' ')}"
        notes = (
            [] if DEFAULT_ESTIMATOR.get(self.metric, self.estimator) == self.estimator else [self.estimator]
        )
        told = json.loads(self.settings or "{}")
        version = told.pop("version", None)
        notes += [f"version {version}"] if self.versions and version else []
        notes += [json.dumps(told, separators=(",", ":"))] if told else []
        notes += [self.representation] if self.representation == "sampled" else []
        notes += [] if self.images is None else [names.image_count(self.images)]
        return f"{base} ({', '.join(notes)})" if notes else base


@dataclass(frozen=True)
class Study:
    """Planned cells and their scores.

    `cells`: the plan's columns (bench.study.planned_row) and `data` (printed data set), `setting` (all but
    the seed, within a data set), `choice` (the same across data sets), `label` (printed setting), `rank`
    (ordinal strength from 1), `state` (scored | failed | missing). `values`: the same index, one float column
    per Column name; NaN where there is none. `failures`: cells and metrics that failed, and infinite scores,
    which are none either. `images`: Column name -> printed data set -> images that its scores are of, 0 for
    all.
    """

    name: str
    cells: pd.DataFrame
    values: pd.DataFrame
    columns: tuple[Column, ...]
    failures: pd.DataFrame
    foreign: int
    images: dict[str, dict[str, int]] = field(default_factory=dict)
    pictures: dict[str, dict[str, np.ndarray]] = field(default_factory=dict)

    @cached_property
    def datasets(self) -> list[str]:
        """Printed data sets in the paper's order."""
        found = self.cells[["data", "dataset", "source"]].drop_duplicates()
        order = [
            names.dataset_name(dataset, source)
            for dataset in names.in_order(found["dataset"], names.DATASET_NAMES)
            for source in sorted(set(found.loc[found["dataset"] == dataset, "source"]))
        ]
        return list(dict.fromkeys(order))

    @cached_property
    def trained(self) -> pd.Series:
        """Mask of the cells that were trained: all but the reference at its initial weights."""
        return self.cells["model"] != names.REFERENCE

    def models(self, trained_only: bool = True) -> list[str]:
        """Models in the paper's order; the untrained reference last, if asked for."""
        models = names.models_in_order(self.cells["model"])
        return [m for m in models if m != names.REFERENCE] if trained_only else models

    def metrics(self) -> list[Column]:
        """One headline column per supervised metric, in the paper's order: the estimator with most cells.

        The mean representation is taken where there is one; the default estimator wins a tie.
        """
        candidates = [c for c in self.columns if c.headline and c.metric not in names.OTHER_METRICS]
        chosen = {
            m: self._fullest([c for c in candidates if c.metric == m]) for m in {c.metric for c in candidates}
        }
        return [chosen[m] for m in names.in_order(chosen, names.METRIC_NAMES)]

    def column(self, metric: str, key: str, representation: str = "mean") -> Column | None:
        """The column of one number, by its fullest estimator; None if the study has none."""
        found = [
            c for c in self.columns if (c.metric, c.key, c.representation) == (metric, key, representation)
        ]
        return self._fullest(found) if found else None

    def other_estimators(self) -> list[Column]:
        """Headline columns of supervised metrics that `metrics` left out."""
        main = set(self.metrics())
        rest = [
            c for c in self.columns if c.headline and c.metric not in names.OTHER_METRICS and c not in main
        ]
        order = list(names.METRIC_NAMES)
        return sorted(
            rest, key=lambda c: (order.index(c.metric) if c.metric in order else len(order), c.name)
        )

    def of(self, column: Column, **where: str) -> pd.Series:
        """Finite values of `column` over the cells whose columns equal `where`: of(mig, data="Cars3D")."""
        keep = np.isfinite(self.values[column.name])
        for name, wanted in where.items():
            keep &= self.cells[name] == wanted
        return self.values.loc[keep, column.name]

    def settings(
        self, columns: Sequence[Column], models: Sequence[str]
    ) -> Iterator[tuple[Column, dict, np.ndarray]]:
        """Column, a setting's first cell with its number of `planned` seeds, its scores (n,); in order."""
        models = list(models)
        kept = self.cells[self.cells["model"].isin(models)]
        order = pd.DataFrame(
            {"data": kept["data"].map(self.datasets.index), "model": kept["model"].map(models.index)},
        ).assign(rank=kept["rank"])
        kept = kept.loc[order.sort_values(["data", "model", "rank"], kind="stable").index]
        groups = [
            (rows.iloc[0].to_dict() | {"planned": len(rows)}, self.cells.index.get_indexer(rows.index))
            for _, rows in kept.groupby("setting", sort=False)
        ]
        for column in columns:
            values = self.values[column.name].to_numpy()
            for first, place in groups:
                yield column, first, values[place][np.isfinite(values[place])]

    def counts(self) -> dict[str, int]:
        """Planned, scored, failed and missing cells."""
        states = self.cells["state"].value_counts()
        return {
            "planned": len(self.cells),
            **{s: int(states.get(s, 0)) for s in ("scored", "failed", "missing")},
        }

    def _fullest(self, columns: Sequence[Column]) -> Column:
        return max(
            columns,
            key=lambda c: (c.representation == "mean", self.values[c.name].count(), c.default, c.name),
        )


def assemble(name: str, scores: pd.DataFrame, plan: pd.DataFrame) -> Study:
    """Join the tidy `scores` (bench.store's schema) to the `plan` (one row per planned cell).

    Scores of cells outside the plan are left out and counted in `foreign`. Raises ValueError for an
    empty plan.
    """
    if plan.empty:
        raise ValueError(
            f"study {name} plans no cell; run `bench run GRID` with a grid that names data sets and models"
        )
    if plan["cell_id"].duplicated().any():
        raise ValueError(
            f"study {name} plans cell {plan['cell_id'][plan['cell_id'].duplicated()].iloc[0]} twice"
        )
    cells = _described(plan)
    row = cells.index.get_indexer(scores["cell_id"].astype(object))
    foreign = scores.loc[row < 0, "cell_id"].nunique()
    scores, row = scores[row >= 0], row[row >= 0]
    settled = (scores["status"] == "ok").to_numpy()
    infinite = settled & np.isinf(scores["value"].to_numpy(float))
    valid = settled & np.isfinite(scores["value"].to_numpy(float))
    values, columns, images = _wide(scores[valid], row[valid], cells.index)
    state = np.full(len(cells), "missing", dtype=object)
    state[row] = "failed"
    state[row[settled]] = "scored"
    failures = scores[["cell_id", "metric", "estimator", "representation", "error"]].astype(object)
    failures.loc[infinite, "error"] = INFINITE
    failures = failures[~settled | infinite].drop_duplicates().reset_index(drop=True)
    return Study(name, cells.assign(state=state), values, columns, failures, int(foreign), images)


def _described(plan: pd.DataFrame) -> pd.DataFrame:
    """The plan by cell id, with `data`, `setting`, `choice`, `label` and `rank`."""
    cells = plan.set_index("cell_id").copy()
    for column in ("dataset", "source", "model", "hyperparameter", "hyperparameters", "precision"):
        cells[column] = cells[column].astype(object)
    pairs = zip(cells["dataset"], cells["source"], strict=True)
    cells["data"] = [names.dataset_name(dataset, source) for dataset, source in pairs]
    parts = [cells[c].astype(str) for c in ("model", "hyperparameters", "steps", "precision")]
    cells["choice"] = parts[0].str.cat(parts[1:], sep="|")
    cells["setting"] = cells["data"] + "|" + cells["choice"]
    cells["rank"] = cells.groupby("model")["strength"].rank(method="dense").fillna(1).astype(int)
    cells["label"] = cells["choice"].map(_setting_labels(cells))
    return cells


def _setting_labels(cells: pd.DataFrame) -> dict[str, str]:
    """`choice` -> `β-VAE β = 4`, with every further hyperparameter that the study varies within the model."""
    labels = {}
    for model, group in cells.drop_duplicates("choice").groupby("model", sort=False):
        values = [json.loads(text) for text in group["hyperparameters"]]
        extra = [
            {"steps": steps, "precision": precision}
            for steps, precision in zip(group["steps"], group["precision"], strict=True)
        ]
        values = [{**v, **e} for v, e in zip(values, extra, strict=True)]
        swept = [k for k in values[0] if len({str(v.get(k)) for v in values}) > 1]
        own = group["hyperparameter"].iloc[0]
        shown = ([own] if isinstance(own, str) else []) + [k for k in swept if k != own]
        for choice, value in zip(group["choice"], values, strict=True):
            parts = [
                f"{names.HYPERPARAMETER_NAMES.get(k, k)} = {_shown(value.get(k))}"
                for k in shown
                if k in value
            ]
            labels[choice] = " ".join([names.model_name(model), ", ".join(parts)]).strip()
    return labels


def _shown(value: object) -> str:
    return (
        names.number(value) if isinstance(value, int | float) and not isinstance(value, bool) else str(value)
    )


def _wide(
    valid: pd.DataFrame, row: np.ndarray, index: pd.Index
) -> tuple[pd.DataFrame, tuple[Column, ...], dict[str, dict[str, int]]]:
    """One row per cell of `index`, one column per Column; `row` is the place of each score of `valid`.

    Last, the number of images behind each column on each data set.
    """
    fields = ["metric", "key", "estimator", "settings", "representation"]
    code = valid.groupby([*fields, "images"], observed=True, dropna=False).ngroup().to_numpy()
    kinds = valid.assign(code=code)[[*fields, "images", "dataset", "source", "code"]].drop_duplicates()
    kinds = kinds.astype(dict.fromkeys([*fields, "dataset", "source"], object))
    # Two sizes on one data set are two ways of scoring; another size on another data set is one, which
    # captions tell (Study.images).
    sizes = kinds.groupby([*fields, "dataset", "source"], dropna=False)["images"].nunique()
    mixed = set(sizes[sizes > 1].index.droplevel(["dataset", "source"]))
    version = kinds["settings"].map(lambda settings: json.loads(settings or "{}").get("version", 1))
    versions = version.groupby(kinds["metric"]).nunique()
    named = {
        k.code: Column(
            *(kind := tuple(getattr(k, f) for f in fields)), k.images if kind in mixed else None,
            versions[k.metric] > 1,
        )
        for k in kinds.itertuples(index=False)
    }  # fmt: skip
    columns = sorted(set(named.values()), key=lambda c: c.name)
    place = {code: columns.index(column) for code, column in named.items()}
    table = np.full((len(index), len(columns)), np.nan)
    table[row, [place[c] for c in code]] = valid["value"].to_numpy(float)
    images: dict[str, dict[str, int]] = {column.name: {} for column in columns}
    for k in kinds.itertuples(index=False):
        images[named[k.code].name][names.dataset_name(k.dataset, k.source)] = int(k.images)
    return pd.DataFrame(table, index=index, columns=[c.name for c in columns]), tuple(columns), images

"""The scores of a study as one row per planned cell: what every exhibit and claim is a function of."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd

from bench.metrics import HEADLINE
from bench.plan import Request
from bench.reporting import names
from bench.reporting.columns import Column
from bench.reporting.planned import cell_statuses, leading_keys

#: The errors of scores that are no numbers: they are counted among the failures, and left out like them.
INFINITE, NAN = "the score is infinite", "the score is NaN"


#: Whose score it is that failed.
FAILURE = ("cell_id", "metric", "key", "estimator", "settings", "representation")


@dataclass(frozen=True)
class Study:
    """Planned cells and their scores.

    `cells`: the plan's columns (bench.study.planned_row) and `data` (printed data set), `setting` (all but
    the seed, within a data set), `choice` (the same across data sets), `label` (printed setting), `rank`
    (ordinal strength from 1), `state` (scored | failed | missing: whether it has any score) and `status` (the
    same words, of every planned score, as `bench status` counts). `values`: the same index, one float column
    per Column name; NaN where there is none. `failures`: scores that failed, and those that are infinite or
    NaN, which are none either. `images`: Column name -> printed data set -> images that its scores are of, 0
    for all. `unscored`: headline columns of planned scores that no cell has. `strangers`, `differing`: what
    was left out of the scores (bench.reading.Reading).
    """

    name: str
    cells: pd.DataFrame
    values: pd.DataFrame
    columns: tuple[Column, ...]
    failures: pd.DataFrame
    foreign: int
    images: dict[str, dict[str, int]] = field(default_factory=dict)
    pictures: dict[str, dict[str, np.ndarray]] = field(default_factory=dict)
    unscored: tuple[Column, ...] = ()
    strangers: dict[str, int] = field(default_factory=dict)
    differing: int = 0

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

        The mean representation is taken where there is one; a tie goes to the default estimator, then to more
        images.
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
        """Planned, scored, failed and missing cells, as `bench status` counts them."""
        states = self.cells["status"].value_counts()
        return {
            "planned": len(self.cells),
            **{s: int(states.get(s, 0)) for s in ("scored", "failed", "missing")},
        }

    def _fullest(self, columns: Sequence[Column]) -> Column:
        def worth(c: Column) -> tuple:
            count = self.values[c.name].count()
            return c.representation == "mean", count, c.default, c.images or float("inf"), c.name

        return max(columns, key=worth)


def assemble(name: str, scores: pd.DataFrame, plan: pd.DataFrame, requests: Sequence[Request] = ()) -> Study:
    """Join the tidy `scores` (bench.store's schema) to the `plan` (one row per planned cell).

    `requests` are what every cell is to be scored with (bench.plan.planned_requests); without them a cell
    with any score counts as scored. Scores of cells outside the plan are left out and counted in `foreign`.
    Raises ValueError for an empty plan.
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
    settled, value = (scores["status"] == "ok").to_numpy(), scores["value"].to_numpy(float)
    valid = settled & np.isfinite(value)
    leading = leading_keys(scores, requests)
    values, columns, images = _wide(scores[valid], row[valid], cells.index, leading)
    state = np.full(len(cells), "missing", dtype=object)
    state[row] = "failed"
    state[row[settled]] = "scored"
    status = cell_statuses(scores, row, len(cells), requests) if requests else state
    failures = scores.loc[~valid, [*FAILURE, "error"]].astype({"error": object})
    for error, wrong in ((INFINITE, np.isinf(value)), (NAN, np.isnan(value))):
        failures.loc[(settled & wrong)[~valid], "error"] = error
    failures = failures.drop_duplicates().reset_index(drop=True)
    return Study(
        name, cells.assign(state=state, status=status), values, columns, failures, int(foreign), images,
        unscored=_unscored(columns, requests, leading),
    )  # fmt: skip


def _unscored(
    columns: Sequence[Column], requests: Sequence[Request], leading: Mapping[tuple, str]
) -> tuple[Column, ...]:
    """The headline column of every planned request that `columns` lack."""
    there = {(c.representation, c.metric, c.estimator, c.settings) for c in columns if c.headline}
    return tuple(
        Column(
            metric,
            HEADLINE.get(metric, leading[metric, estimator, settings]),
            estimator,
            settings,
            where,
            None,
        )
        for where, metric, estimator, settings, _ in requests
        if (where, metric, estimator, settings) not in there
    )


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
    valid: pd.DataFrame, row: np.ndarray, index: pd.Index, leading: Mapping[tuple, str]
) -> tuple[pd.DataFrame, tuple[Column, ...], dict[str, dict[str, int]]]:
    """One row per cell of `index`, one column per Column; `row` is the place of each score of `valid`.

    `leading` is what leading_keys gives. Last, the number of images behind each column on each data set.
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
            versions[k.metric] > 1, leading[k.metric, k.estimator, k.settings] == k.key,
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

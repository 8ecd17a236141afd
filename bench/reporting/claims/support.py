"""What a claim's quantity rests on, and what of it the study lacks or computes otherwise than the paper."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bench.metrics import DEFAULT_ESTIMATOR
from bench.reporting.cells import Column, Study
from bench.reporting.names import count, image_count, model_name

if TYPE_CHECKING:
    from bench.reporting.claims.evidence import Layout

ENOUGH = 0.95  # of the cells that a finding should rest on must have each of the scores that it needs


@dataclass(frozen=True)
class Support:
    """A quantity's parts and what they rest on: the columns asked for, cells with a score of them, data sets.

    `parts` (n,) all have to agree; NaN where the study has too little for one. `gap` names the first column
    that cannot carry a verdict (see `gap`), '' where all can.
    """

    parts: np.ndarray
    columns: tuple[Column, ...]
    cells: int
    datasets: frozenset[str]
    gap: str


def gap(layout: Layout, scores: np.ndarray, column: Column, asked: np.ndarray) -> str:
    """Why `scores` (n,) of `column` cannot carry a verdict on the cells `asked` (n,) for; '' if they can.

    They have to be there, to vary and to be the paper's, on every data set: a mean over data sets would
    pass over one where they are not.
    """
    there = asked & np.isfinite(scores)
    datasets = [data for data in layout.datasets if (asked & (layout.data == data)).any()]
    if there.sum() < ENOUGH * asked.sum():
        return _counted(layout, column, asked, there)
    for data in datasets:
        here = layout.data == data
        if (there & here).sum() < ENOUGH * (asked & here).sum():
            return f"{_counted(layout, column, asked & here, there & here)} on {data}"
    constant = [data for data in datasets if np.ptp(scores[there & (layout.data == data)]) == 0]
    if constant:
        on = "" if constant == layout.datasets else f" on {', '.join(constant)}"
        return f"{column.label} does not vary{on}"
    return _unlike_paper(layout.study, column, datasets)


def _counted(layout: Layout, column: Column, asked: np.ndarray, there: np.ndarray) -> str:
    models = [layout.models[i] for i in np.unique(layout.model[asked])]
    of = "" if models == layout.models else f" of {', '.join(map(model_name, models))}"
    cells = count(int(asked.sum()), "trained cell")
    return f"{column.label} is there for {int(there.sum()):,} of {cells}{of}"


def _unlike_paper(study: Study, column: Column, datasets: list[str]) -> str:
    """How `column` is computed otherwise than the paper's number; '' where it is not."""
    if column.metric == "training":  # on its own 64,000 images, as in the released code
        return ""
    if column.settings or column.estimator not in ("study", DEFAULT_ESTIMATOR[column.metric]):
        return f"{column.label} is by another estimator than the paper’s"
    if column.representation == "sampled" and column.metric != "unsupervised":
        return f"{column.label} is of samples, the paper’s of means"
    on = study.images.get(column.name, {})
    fewer = [on[data] for data in datasets if on.get(data)]
    return (
        f"{column.label} is of {image_count(min(fewer))}, the paper’s of the whole data set" if fewer else ""
    )

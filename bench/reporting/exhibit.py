"""What an exhibit is: a title, a caption, drawings and the numbers behind them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from bench.reporting.cells import INFINITE, Column, Study
from bench.reporting.names import count, image_count, model_name
from bench.reporting.style import Drawing


@dataclass(frozen=True)
class Exhibit:
    """One table or figure of the report.

    `of_paper` names the paper's exhibit, '' for our own. `caption` says what to see, `rests_on` how many
    cells, of how many planned, it rests on. `text` is generated prose, one paragraph each. `numbers` are all
    numbers of the drawings (the CSV file); `table` is the form to read and to print in LaTeX where that
    differs, `summary` its numbers with every digit where they are not among `numbers` (a second CSV file).
    With too little data there is only `missing`, a sentence.
    """

    title: str
    of_paper: str = ""
    caption: str = ""
    rests_on: str = ""
    drawings: tuple[Drawing, ...] = ()
    numbers: pd.DataFrame | None = None
    table: pd.DataFrame | None = None
    summary: pd.DataFrame | None = None
    text: tuple[str, ...] = ()
    points: tuple[str, ...] = ()
    missing: str = ""
    folded: bool = False


def too_little(title: str, of_paper: str, needs: str) -> Exhibit:
    """An exhibit that has too little data and says what it needs."""
    return Exhibit(title, of_paper, missing=f"Too little data: {needs}")


def completeness(
    study: Study,
    columns: Sequence[Column] = (),
    data: str | None = None,
    models: Sequence[str] | None = None,
) -> str:
    """How many cells an exhibit of `columns` rests on, of how many planned, and what of them is not there.

    `30 of 39 planned cells (without untrained); 8 failed, 1 missing. MIG on 30 only: 5 failed, 1 infinite.`
    The cells are those of one `data` set or all, and of `models`, by default all that are trained. A cell
    with a failed score of a column has failed here. It also says where other estimators have scores that a
    column lacks, which numbers of images differ, and whether the data are rendered.
    """
    models = study.models() if models is None else models
    kept = study.cells["model"].isin(models) & (True if data is None else study.cells["data"] == data)
    inside = study.cells[kept]
    failed = {column: _failed(study, inside, column) for column in columns}
    partly = set().union(*(errors.index for errors in failed.values()))
    lost = (inside["state"] == "failed") | inside.index.isin(partly)
    missing = int((inside["state"] == "missing").sum())
    text = f"{len(inside) - int(lost.sum()) - missing:,} of {count(len(inside), 'planned cell')}"
    left_out = [model_name(m) for m in study.models(trained_only=False) if m not in models]
    text += f" (without {', '.join(left_out)})" if left_out else ""
    text += f"; {int(lost.sum()):,} failed, {missing:,} missing." if lost.any() or missing else (
        ", none failed or missing."
    )  # fmt: skip
    for column, errors in failed.items():
        text += _gaps(study, inside, column, errors)
    text += _image_counts(study, columns, set(inside["data"]))
    sources = set(inside["source"])
    if sources <= {"real"}:
        return text
    which = "The data are rendered" if "real" not in sources else "Some of the data are rendered"
    return f"{text} {which}, not the published files."


def _failed(study: Study, inside: pd.DataFrame, column: Column) -> pd.Series:
    """Errors by cell of the scores of `column` that failed or are infinite in cells that are scored else."""
    errors = study.failures
    same = [errors[name] == getattr(column, name) for name in ("metric", "estimator", "representation")]
    errors = errors[np.logical_and.reduce(same)].drop_duplicates("cell_id").set_index("cell_id")["error"]
    without = inside.index[(inside["state"] == "scored") & study.values.loc[inside.index, column.name].isna()]
    return errors[errors.index.isin(without)]


def _gaps(study: Study, inside: pd.DataFrame, column: Column, errors: pd.Series) -> str:
    """` MIG on 30 only: 4 failed, 1 infinite, 9 as MIG (corrected).`; '' where every scored cell has it."""
    there = study.values.loc[inside.index, column.name].notna()
    if there.sum() >= (inside["state"] == "scored").sum():
        return ""
    infinite = int((errors == INFINITE).sum())
    parts = [(len(errors) - infinite, "failed"), (infinite, "infinite")]
    for other in study.columns:
        same = (other.metric, other.key, other.representation) == (
            column.metric, column.key, column.representation,
        )  # fmt: skip
        if same and other != column:
            instead = study.values.loc[inside.index[~there], other.name].notna()
            parts.append((int(instead.sum()), f"as {other.label}"))
    told = ", ".join(f"{n:,} {what}" for n, what in parts if n)
    return f" {column.label} on {int(there.sum()):,} only" + (f": {told}." if told else ".")


def _image_counts(study: Study, columns: Sequence[Column], datasets: set[str]) -> str:
    """` MIG, DCI: 500 images on Cars3D, all images on dSprites.` where data sets differ in a column."""
    alike: dict[str, list[str]] = {}
    for column in columns:
        on = {data: n for data, n in study.images.get(column.name, {}).items() if data in datasets}
        if len(set(on.values())) > 1:
            told = ", ".join(
                f"{image_count(n)} on {', '.join(d for d in study.datasets if on.get(d) == n)}"
                for n in sorted(set(on.values()), reverse=True)
            )
            alike.setdefault(told, []).append(column.label)
    return "".join(f" {', '.join(labels)}: {told}." for told, labels in alike.items())


def numbered(words: pd.Series) -> np.ndarray:
    """The place (n,) of each of `words` among their sorted kinds: numbers compare many times as fast."""
    return pd.factorize(words, sort=True)[0]


def slug(text: str) -> str:
    """A printed name as part of a file name: `Color-dSprites (rendered)` -> `color-dsprites-rendered`."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower().replace("β", "beta")).strip("-")


def bracket(value: float, low: float, high: float, digits: int = 2) -> str:
    """`0.40 [0.37, 0.43]`; `–` where there is no value, no brackets where there is no interval."""
    if pd.isna(value):
        return "–"
    shown = [
        f"{x + 0:.{digits}f}" if round(x, digits) else f"{0:.{digits}f}"
        for x in (value, low, high)
        if pd.notna(x)
    ]
    text = shown[0] if len(shown) < 3 else f"{shown[0]} [{shown[1]}, {shown[2]}]"
    return text.replace("-", "−")

"""What an exhibit is: a title, a caption, drawings and the numbers behind them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from bench.reporting.cells import FAILURE, INFINITE, NAN, Column, Study
from bench.reporting.names import OTHER_METRICS, count, image_count, model_name
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

    `25 of 39 planned cells (without untrained); 13 failed, 1 missing. MIG on 25 only: 8 failed, 5 NaN.`
    The cells are those of one `data` set or all, and of `models`, by default all that are trained. They count
    where they have every score that the exhibit is of: one that is NaN or infinite failed here, one that was
    not made is missing. Where `columns` are all metrics of the study, those that it plans and no cell has are
    named too. It also says where other estimators have scores that a column lacks, of how many images they
    are, by what the downstream task is learned, and whether the data are rendered.
    """
    models = study.models() if models is None else models
    kept = study.cells["model"].isin(models) & (True if data is None else study.cells["data"] == data)
    inside = study.cells[kept]
    lost = _lost(study, columns)
    outcomes = {column: _outcomes(study, inside, column) for column in (*columns, *lost)}
    failed, there = inside["state"] == "failed", inside["state"] == "scored"
    for found in outcomes.values():
        failed |= found.isin(FAILED)
        there &= found == "there"
    missing = int((~failed & ~there).sum())
    text = f"{int(there.sum()):,} of {count(len(inside), 'planned cell')}"
    text += " with every score" if lost else ""
    left_out = [model_name(m) for m in study.models(trained_only=False) if m not in models]
    text += f" (without {', '.join(left_out)})" if left_out else ""
    text += f"; {int(failed.sum()):,} failed, {missing:,} missing." if failed.any() or missing else (
        ", none failed or missing."
    )  # fmt: skip
    for column in columns:
        text += _gaps(study, inside, column, outcomes[column])
    text += "".join(f" {sentence}" for sentence in _lost_sentences(lost, outcomes))
    text += _image_counts(study, columns, set(inside["data"]))
    tasks = sorted({column.estimator for column in columns if column.metric == "downstream"})
    text += f" Downstream task: {', '.join(tasks)}." if tasks else ""
    sources = set(inside["source"])
    if sources <= {"real"}:
        return text
    which = "The data are rendered" if "real" not in sources else "Some of the data are rendered"
    return f"{text} {which}, not the published files."


#: What became of a cell's score, where it was made and is none.
FAILED = ("failed", "infinite", "NaN")


def unscored_sentences(study: Study) -> list[str]:
    """`DCI, SAP: planned, failed in 540 of 540.` for what the whole study plans and no cell has."""
    return _lost_sentences(study.unscored, {c: _outcomes(study, study.cells, c) for c in study.unscored})


def _lost_sentences(lost: Sequence[Column], outcomes: Mapping[Column, pd.Series]) -> list[str]:
    alike: dict[str, list[str]] = {}
    for column in lost:
        counts = outcomes[column].value_counts()
        told = ", ".join(
            f"{what} in {counts[what]:,}" for what in (*FAILED, "not scored") if counts.get(what)
        )
        # of other metrics the headline is but one number among many
        request = f"{column.metric}@{column.estimator} ({column.representation})"
        label = request if column.metric in OTHER_METRICS else column.label
        alike.setdefault(f"planned, {told} of {len(outcomes[column]):,}", []).append(label)
    return [f"{', '.join(labels)}: {told}." for told, labels in alike.items()]


def _lost(study: Study, columns: Sequence[Column]) -> list[Column]:
    """Supervised metrics that the study plans and no cell has, where `columns` are all that it has.

    Other estimators of a metric that is there are among them where `columns` have other estimators too.
    """
    shown = study.metrics()
    if not shown or not set(shown) <= set(columns):
        return []
    versions = set(study.other_estimators()) & set(columns)
    there = set() if versions else {column.metric for column in shown}
    return [c for c in study.unscored if c.metric not in OTHER_METRICS and c.metric not in there]


def _outcomes(study: Study, inside: pd.DataFrame, column: Column) -> pd.Series:
    """What became of `column` in each cell of `inside`: there, failed, infinite, NaN or not scored."""
    errors = study.failures
    same = [errors[name] == getattr(column, name) for name in FAILURE[1:]]
    errors = errors[np.logical_and.reduce(same)].drop_duplicates("cell_id").set_index("cell_id")["error"]
    words = errors.map({INFINITE: "infinite", NAN: "NaN"}).fillna("failed")
    found = words.reindex(inside.index).fillna("not scored")
    if column.name in study.values:
        found[study.values.loc[inside.index, column.name].notna()] = "there"
    return found


def _gaps(study: Study, inside: pd.DataFrame, column: Column, outcomes: pd.Series) -> str:
    """` MIG on 30 only: 4 failed, 1 infinite, 9 as MIG (corrected).`; '' where every scored cell has it."""
    outcomes = outcomes[inside["state"] == "scored"].copy()
    there = int((outcomes == "there").sum())
    if there == len(outcomes):
        return ""
    for other in study.columns:
        same = (other.metric, other.key, other.representation) == (
            column.metric, column.key, column.representation,
        )  # fmt: skip
        if same and other != column:
            instead = study.values.loc[outcomes.index, other.name].notna() & (outcomes == "not scored")
            outcomes[instead] = f"as {other.label}"
    counts = outcomes.value_counts()
    order = [*FAILED, *sorted(what for what in counts.index if what.startswith("as ")), "not scored"]
    told = ", ".join(f"{counts[what]:,} {what}" for what in order if what in counts)
    return f" {column.label} on {there:,} only: {told}."


def _image_counts(study: Study, columns: Sequence[Column], datasets: set[str]) -> str:
    """` MIG, DCI: 500 images on Cars3D, all images on dSprites.`; '' where all images were used.

    The losses of training are of 64,000 fresh images in every study, and a label with a count has told it.
    """
    alike: dict[str, list[str]] = {}
    for column in [c for c in columns if c.metric != "training" and c.images is None]:
        on = {data: n for data, n in study.images.get(column.name, {}).items() if data in datasets}
        counts = sorted(set(on.values()), reverse=True)
        if counts in ([], [0]):
            continue
        told = image_count(counts[0]) if len(counts) == 1 else ", ".join(
            f"{image_count(n)} on {', '.join(d for d in study.datasets if on.get(d) == n)}" for n in counts
        )  # fmt: skip
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

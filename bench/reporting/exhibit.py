"""What an exhibit is: a title, a caption, drawings and the numbers behind them."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pandas as pd

from bench.reporting.cells import Column, Study
from bench.reporting.names import count
from bench.reporting.style import Drawing


@dataclass(frozen=True)
class Exhibit:
    """One table or figure of the report.

    `of_paper` names the paper's exhibit, '' for our own. `caption` says what to see, `rests_on` how many
    cells, of how many planned, it rests on. `text` is generated prose, one paragraph each. `numbers` are all
    numbers of the drawings (the CSV file); `table` is the form to read and to print in LaTeX where that
    differs. With too little data there is only `missing`, a sentence.
    """

    title: str
    of_paper: str = ""
    caption: str = ""
    rests_on: str = ""
    drawings: tuple[Drawing, ...] = ()
    numbers: pd.DataFrame | None = None
    table: pd.DataFrame | None = None
    text: tuple[str, ...] = ()
    points: tuple[str, ...] = ()
    missing: str = ""
    folded: bool = False


def too_little(title: str, of_paper: str, needs: str) -> Exhibit:
    """An exhibit that has too little data and says what it needs."""
    return Exhibit(title, of_paper, missing=f"Too little data: {needs}")


def completeness(
    study: Study, columns: list[Column] | tuple[Column, ...] = (), data: str | None = None
) -> str:
    """`36 of 39 planned cells; 2 failed, 1 missing. MIG on 30 only.`, and whether the data are rendered."""
    inside = study.cells if data is None else study.cells[study.cells["data"] == data]
    states = inside["state"].value_counts()
    failed, missing = int(states.get("failed", 0)), int(states.get("missing", 0))
    scored = int(states.get("scored", 0))
    text = f"{scored:,} of {count(len(inside), 'planned cell')}"
    text += f"; {failed:,} failed, {missing:,} missing." if failed or missing else ", none failed or missing."
    for column in columns:
        n = int(study.values.loc[inside.index, column.name].count())
        text += f" {column.label} on {n:,} only." if n < scored else ""
    sources = set(inside["source"])
    if sources == {"real"}:
        return text
    which = "The data are rendered" if "real" not in sources else "Some of the data are rendered"
    return f"{text} {which}, not the published files."


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

"""`bench report`: read a study, make every exhibit, write reports/<study>/."""

from __future__ import annotations

import gc
import hashlib
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import joblib
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.random import Generator, Philox

from bench.atomic import whole_file, write_text
from bench.plan import planned_requests
from bench.reading import read_scores
from bench.reporting import tables
from bench.reporting.beside import told_apart
from bench.reporting.cells import Study, assemble
from bench.reporting.comparison import side_by_side
from bench.reporting.exhibit import Exhibit
from bench.reporting.exhibits import EXHIBITS
from bench.reporting.page import html_page, markdown_page
from bench.reporting.paired import cell_by_cell
from bench.reporting.stored import with_pictures, with_udr
from bench.store import SCHEMA, file_metadata, score_files
from bench.study import load_plan, planned_cells

#: Exhibits of two studies, always there with --compare.
BESIDE = ("comparison", "comparison_cells")
FORMATS = {"html": ("index.html", html_page), "md": ("report.md", markdown_page)}

#: Cells from which starting further processes pays; each costs about two seconds of imports.
POOL_FROM = 1000

#: Exhibits that take longest, to start first.
SLOWEST = ("findings", "scores_per_model", "winning_objectives", "efficiency_trees", "efficiency_linear")


def build(
    study_folder: Path,
    reports_folder: Path,
    *,
    formats: Sequence[str] = ("html",),
    only: Sequence[str] = (),
    compare: Path | None = None,
) -> Path:
    """Write the report of the study in `study_folder` to `reports_folder`/<study>/ and return that folder.

    Files that an earlier page there showed and no page shows any more go.

    index.html is one self-contained page; figures/ holds every figure as SVG and PNG, tables/ every figure's
    numbers as CSV and LaTeX, scores.parquet all scores in one file. `only` names the exhibits wanted (all
    when empty), `compare` the folder of a second study: the exhibits `comparison` (its settings) and
    `comparison_cells` are then always there.
    Raises FileNotFoundError for a study without plan or scores and ValueError for an unknown format or
    exhibit or a damaged score file, each with what to type.
    """
    _check(formats, tuple(FORMATS), "format", "--format")
    if not formats:
        raise ValueError(f"--format names no format; allowed are {', '.join(FORMATS)}")
    if {*only} & {*BESIDE} and compare is None:
        raise ValueError(f"--only {' or '.join(BESIDE)}: add --compare STUDY, the other study")
    _check(only, (*BESIDE, *EXHIBITS), "exhibit", "--only")
    study, scores = read(Path(study_folder))
    exhibits = make(study, [name for name in EXHIBITS if not only or name in only])
    if compare is not None:
        beside = _beside(study, scores, Path(study_folder), Path(compare))
        first = {name: exhibits.pop(name) for name in ("findings",) if name in exhibits}
        exhibits = {**first, **beside, **exhibits}
    folder = Path(reports_folder) / study.name
    before = _linked(folder)
    written = {file for name, exhibit in exhibits.items() for file in _write_files(folder, name, exhibit)}
    _write_scores(folder / "scores.parquet", scores)
    for file, page in (FORMATS[f] for f in formats):
        write_text(folder / file, page(study, exhibits))
    for stale in before - written - _linked(folder):
        (folder / stale).unlink(missing_ok=True)
    return folder


def read(folder: Path) -> tuple[Study, pd.DataFrame]:
    """A study's planned cells with their scores, and the tidy scores themselves."""
    grid = load_plan(folder)
    plan = planned_cells(grid)
    try:
        found = read_scores(folder)
    except FileNotFoundError:
        raise FileNotFoundError(
            f"study {folder.name} has no scores yet: `bench run GRID` with the grid of "
            f"{folder / 'study.json'} makes them ({len(plan):,} cells planned)"
        ) from None
    study = assemble(folder.name, found.scores, plan, planned_requests(grid))
    study = replace(study, strangers=found.strangers, differing=found.differing)
    study = with_pictures(with_udr(study, folder / "codes"), folder, generator("pictures"))
    return study, found.scores


def make(study: Study, names: Sequence[str]) -> dict[str, Exhibit]:
    """The exhibits `names`, in that order, made by as many processes as the study deserves."""
    if len(study.cells) < POOL_FROM:
        return {name: _make_one(name, study) for name in names}
    queue = sorted(names, key=lambda name: SLOWEST.index(name) if name in SLOWEST else len(SLOWEST))
    with joblib.parallel_config("loky", inner_max_num_threads=1):
        pool = joblib.Parallel(n_jobs=joblib.cpu_count(), batch_size=1, pre_dispatch="all")
        made = dict(zip(queue, pool(joblib.delayed(_make_one)(name, study) for name in queue), strict=True))
    return {name: made[name] for name in names}


def _beside(study: Study, scores: pd.DataFrame, folder: Path, compare: Path) -> dict[str, Exhibit]:
    """The exhibits of two studies side by side: their settings, and the cells that both have."""
    other, other_scores = read(compare)
    made = [_made(*of) for of in ((folder, scores), (compare, other_scores))]
    mine, theirs, differ = told_apart(study, other, *made)
    return {
        "comparison": side_by_side(mine, theirs, generator("comparison"), differ),
        "comparison_cells": cell_by_cell(mine, theirs, differ),
    }


def _made(folder: Path, scores: pd.DataFrame) -> dict[str, str]:
    """On which devices and hosts a study was made, and its folder."""
    hosts = {file_metadata(path).get("host", "unknown") for path in score_files(folder / "scores")}
    devices = set(scores["device"].astype(str))
    return {
        "device": ", ".join(sorted(devices)), "host": ", ".join(sorted(hosts)), "folder": str(folder),
    }  # fmt: skip


def _make_one(name: str, study: Study) -> Exhibit:
    """One exhibit, without a search for unreachable objects meanwhile: a tenth of a figure's time."""
    gc.disable()
    try:
        return EXHIBITS[name](study, generator(name))
    finally:
        gc.enable()


def generator(name: str) -> Generator:
    """The random numbers of one exhibit, a function of its name: a report repeats to the last digit."""
    return Generator(Philox(key=int.from_bytes(hashlib.sha256(name.encode()).digest()[:16])))


def _write_files(folder: Path, name: str, exhibit: Exhibit) -> list[str]:
    """Write an exhibit's figures and tables; their places in `folder`."""
    text = {f"figures/{drawing.name}.svg": drawing.svg for drawing in exhibit.drawings}
    if exhibit.numbers is not None:
        text[f"tables/{name}.csv"] = tables.csv(exhibit.numbers)
        if exhibit.summary is not None:
            text[f"tables/{name}_summary.csv"] = tables.csv(exhibit.summary)
        printed = exhibit.numbers if exhibit.table is None else exhibit.table
        caption = f"{exhibit.title}. {exhibit.caption} {exhibit.rests_on}"
        text[f"tables/{name}.tex"] = tables.latex(printed, caption)
    for file, content in text.items():
        write_text(folder / file, content)
    pictures = {f"figures/{drawing.name}.png": drawing.png for drawing in exhibit.drawings}
    for file, content in pictures.items():
        with whole_file(folder / file) as path:
            path.write_bytes(content)
    return [*text, *pictures]


def _linked(folder: Path) -> set[str]:
    """Figures and tables that the pages in `folder` link to: what a report made there, and nothing else."""
    found = set()
    for file, _ in FORMATS.values():
        if (folder / file).is_file():
            page = (folder / file).read_text(encoding="utf-8", errors="replace")
            found |= set(re.findall(r"[\"(]((?:figures|tables)/[\w-]+\.(?:svg|png|csv|tex))[\")]", page))
    # Markdown shows the PNG alone of the two files of a figure
    return found | {file.removesuffix(".png") + ".svg" for file in found if file.endswith(".png")}


def _write_scores(path: Path, scores: pd.DataFrame) -> None:
    """All scores of the study in one Parquet file of the same schema, doubles removed."""
    table = pa.Table.from_pandas(scores, schema=SCHEMA, preserve_index=False)
    with whole_file(path) as temporary:
        pq.write_table(table, temporary, compression="zstd")


def _check(given: Sequence[str], allowed: Sequence[str], what: str, option: str) -> None:
    unknown = [name for name in given if name not in allowed]
    if unknown:
        raise ValueError(f"{option} {unknown[0]}: no such {what}; allowed are {', '.join(allowed)}")

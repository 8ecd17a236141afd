"""How far a study is, read from its folder alone while a run goes on: no Ray, no torch, nothing written."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from bench.cell import Cell
from bench.grid import LoadedGrid
from bench.plan import RELATIVE_COST, planned_requests
from bench.signs import Signs, latest_run, signs_of_life
from bench.store import REQUEST_KEY, DamagedFile, read_files, score_files
from bench.study import load_plan, run_command

STATES = ("done", "running", "failed", "missing")

#: A run writes a checkpoint every minute; one that computes a long metric may be silent for longer.
SILENT = timedelta(minutes=10)


@dataclass(frozen=True)
class CellError:
    """Why a cell failed; `path` is the score file whose column `error` says so."""

    cell: Cell
    metric: str
    text: str
    path: Path
    at: datetime


@dataclass(frozen=True)
class Status:
    """What a study's folder says of its cells; times are UTC, sizes are bytes."""

    folder: Path
    study: str
    cells: pd.DataFrame  # by planned cell id: dataset, model, cost, reached (of cost), committed_at, state
    signs: Signs
    began: datetime | None  # start of the latest run
    last_write: datetime | None
    errors: tuple[CellError, ...]  # one per failed cell, newest first
    damaged: tuple[Path, ...]  # score files that cannot be read: their cells count as missing
    unplanned: int  # cells with scores that are no part of the newest grid
    disk: dict[str, int]
    free: int
    command: str  # what continues the study

    @cached_property
    def counts(self) -> pd.DataFrame:
        """Cells by state (the columns) of every data set and model, in the grid's order."""
        groups = self.cells.groupby(["dataset", "model"], sort=False)["state"]
        return groups.value_counts().unstack(fill_value=0).reindex(columns=list(STATES), fill_value=0)

    @property
    def totals(self) -> dict[str, int]:
        return {state: int(self.counts[state].sum()) for state in STATES}

    @property
    def is_alive(self) -> bool:
        """Whether a run goes on: it holds a lock here, or wrote something lately on another machine."""
        recent = self.last_write is not None and datetime.now(UTC) - self.last_write <= SILENT
        return self.signs.here or (recent and self.signs.elsewhere)

    @property
    def hours(self) -> float:
        """Hours of the latest run, until now or until its last sign of life; 0 before its first one."""
        if self.began is None or self.last_write is None:
            return 0.0
        until = datetime.now(UTC) if self.is_alive else self.last_write
        return max(0.0, (until - self.began) / timedelta(hours=1))

    @property
    def rate(self) -> float | None:
        """Cells that the latest run commits per hour; None before its first commit."""
        committed = int((self.cells["committed_at"] >= self.began).sum()) if self.hours else 0
        return committed / self.hours if committed else None

    @property
    def seconds_left(self) -> float | None:
        """Time left at the latest run's pace, cells weighted by their steps and the cost of their steps."""
        if not self.hours:
            return None
        earlier = self.cells["committed_at"] < self.began
        gained = self.cells["reached"][~earlier].sum()
        left = (self.cells["cost"] - self.cells["reached"]).sum()
        return float(left / gained * self.hours * 3600) if gained else None


def study_status(folder: Path) -> Status:
    """The status of a study's folder. FileNotFoundError or ValueError where its plan cannot be read."""
    folder = Path(folder)
    grid = load_plan(folder)
    tables, damaged = _read(folder / "scores")
    requests = _requests(tables)
    signs = signs_of_life(folder, grid)
    cells = _cells(grid, requests, signs)
    writes = [signs.last_write, requests["created_at_max"].max() if len(requests) else None]
    found = Status(
        folder=folder,
        study=grid.study,
        cells=cells,
        signs=signs,
        began=latest_run(folder, tables),
        last_write=max((at for at in writes if at is not None), default=None),
        errors=tuple(_errors(tables, grid, set(cells.index[cells["state"] == "failed"]))),
        damaged=tuple(damaged),
        unplanned=int((~requests["cell_id"].drop_duplicates().isin(cells.index)).sum()),
        disk=disk_use(folder),
        free=shutil.disk_usage(folder).free,
        command=run_command(folder),
    )
    if found.is_alive:
        waiting = cells["state"].eq("missing") & cells.index.isin(signs.begun)
        cells.loc[waiting, "state"] = "running"
    return found


def disk_use(folder: Path) -> dict[str, int]:
    """Bytes of the files in every subfolder of `folder`; what a run removes meanwhile is left out."""
    use = {}
    for sub in sorted(path for path in Path(folder).iterdir() if path.is_dir()):
        files = (os.path.join(root, name) for root, _, names in os.walk(sub) for name in names)
        use[sub.name] = sum(os.lstat(path).st_size for path in files if os.path.lexists(path))
    return use


_COLUMNS = [*REQUEST_KEY, "status", "error", "created_at"]


def _read(scores: Path) -> tuple[dict[Path, pa.Table], list[Path]]:
    """The score files that can be read, and those that cannot: a status must not fail on one bad file."""
    tables, damaged = {}, []
    for path in score_files(scores):
        try:
            tables[path] = read_files([path], _COLUMNS)
        except DamagedFile:
            damaged.append(path)
    return tables, damaged


def _requests(tables: dict[Path, pa.Table]) -> pd.DataFrame:
    """One row per settled request and status, with the time of its newest score."""
    empty = read_files([], _COLUMNS)
    together = pa.concat_tables([empty, *tables.values()]).unify_dictionaries()
    keys = [*REQUEST_KEY, "status"]
    frame = together.group_by(keys).aggregate([("created_at", "max")]).to_pandas()
    return frame.astype({name: object for name in keys if name != "images"})


def _cells(grid: LoadedGrid, requests: pd.DataFrame, signs: Signs) -> pd.DataFrame:
    """One row per planned cell: what it costs, how much of that is reached, and its state from scores."""
    planned = set(planned_requests(grid))
    asked = zip(*(requests[name] for name in REQUEST_KEY[1:]), strict=True)
    requests = requests[np.fromiter((request in planned for request in asked), bool, len(requests))]
    settled = requests.drop_duplicates(list(REQUEST_KEY)).groupby("cell_id").size()
    good = requests[requests["status"] == "ok"].groupby("cell_id").size()
    cells = pd.DataFrame(_cell_rows(grid.cells, signs)).set_index("cell_id")
    cells["committed_at"] = requests.groupby("cell_id")["created_at_max"].max().reindex(cells.index)
    cells["state"] = "missing"
    cells.loc[settled.reindex(cells.index) == len(planned), "state"] = "failed"
    cells.loc[good.reindex(cells.index) == len(planned), "state"] = "done"
    is_settled = cells["state"] != "missing"
    cells["reached"] = cells["cost"].where(is_settled, cells["cost"] * cells["share"])
    return cells.drop(columns="share")


def _cell_rows(cells: Sequence[Cell], signs: Signs) -> Iterator[dict]:
    for cell in cells:
        steps = cell.training.steps
        share = 1.0 if cell.id in signs.trained else signs.training.get(cell.id, 0) / max(1, steps)
        cost = steps * RELATIVE_COST.get(cell.model, 1.0)
        yield {
            "cell_id": cell.id,
            "dataset": cell.dataset,
            "model": cell.model,
            "cost": cost,
            "share": share,
        }


def _errors(tables: dict[Path, pa.Table], grid: LoadedGrid, failed: set[str]) -> Iterator[CellError]:
    """The newest error of every cell in `failed`, newest first."""
    if not failed:
        return
    rows = []
    for path, table in tables.items():
        found = table.filter(pc.equal(table["status"].cast(pa.string()), "failed"))
        rows += [(row["created_at"], row["cell_id"], row, path) for row in found.to_pylist()]
    cells = {cell.id: cell for cell in grid.cells}
    for at, cell_id, row, path in sorted(rows, key=lambda row: row[:2], reverse=True):
        if cell_id in failed:
            failed = failed - {cell_id}
            yield CellError(cells[cell_id], row["metric"], row["error"] or "", path, at)

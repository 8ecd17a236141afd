"""A committed cell, found by its id in whatever study has it: its grid, its scores, where they were made."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from bench.cell import Cell
from bench.devices import find_device
from bench.grid import LoadedGrid
from bench.plan import Request, planned_requests
from bench.reading import is_own, without_doubles
from bench.store import REQUEST_KEY, file_metadata, read_files, score_files
from bench.study import grid_of, own_names, read_study, studies


@dataclass(frozen=True)
class Committed:
    """A committed cell: its study's folder, the grid that planned it, and its scores with their `host`."""

    folder: Path
    grid: LoadedGrid
    cell: Cell
    scores: pd.DataFrame

    @property
    def requests(self) -> tuple[Request, ...]:
        """The committed requests that the grid asks for."""
        there = set(self.scores[list(REQUEST_KEY[1:])].astype(object).itertuples(index=False, name=None))
        return tuple(request for request in planned_requests(self.grid) if request in there)

    @property
    def training(self) -> pd.Series:
        """The row that says where and how wide the cell was trained."""
        return self.scores.sort_values("metric", key=lambda names: names != "training").iloc[0]

    @property
    def device(self) -> str:
        """The kind of device that can give the same bits, where this machine has one: cpu or cuda."""
        return "cpu" if self.training["device"] == "cpu" else find_device()


def find_committed(results: Path, cell_id: str, place: str | Path) -> Committed:
    """The committed cell of this id in a study below `results`; ValueError says what is wrong.

    The first digits of an id are enough where no other cell begins with them. `place` is what its user calls
    `results`, which may stand for an address.
    """
    found, unreadable = {}, []  # folder -> the grid that planned the cell, and the cells of such an id
    for folder in studies(results):
        try:
            found[folder] = _grid_with(folder, cell_id)
        except ValueError as error:  # a grid of another version, or a damaged study.json
            unreadable.append(str(error))
    planned_in = {folder: planned for folder, planned in found.items() if planned is not None}
    meant = {cell.id: cell for _, cells in planned_in.values() for cell in cells}
    if len(meant) > 1:
        shown = ", ".join(sorted(meant)[:5]) + (", …" if len(meant) > 5 else "")
        raise ValueError(f"{len(meant)} cells begin with {cell_id!r} ({shown}); type more digits of the id")
    for folder, (grid, (cell,)) in planned_in.items():
        scores = scores_of(folder, cell.id)
        if len(scores):
            return Committed(folder, grid, cell, scores)
    if meant:
        where = next(iter(planned_in)).name
        raise ValueError(
            f"cell {min(meant)} of {where} is not committed yet; the study's `bench run` makes it"
        )
    known = ", ".join(folder.name for folder in studies(results)) or "none"
    lines = [f"no study in {place} has a cell {cell_id!r} (studies: {known}); the column cell_id of scores "
             "holds ids", *unreadable]  # fmt: skip
    raise ValueError("\n".join(lines))


def _grid_with(folder: Path, cell_id: str) -> tuple[LoadedGrid, list[Cell]] | None:
    """The newest grid of a study that planned cells of this id, or of ids that begin so, and these cells."""
    study = read_study(folder)
    for entry in reversed(study["history"]):
        grid = grid_of(folder, study, entry)
        cells = [cell for cell in grid.cells if cell_id and cell.id.startswith(cell_id)]
        if cells:
            return grid, cells
    return None


def scores_of(folder: Path, cell_id: str) -> pd.DataFrame:
    """The scores of one cell in a study's folder, doubles removed, with the host of their file."""
    frames = []
    for path in score_files(folder / "scores"):
        if cell_id in read_files([path], ["cell_id"])["cell_id"].unique().to_pylist():
            frame = read_files([path]).to_pandas()
            frames.append(frame[frame["cell_id"] == cell_id].assign(host=file_metadata(path).get("host")))
    if not frames:
        return pd.DataFrame()
    frame = pd.concat(frames, ignore_index=True)
    return without_doubles(frame[is_own(frame, own_names(folder))])

"""Damaged and foreign files of a study: found by reading them, moved to _work/quarantine/, never deleted.

What a file says of itself is only ever compared with the plan: no name read from a file becomes a path.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from safetensors import SafetensorError, safe_open

from bench.artifacts import ARRAYS
from bench.grid import LoadedGrid
from bench.mirror import EVERYTHING, Mirror
from bench.signs import packs_by_id
from bench.store import DamagedFile, WrongContent, is_damage, open_parquet, read_files
from bench.study import own_names, settled_cells

CHECKPOINTS = "_work/checkpoints"

_ID = re.compile(r"[0-9a-f]{16}")
_FILE_NAME = re.compile(r"([0-9a-f]{16})-[0-9a-f]{8}\.(parquet|safetensors)")


class Damage(ValueError):
    """What is wrong with a file, as the end of a sentence that begins with its name."""


@dataclass(frozen=True)
class Damaged:
    """A file that is no whole file of its folder; `pack_id` where its name still tells it."""

    folder: str  # one of CONTENTS
    path: Path
    problem: str
    pack_id: str | None

    @property
    def is_foreign(self) -> bool:
        """Whether it never was a file of bench's, by its name: a README, say."""
        return self.path.suffix != CONTENTS[self.folder][0] and not _ID.match(self.path.name)

    @property
    def loss(self) -> str:
        """What its loss means."""
        return "nothing is lost by that" if self.is_foreign else LOSSES[self.folder]


@dataclass(frozen=True)
class Examination:
    """What was found in a study's folder; nothing is moved yet."""

    files: int
    damaged: tuple[Damaged, ...]
    unplanned: dict[Path, set[str]]  # whole files with cells that the newest grid does not have


def examine(folder: Path, grid: LoadedGrid) -> Examination:
    """Read every file beside and in scores/ of a study; hidden temporary files are left out."""
    folder = Path(folder)
    planned, names = {cell.id for cell in grid.cells}, own_names(folder)
    files, damaged, unplanned = 0, [], {}
    for name, (suffix, read_cells) in CONTENTS.items():
        for path in _entries(folder / name):
            files += 1
            try:
                strangers = _examine_file(path, suffix, read_cells) - planned
                if name == "scores":
                    _refuse_others(path, names)
            except FileNotFoundError:
                continue  # a run removed it after its commit
            except Damage as error:
                named = _FILE_NAME.fullmatch(path.name)
                damaged.append(Damaged(name, path, str(error), named and named[1]))
            else:
                if strangers:
                    unplanned[path] = strangers
    return Examination(files, tuple(damaged), unplanned)


def quarantine(folder: Path, damaged: Iterable[Damaged]) -> list[Path]:
    """Move damaged files to _work/quarantine/ of the study, each under a free name; returns the new paths."""
    moved = []
    for one in damaged:
        target = Path(folder) / "_work" / "quarantine" / one.folder / one.path.name
        target.parent.mkdir(parents=True, exist_ok=True)
        tries = 0
        while os.path.lexists(target):
            tries += 1
            target = target.with_name(f"{one.path.name}.{tries}")
        try:
            os.replace(one.path, target)
        except FileNotFoundError:
            continue  # another run moved it
        moved.append(target)
    return moved


def set_aside(folder: Path, grid: LoadedGrid, mirror: Mirror | None = None) -> Examination:
    """Examine a study and move what is damaged to _work/quarantine/ (see quarantine).

    Where the folder stands for a store, what was damaged only here is fetched again and counts as sound; what
    the store has damaged is moved to its own _work/quarantine/.
    """
    found = examine(folder, grid)
    quarantine(folder, found.damaged)
    if not (mirror and found.damaged):
        return found
    mirror.pull(*EVERYTHING)
    again = examine(folder, grid)
    quarantine(folder, again.damaged)
    mirror.set_aside(*(one.path for one in again.damaged))
    lost = [one for one in found.damaged if not one.path.exists() and one not in again.damaged]
    return replace(again, damaged=(*again.damaged, *lost))


def cells_to_rerun(folder: Path, grid: LoadedGrid, damaged: Iterable[Damaged]) -> list[str]:
    """Cells of damaged score files that lack a score now, in the plan's order.

    A file is known by the pack in its name. Where a name tells no pack of this plan, every cell that lacks a
    score may be meant, and all are returned.
    """
    packs = packs_by_id(grid)
    lost = [one.pack_id for one in damaged if one.folder == "scores" and not one.is_foreign]
    complete, _ = settled_cells(folder, grid)
    lacking = [cell.id for cell in grid.cells if cell.id not in complete]
    if any(pack_id not in packs for pack_id in lost):
        return lacking
    inside = {cell.id for pack_id in lost for cell in packs[pack_id].cells}
    return [cell_id for cell_id in lacking if cell_id in inside]


def _entries(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*") if not path.name.startswith("."))


def _examine_file(path: Path, suffix: str, read_cells: Callable[[Path], Iterable[str]]) -> set[str]:
    """The cells inside a file; Damage says what is wrong with it."""
    if path.suffix != suffix:
        raise Damage(f"does not belong here: only {suffix} files do")
    if not path.is_file():
        raise Damage("is no file")
    if path.stat().st_size == 0:
        raise Damage("is empty")
    try:
        cells = set(read_cells(path))
    except WrongContent as error:
        raise Damage(error.problem) from error
    except (DamagedFile, SafetensorError, pa.ArrowException, LookupError, TypeError, OSError) as error:
        if not is_damage(error):
            raise
        raise Damage(f"cannot be read ({type(error).__name__}: truncated, or of another kind)") from error
    wrong = next((cell for cell in cells if not (isinstance(cell, str) and _ID.fullmatch(cell))), None)
    if wrong is not None:
        raise Damage(f"names a cell {str(wrong)[:40]!r}, which is no cell id")
    return cells


def _score_cells(path: Path) -> Iterator[str]:
    table = read_files([path])
    packs = pc.unique(table["pack_id"].cast(pa.string())).to_pylist()
    if packs != [path.name.partition("-")[0]]:
        raise Damage("holds another pack than its name says")
    yield from pc.unique(table["cell_id"]).to_pylist()


def _refuse_others(path: Path, names: set[str]) -> None:
    """Damage where a score file has rows of another study: those of its cells that are here would count."""
    studies = set(pc.unique(read_files([path], ["study"])["study"].cast(pa.string())).to_pylist())
    if others := sorted(studies - names):
        raise Damage(f"holds scores of the study {others[0]!r}")


def _curve_cells(path: Path) -> Iterator[str]:
    table = open_parquet(path).read()
    if "step" not in table.schema.names:
        raise Damage(f"has the columns {table.schema.names}, without step")
    yield from pc.unique(table["cell_id"]).to_pylist()


def _array_cells(path: Path) -> Iterator[str]:
    table = open_parquet(path).read()
    if not table.schema.equals(ARRAYS):
        raise Damage(f"has the columns {table.schema.names}, not {ARRAYS.names}")
    yield from pc.unique(table["cell_id"]).to_pylist()


def _tensor_cells(path: Path) -> Iterator[str]:
    """Cells of stacked tensors; the library has checked that the file is as long as its header says."""
    with safe_open(path, framework="numpy") as file:
        cells = _metadata(file, "cells")
        shared = {"index"}  # the images of stored codes are the same for all cells
        lengths = {file.get_slice(name).get_shape()[0] for name in set(file.keys()) - shared}
    if lengths != {len(cells)}:
        raise Damage(f"names {len(cells)} cells and holds {sorted(lengths)}")
    yield from cells


def _picture_cells(path: Path) -> Iterator[str]:
    """Cells of tensors that are named `<cell_id>.<picture>`."""
    with safe_open(path, framework="numpy") as file:
        cells = _metadata(file, "cells")
        names = list(file.keys())
    if not all(name.startswith(tuple(f"{cell}." for cell in cells)) for name in names):
        raise Damage("holds pictures of cells that it does not name")
    yield from cells


def _checkpoint_cells(path: Path) -> Iterator[str]:
    with safe_open(path, framework="numpy") as file:
        yield from _metadata(file, "bench")["cells"]


def _metadata(file, key: str):
    """JSON in the metadata of a safetensors file."""
    try:
        return json.loads((file.metadata() or {})[key])
    except (KeyError, json.JSONDecodeError):
        raise Damage(f"says nothing of its cells (no {key!r} in its metadata)") from None


#: Subfolder -> the suffix of its files, and what reads the cells inside one.
CONTENTS: dict[str, tuple[str, Callable[[Path], Iterable[str]]]] = {
    "scores": (".parquet", _score_cells),
    "curves": (".parquet", _curve_cells),
    "arrays": (".parquet", _array_cells),
    "models": (".safetensors", _tensor_cells),
    "codes": (".safetensors", _tensor_cells),
    "pictures": (".safetensors", _picture_cells),
    CHECKPOINTS: (".safetensors", _checkpoint_cells),
}

#: Subfolder -> what the loss of one of its files means.
LOSSES: dict[str, str] = {
    "scores": "the same `bench run` makes these scores again",
    "curves": "the scores stand; the training curves of these cells are gone",
    "arrays": "the scores stand; the matrices behind them are gone",
    "models": "the scores stand; a metric added to the grid later trains these cells again",
    "codes": "the scores stand; UDR lacks these cells",
    "pictures": "the scores stand; the pictures of these cells are gone",
    CHECKPOINTS: "these cells start again from step 0, where they are not committed",
}

"""Signs of life of a run: what _work/ says of cells that are begun and not committed. No torch, no writing.

Locks are never tried: a try that comes at the wrong moment would make a worker leave its pack.
"""

from __future__ import annotations

import platform
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bench.artifacts import checkpoints
from bench.atomic import read_record
from bench.attempts import Attempt
from bench.context import Trained, scoring_folder
from bench.grid import LoadedGrid
from bench.plan import WIDTH, Pack, cut
from bench.store import file_metadata
from bench.study import read_study

_KERNEL_LOCKS = Path("/proc/locks")  # Linux's list of held locks; elsewhere checkpoints have to do


@dataclass(frozen=True)
class Signs:
    """Cells that a run has begun, by what it leaves in _work/ until their commit."""

    training: dict[str, int]  # steps of the latest checkpoint, 0 before the first
    trained: set[str]  # waiting for their scores
    held: set[str]  # of packs, cut as usual, that a process on this machine holds at this moment
    here: bool  # whether one holds any pack, cut by whatever --width
    elsewhere: bool  # whether some were begun where this machine sees no locks: only age tells if they live
    last_write: datetime | None

    @property
    def begun(self) -> set[str]:
        return self.training.keys() | self.trained | self.held


def signs_of_life(folder: Path, grid: LoadedGrid) -> Signs:
    """What the study's _work/ holds of cells in training and of cells that wait for their scores."""
    work = Path(folder) / "_work"
    notes = list((work / "attempts").glob("[!.]*.json"))  # written before a cell's training begins
    training = {path.stem: 0 for path in notes}
    times = [_written(path) for path in notes]
    hosts = {one.host for one in (read_record(path, Attempt) for path in notes) if one}
    for path, counters in checkpoints(work / "checkpoints"):
        times.append(_written(path))
        hosts.add(counters.get("host", ""))
        for cell_id in counters["cells"]:
            training[cell_id] = max(training.get(cell_id, 0), counters["step"])
    records = list((work / "trained").glob("[!.]*.json"))
    scoring = (work / "scored", scoring_folder(work) / "attempts")
    times += [_written(path) for place in scoring for path in place.glob("[!.]*.json")]
    times += [_written(path) for path in records]
    hosts |= {one.host for one in (read_record(path, Trained) for path in records) if one}
    last = max((time for time in times if time is not None), default=None)
    held = _held(work / "locks")
    packs = packs_by_id(grid) if held else {}
    cells = {cell.id for pack_id in held & packs.keys() for cell in packs[pack_id].cells}
    elsewhere = bool(hosts - _seen_here())
    return Signs(training, {path.stem for path in records}, cells, bool(held), elsewhere, last)


def _seen_here() -> set[str]:
    """Names of the machines whose locks can be seen: this one's, where its kernel lists them."""
    return {platform.node()} if _KERNEL_LOCKS.is_file() else set()


def packs_by_id(grid: LoadedGrid) -> dict[str, Pack]:
    """The packs of a plan by id, as every device cuts it: files are named by them."""
    return {pack.id: pack for device in WIDTH for pack in cut(grid.cells, device)}


def latest_run(folder: Path, files: Collection[Path]) -> datetime | None:
    """When the latest run that left a trace began (UTC); `files` are the study's whole score files.

    A run's id starts with that time. It stands in study.json, in score files and in Ray's folders.
    """
    history = (read_study(folder) or {"history": []})["history"]
    ids = [entry["provenance"].get("run_id", "") for entry in history]
    if files:
        ids.append(file_metadata(max(files, key=lambda path: path.stat().st_mtime)).get("run_id", ""))
    ids += [path.name for path in (Path(folder) / "_work" / "ray").glob("*")]
    return max(_times(ids), default=None)


def _times(run_ids: Iterable[str]) -> Iterator[datetime]:
    for run_id in run_ids:
        try:
            yield datetime.strptime(run_id.partition("-")[0], "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
        except ValueError:
            continue  # not named by bench: says nothing


def _written(path: Path) -> datetime | None:
    try:
        return datetime.fromtimestamp(path.stat().st_mtime, UTC)
    except FileNotFoundError:  # committed in this moment
        return None


def _held(locks: Path) -> set[str]:
    """Ids of the packs whose lock a process on this machine holds."""
    if not (locks.is_dir() and _KERNEL_LOCKS.is_file()):
        return set()
    # `1: FLOCK  ADVISORY  WRITE 18385 fe:00:2162704 0 EOF`: the inode is enough, and the device's number
    # is another one than stat's on file systems with subvolumes
    inodes = {line.split()[-3].rpartition(":")[2] for line in _KERNEL_LOCKS.read_text().splitlines()}
    return {path.stem for path in locks.glob("*.lock") if str(path.stat().st_ino) in inodes}

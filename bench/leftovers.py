"""What a killed run leaves behind beside its results, swept up when the next one starts.

A kill between a pack's commit and its cleaning up leaves code tables, checkpoints and notes of cells that
nobody will train again; one inside a write leaves a hidden temporary file. Neither is ever read.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

from filelock import FileLock, Timeout

from bench import artifacts, attempts
from bench.atomic import remove_orphans
from bench.context import codes_path, trained_path
from bench.plan import Pack


def lock_of(work: Path, pack: Pack) -> FileLock:
    """The lock that whoever works on a pack holds; the kernel's, so it dies with its process."""
    folder = work / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    return FileLock(folder / f"{pack.id}.lock", timeout=0)


def remove_work(work: Path, cell_ids: Collection[str]) -> None:
    """Delete what was kept below _work/ until the commit of these cells."""
    for cell_id in cell_ids:
        codes_path(work, cell_id).unlink(missing_ok=True)
        trained_path(work, cell_id).unlink(missing_ok=True)
        attempts.forget(work, cell_id)
    artifacts.remove_checkpoints(work / "checkpoints", set(cell_ids))


def sweep(folder: Path, packs: Sequence[Pack], settled: Collection[str]) -> None:
    """Delete what is left in a study's _work/ of cells that are `settled`, and old temporary files.

    A pack that another run holds at this moment, to try its failed cells again, say, is left alone.
    """
    work = Path(folder) / "_work"
    kept = {path.stem for name in ("attempts", "codes", "trained") for path in (work / name).glob("[!.]*")}
    kept.update(*(cells for _, cells in artifacts.checkpoint_cells(work / "checkpoints")))
    for pack in packs:
        finished = {cell.id for cell in pack.cells} & kept & set(settled)
        if finished:
            try:
                with lock_of(work, pack):
                    remove_work(work, finished)
            except Timeout:
                continue
    remove_orphans(Path(folder))

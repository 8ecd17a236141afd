"""What a killed run leaves behind beside its results, swept up when the next one starts.

A kill between a pack's commit and its cleaning up leaves code tables, checkpoints, notes and kept scores of
cells that nobody will train again; one inside a write leaves a hidden temporary file. Neither is ever read.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

from filelock import FileLock, Timeout

from bench import artifacts, attempts
from bench.atomic import remove_orphans
from bench.context import codes_path, scored_path, scoring_folder, trained_path
from bench.plan import Pack


def lock_of(work: Path, pack: Pack) -> FileLock:
    """The lock that whoever works on a pack holds; the kernel's, so it dies with its process."""
    folder = work / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    return FileLock(folder / f"{pack.id}.lock", timeout=0)


def remove_work(work: Path, cell_ids: Collection[str]) -> list[Path]:
    """Delete what was kept below _work/ until the commit of these cells.

    Returns the notes of training and the checkpoints, which a store may have as well.
    """
    for cell_id in cell_ids:
        codes_path(work, cell_id).unlink(missing_ok=True)
        scored_path(work, cell_id).unlink(missing_ok=True)
        trained_path(work, cell_id).unlink(missing_ok=True)
        attempts.forget(work, cell_id)
        attempts.forget(scoring_folder(work), cell_id)
    checkpoints = artifacts.remove_checkpoints(work / "checkpoints", set(cell_ids))
    return [attempts.note_path(work, cell_id) for cell_id in cell_ids] + checkpoints


def sweep(folder: Path, packs: Sequence[Pack], finished: Collection[str]) -> None:
    """Delete what is left in a study's _work/ of `finished` cells, all of whose scores are committed as ok.

    So are temporary files that are a day old. Failed cells are left alone, since another run may be trying
    them again; and so is a pack that one holds at this moment.
    """
    work = Path(folder) / "_work"
    names = ("attempts", "codes", "trained", "scored", "scoring/attempts")
    kept = {path.stem for name in names for path in (work / name).glob("[!.]*")}
    kept.update(*(counters["cells"] for _, counters in artifacts.checkpoints(work / "checkpoints")))
    for pack in packs:
        leftover = {cell.id for cell in pack.cells} & kept & set(finished)
        if leftover:
            try:
                with lock_of(work, pack):
                    remove_work(work, leftover)
            except Timeout:
                continue
    remove_orphans(Path(folder).rglob(".*.tmp"))

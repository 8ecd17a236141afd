"""A pack from plan to commit: train it, score it, one Parquet file appears. Knows no Ray.

train_pack (device):  images → train → weights in models/, code tables in _work/codes/
score_pack (CPU, no torch):  code tables → metrics → ONE file in scores/, the commit
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Sequence

from filelock import Timeout

from bench.atomic import is_disk_full
from bench.cell import Cell
from bench.context import Context, Report, Trained
from bench.data import prepare
from bench.leftovers import lock_of
from bench.mirror import CHECKPOINTS, SCORES
from bench.plan import Work, outstanding, width_of
from bench.store import DamagedFile, committed_requests, read_files, score_files

#: Errors that are the machine's or the study's folder's: no cell is to blame, so none is recorded as failed.
BLAMELESS = (OSError, DamagedFile)


def run_pack(work: Work, context: Context, report: Report) -> None:
    """Train and score what is still outstanding of a pack, on one worker."""
    train_half(work, context, report)
    score_half(work, context, report)


def train_half(work: Work, context: Context, report: Report) -> None:
    """Train what is still outstanding of a pack.

    What goes wrong with all cells at once, a user's data set that raises, is each one's failure.
    """
    from bench.train_pack import train_pack  # torch is loaded only where packs are trained

    def train(left: Work) -> None:
        try:
            train_pack(left, context, report)
        except BLAMELESS:
            raise
        except (Exception, SystemExit):  # what a user wrote may leave by any door
            untrained = [cell for cell in left.cells if Trained.read(context.work, cell.id) is None]
            _record_failed(untrained, context, traceback.format_exc())

    _holding(work, context, report, train)


def score_half(work: Work, context: Context, report: Report) -> None:
    """Score and commit what is still outstanding of a pack that `train_half` left; loads no torch.

    Where the pack cannot be scored at all, its cells are committed as failed.
    """
    from bench.score_pack import score_pack

    def score(left: Work) -> None:
        try:
            score_pack(left, context, report)
        except BLAMELESS:
            raise
        except Exception:
            trained = [cell for cell in left.cells if Trained.read(context.work, cell.id) is not None]
            _record_failed(trained, context, traceback.format_exc())
            score_pack(left, context, report)

    _holding(work, context, report, score)


def score_ahead(cell_id: str, work: Work, context: Context) -> None:
    """Score one cell of a pack that is trained, for `score_half` to find; the caller sees to the pack's lock.

    An error is left for `score_half` to meet again, and to make something of.
    """
    from bench.score_pack import score_cell

    try:
        score_cell(cell_id, work, context)
    except Exception as error:
        if is_disk_full(error):
            raise


def what_stopped(work: Work, error: Exception) -> dict:
    """The event of a pack that raised: what every pack will meet (`full`), or this one's own traceback."""
    if is_disk_full(error):
        return {"pack": work.pack.id, "full": f"{error.filename or 'the disk'}: {error.strerror}"}
    return {"pack": work.pack.id, "error": traceback.format_exc()}


def _record_failed(cells: Sequence[Cell], context: Context, error: str) -> None:
    """Leave for the commit that `cells` failed."""
    for cell in cells:
        width = width_of(cell.training.architecture, context.device, context.width)
        failed = Trained("failed", error, {}, 0.0, context.device, width, run_id=context.run_id)
        failed.write(context.work, cell.id)


def _holding(work: Work, context: Context, report: Report, half: Callable[[Work], None]) -> None:
    """Do one half of a pack under the pack's lock, on what is outstanding now.

    A pack that another worker holds is left to it: the lock saves work, it does not guard the truth, since
    both would commit the same rows. The lock is the kernel's and dies with its process.
    """
    try:
        with lock_of(context.work, work.pack):
            if context.mirror:
                _fetch(work, context)
            left = _still_outstanding(work, context)
            if left is not None:
                first = work.pack.cells[0]
                prepare(
                    first.dataset, first.source, context.data_path, processes=1
                )  # a node may have its own
                half(left)
    except Timeout:
        report({"pack": work.pack.id, "busy": True})


def _fetch(work: Work, context: Context) -> None:
    """Bring what a store has of a pack's cells: scores, weights and checkpoints.

    Notes of tries are not among them: without a lock between machines the note of a living one would count
    as a death. So each machine counts those that it saw.
    Those of a cell that was committed with other neighbours, in a smaller grid, are named by that pack.
    """
    context.mirror.pull(SCORES)
    committed = read_files(score_files(context.path / "scores"), ["cell_id", "pack_id"]).to_pandas()
    mine = committed["cell_id"].isin(work.todo)
    for pack_id in {work.pack.id, *committed["pack_id"][mine].astype(str)}:
        context.mirror.pull("models", CHECKPOINTS, prefix=pack_id)


def _still_outstanding(work: Work, context: Context) -> Work | None:
    """The pack without what another run committed since the plan was made."""
    settled = committed_requests(context.path / "scores").settled(context.retry_failed)
    requests = {request: None for todo in work.todo.values() for request in todo}
    left = outstanding([work.pack], list(requests), settled)
    kept = {
        cell_id: tuple(request for request in todo if request in work.todo.get(cell_id, ()))
        for cell_id, todo in (left[0].todo if left else {}).items()
    }
    kept = {cell_id: todo for cell_id, todo in kept.items() if todo}
    return Work(work.pack, kept) if kept else None

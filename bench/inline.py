"""Packs without Ray: the same functions in this process, or in pools of processes."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack
from functools import partial
from multiprocessing.connection import wait as wait_for_ends
from multiprocessing.context import SpawnProcess

from filelock import FileLock, Timeout

from bench.attempts import LOST, DeviceLost, end_process, forgive
from bench.context import Context, Report, scored_path, scoring_folder
from bench.devices import gpus
from bench.leftovers import lock_of
from bench.pack import run_pack, score_ahead, score_half, train_half, what_stopped
from bench.plan import Work
from bench.workers import Spawn, stop, undisturbed

#: Deaths per worker in a row with no cell scored and no pack finished. Halving to single cells takes fewer,
#: and so does a cell that is quarantined for what scoring does to its process; a pack may have many of those,
#: and every worker may be at one.
MAX_DEATHS = 12

Half = Callable[[Work, Context, Report], None]
Waiting = dict[Future, Callable[[bool], None]]  # a task, and what to do when it is done

_events = None  # the pools' queue of events, one per worker process


def gpu_names() -> list[str]:
    """The GPUs that this process may use, each as CUDA_VISIBLE_DEVICES names it."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    names = visible.split(",") if visible else map(str, range(gpus()))
    return [name.strip() for name in names][: gpus()]


def run_inline(
    works: Sequence[Work], context: Context, cpus: int, on_event: Report, on_gpus: Sequence[str] = ()
) -> None:
    """Run every pack: one after another in this process with one cpu, else in pools of `cpus` processes.

    Without GPUs each process trains and scores a pack. `on_gpus` (see gpu_names), one process trains per GPU,
    and the others, at least one, score what is trained meanwhile, the cells of a pack side by side.
    Where a process died the pools are made anew for the packs that are left.
    """
    if on_gpus:
        on_gpus = on_gpus[:cpus]
        on_event({"slots": len(on_gpus)})
    if cpus == 1:
        for work in works:
            _run(run_pack, work, context, on_event)
        return
    # one thread per process, which reads this when it loads its libraries; Ray sets the same for its workers
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    left = {work.pack.id: work for work in works}
    deaths = 0
    while left and deaths < MAX_DEATHS * cpus:
        before = _progress(left, context)
        try:
            _run_pools(left, context, cpus, on_event, on_gpus)
        except BrokenProcessPool:  # a worker died; cells that keep dying are quarantined (bench.attempts)
            deaths = deaths + 1 if _progress(left, context) == before else 0


def _progress(left: dict[str, Work], context: Context) -> tuple[int, int]:
    """How many packs are unfinished, and how many cells of theirs are scored."""
    cells = [cell_id for work in left.values() for cell_id in work.todo]
    return len(left), sum(scored_path(context.work, cell_id).is_file() for cell_id in cells)


def _run_pools(
    left: dict[str, Work], context: Context, cpus: int, on_event: Report, on_gpus: Sequence[str]
) -> None:
    """Run the packs of `left` and take the finished ones out; BrokenProcessPool when a worker dies."""
    spawn = Spawn()
    queue = spawn.SimpleQueue()  # what a worker puts is there before its result: no event is lost at the end
    pools: list[ProcessPoolExecutor] = []
    with ExitStack() as stack:

        def pool(size: int, names=None) -> ProcessPoolExecutor:
            made = ProcessPoolExecutor(size, spawn, initializer=_begin_worker, initargs=(queue, names))
            pools.append(stack.enter_context(made))
            return made

        try:
            if on_gpus:
                names = spawn.SimpleQueue()
                for name in on_gpus:
                    names.put(name)
                trainers, scorers = pool(len(on_gpus), names), max(1, cpus - len(on_gpus))
                beside = _ScoringBeside(left, context, trainers, pool(scorers), scorers)
                stack.callback(beside.release)
                waiting = beside.waiting
            else:
                waiting = _submit_all(pool(cpus), run_pack, left, context, partial(_finish, left))
            while waiting:
                done, _ = wait(waiting, timeout=0.2, return_when=FIRST_COMPLETED)
                ended = wait_for_ends([worker.sentinel for worker in spawn.begun], timeout=0)
                _pass_on(queue, on_event)
                for future in done:
                    waiting.pop(future)(future.result())
                if ended and waiting:  # a pool may not see the process that it made last end for hours
                    raise BrokenProcessPool
        except BaseException as error:
            bystanders = stop(pools, spawn.begun)
            if isinstance(error, BrokenProcessPool):
                _forgive(bystanders, context)
            raise
        _pass_on(queue, on_event)


def _submit_all(
    pool: ProcessPoolExecutor,
    half: Half,
    left: dict[str, Work],
    context: Context,
    then: Callable[[Work, bool], None],
) -> Waiting:
    """Give a pool a task per pack; `then` is what to do when one is done."""
    with undisturbed():
        return {pool.submit(_in_pool, half, work, context): partial(then, work) for work in left.values()}


def _forgive(bystanders: Sequence[SpawnProcess], context: Context) -> None:
    """Blame no cell of the workers that were stopped, for every machine to see."""
    for worker in bystanders:
        worker.join()  # it writes no more notes, and holds no pack's lock that the new pools need
    pids = {worker.pid for worker in bystanders}
    notes = forgive(context.work, context.driver, pids)
    forgive(scoring_folder(context.work), context.driver, pids)
    if context.mirror:
        context.mirror.push(*notes)


class _ScoringBeside:
    """Trains packs in one pool and scores trained ones in another: their cells first, then the commit.

    A cell is scored ahead, side by side with others, and kept (bench.scored); then one process puts the pack
    together. This process holds the pack's lock while no worker does.
    """

    def __init__(
        self,
        left: dict[str, Work],
        context: Context,
        trainers: ProcessPoolExecutor,
        scorers: ProcessPoolExecutor,
        size: int,
    ):
        self.left, self.context, self.scorers = left, context, scorers
        self.waiting = _submit_all(trainers, train_half, left, context, self._trained)
        self.free = size  # processes of `scorers` without a task: they get one at a time, commits first
        self.ready: deque[tuple[Callable, tuple, Callable[[bool], None]]] = deque()
        self.cells: dict[str, int] = {}  # by pack: how many are still to be scored ahead
        self.locks: dict[str, FileLock] = {}

    def release(self) -> None:
        """Give back the packs that no process works on any more."""
        for lock in self.locks.values():
            lock.release()

    def _trained(self, work: Work, went_well: bool) -> None:
        if not went_well:
            _finish(self.left, work)
            return
        lock = lock_of(self.context.work, work.pack)
        try:
            lock.acquire()
        except Timeout:  # another run is at work on it, as the scoring half will say
            self._commit(work)
        else:
            self.locks[work.pack.id], self.cells[work.pack.id] = lock, len(work.todo)
            then = partial(self._scored_ahead, work)
            self.ready.extend((score_ahead, (cell_id, work, self.context), then) for cell_id in work.todo)
        self._fill()

    def _scored_ahead(self, work: Work, _: object) -> None:
        self.cells[work.pack.id] -= 1
        if not self.cells[work.pack.id]:
            self.locks.pop(work.pack.id).release()
            self._commit(work)

    def _commit(self, work: Work) -> None:
        task = (_in_pool, (score_half, work, self.context), partial(_finish, self.left, work))
        self.ready.appendleft(task)

    def _fill(self) -> None:
        """Give every free process its next task."""
        while self.ready and self.free:
            task, arguments, then = self.ready.popleft()
            with undisturbed():
                self.waiting[self.scorers.submit(task, *arguments)] = partial(self._done, then)
            self.free -= 1

    def _done(self, then: Callable[[bool], None], result: bool) -> None:
        self.free += 1
        then(result)
        self._fill()


def _finish(left: dict[str, Work], work: Work, _: object = None) -> None:
    """This run is through with a pack, well or not."""
    del left[work.pack.id]


def _begin_worker(queue, names=None) -> None:
    """Make of a new process a worker; one that takes a name from `names` uses that GPU alone."""
    global _events
    _events = queue
    if names is not None:
        os.environ["CUDA_VISIBLE_DEVICES"] = names.get()
    # a key that is pressed is the driver's to answer
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_driver, daemon=True).start()


def _end_with_driver() -> None:
    """End this worker when the driver is gone: nobody would give it another pack, or stop it."""
    multiprocessing.parent_process().join()
    os._exit(LOST)


def _run(half: Half, work: Work, context: Context, on_event: Report) -> bool:
    """Do a pack, or a half of it; whether that went well. What goes wrong with it alone is told, and the
    others go on; what the machine refuses (OSError) every pack would meet."""
    try:
        half(work, context, on_event)
    except OSError:
        raise
    except Exception as error:
        on_event(what_stopped(work, error))
        return False
    return True


def _in_pool(half: Half, work: Work, context: Context) -> bool:
    try:
        return _run(half, work, context, _events.put)
    except DeviceLost:
        end_process()


def _pass_on(queue, on_event: Report) -> None:
    while not queue.empty():
        on_event(queue.get())

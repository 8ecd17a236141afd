"""Packs without Ray: the same functions in this process, or in a pool of processes."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from queue import Empty

from bench.attempts import LOST, DeviceLost, end_process
from bench.context import Context
from bench.pack import run_pack, what_stopped
from bench.plan import Work

MAX_DEATHS = 12  # of workers in a row with no pack finished; halving to single cells takes fewer

_events = None  # the pool's queue of events, one per worker process


def run_inline(works: Sequence[Work], context: Context, cpus: int, on_event: Callable[[dict], None]) -> None:
    """Run every pack: one after another in this process with one cpu, else `cpus` at a time in a pool.

    A pool whose worker died is made anew for the packs that are left.
    """
    if cpus == 1:
        for work in works:
            _run(work, context, on_event)
        return
    left = {work.pack.id: work for work in works}
    deaths = 0
    while left and deaths < MAX_DEATHS:
        before = len(left)
        try:
            _run_pool(left, context, cpus, on_event)
        except BrokenProcessPool:  # a worker died; cells that keep dying are quarantined (bench.attempts)
            deaths = deaths + 1 if len(left) == before else 0


def _run_pool(left: dict[str, Work], context: Context, cpus: int, on_event: Callable[[dict], None]) -> None:
    """Run the packs of `left` in a pool and take the finished ones out; BrokenProcessPool when one dies."""
    # spawned, not forked: torch's threads and a GPU's context do not survive a fork
    spawn = multiprocessing.get_context("spawn")
    queue = spawn.Queue()
    others = set(multiprocessing.active_children())
    with ProcessPoolExecutor(cpus, spawn, initializer=_begin_worker, initargs=(queue,)) as pool:
        waiting = {pool.submit(_run_in_pool, work, context): name for name, work in left.items()}
        try:
            while waiting:
                done, _ = wait(waiting, timeout=0.2, return_when=FIRST_COMPLETED)
                _pass_on(queue, on_event)
                for future in done:
                    future.result()
                    left.pop(waiting.pop(future))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            # their packs would take minutes to hours, and a pool waits for them when it is left
            for worker in set(multiprocessing.active_children()) - others:
                worker.kill()
            raise
        _pass_on(queue, on_event)


def _begin_worker(queue) -> None:
    global _events
    _events = queue
    # a key that is pressed is the driver's to answer
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_driver, daemon=True).start()


def _end_with_driver() -> None:
    """End this worker when the driver is gone: nobody would give it another pack, or stop it."""
    multiprocessing.parent_process().join()
    os._exit(LOST)


def _run(work: Work, context: Context, on_event: Callable[[dict], None]) -> None:
    """Run a pack. What goes wrong with it alone is told, and the others go on; what the machine refuses
    (OSError) every pack would meet."""
    try:
        run_pack(work, context, on_event)
    except OSError:
        raise
    except Exception as error:
        on_event(what_stopped(work, error))


def _run_in_pool(work: Work, context: Context) -> None:
    try:
        _run(work, context, _events.put)
    except DeviceLost:
        end_process()


def _pass_on(queue, on_event: Callable[[dict], None]) -> None:
    try:
        while True:
            on_event(queue.get_nowait())
    except Empty:
        return

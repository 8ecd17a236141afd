"""Packs without Ray: the same functions in this process, or in a pool of processes."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, wait
from queue import Empty

from bench.pack import Context, run_pack
from bench.plan import Work

_events = None  # the pool's queue of events, one per worker process


def run_inline(works: Sequence[Work], context: Context, cpus: int, on_event: Callable[[dict], None]) -> None:
    """Run every pack: one after another in this process with one cpu, else `cpus` at a time in a pool.

    Raises concurrent.futures.process.BrokenProcessPool when a worker process dies.
    """
    if cpus == 1:
        for work in works:
            run_pack(work, context, on_event)
        return
    # spawned, not forked: torch's threads and a GPU's context do not survive a fork
    spawn = multiprocessing.get_context("spawn")
    queue = spawn.Queue()
    with ProcessPoolExecutor(cpus, spawn, initializer=_remember, initargs=(queue,)) as pool:
        waiting = {pool.submit(_run_in_pool, work, context) for work in works}
        try:
            while waiting:
                done, waiting = wait(waiting, timeout=0.2)
                _pass_on(queue, on_event)
                for future in done:
                    future.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
        _pass_on(queue, on_event)


def _remember(queue) -> None:
    global _events
    _events = queue


def _run_in_pool(work: Work, context: Context) -> None:
    run_pack(work, context, _events.put)


def _pass_on(queue, on_event: Callable[[dict], None]) -> None:
    try:
        while True:
            on_event(queue.get_nowait())
    except Empty:
        return

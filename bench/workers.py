"""Processes of pools: which were made, whose death was their own, and how all are stopped at once."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing.connection import wait as wait_for_ends
from multiprocessing.context import SpawnContext, SpawnProcess

SECONDS_TO_END = 10.0  # for a worker that is ending to have its exit code; it takes milliseconds


class Spawn(SpawnContext):
    """Makes the processes of the pools, which do not tell them.

    Spawned, not forked: torch's threads and a GPU's context do not survive a fork.
    """

    def __init__(self):
        self.made: list[SpawnProcess] = []

    def Process(self, *arguments, **named) -> SpawnProcess:  # noqa: N802 - the pools call it so
        self.made.append(SpawnProcess(*arguments, **named))
        return self.made[-1]

    @property
    def begun(self) -> list[SpawnProcess]:
        """Those that the machine let begin."""
        return [process for process in self.made if process.pid]


@contextmanager
def undisturbed() -> Iterator[None]:
    """Put off a key that is pressed (SIGINT, SIGTERM) until the block is through.

    A worker that is half made is known to nobody, who could then stop it.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # signals are answered in the main thread alone
        return
    came: list[int] = []
    numbers = [number for number in (signal.SIGINT, signal.SIGTERM) if callable(signal.getsignal(number))]
    before = {number: signal.signal(number, lambda number, _: came.append(number)) for number in numbers}
    try:
        yield
    finally:
        for number, answer in before.items():
            signal.signal(number, answer)
        for number in came:
            signal.raise_signal(number)


def stop(pools: Sequence[ProcessPoolExecutor], workers: Sequence[SpawnProcess]) -> list[SpawnProcess]:
    """Kill the workers: what they do may take hours, and a pool waits for that when it is left.

    Returns those that had not died by themselves.
    """
    with undisturbed():  # also by a second key
        bystanders = [worker for worker in workers if not _died(worker)]
        for worker in workers:
            worker.kill()
        for pool in pools:
            pool.shutdown(wait=False, cancel_futures=True)
    return bystanders


def _died(worker: SpawnProcess) -> bool:
    """Whether a worker of a broken pool died by itself: it has ended, and not as the pool ends the others."""
    if not wait_for_ends([worker.sentinel], timeout=0):
        return False
    deadline = time.monotonic() + SECONDS_TO_END
    # None for a moment, too, where the pool's thread is just asking
    while (code := worker.exitcode) is None and time.monotonic() < deadline:
        time.sleep(0.001)
    return code not in (None, -signal.SIGTERM)

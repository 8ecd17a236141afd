"""Times of calls, in rounds that take turns: what `bench plan --measure` counts with.

On a CPU it is process time, since foreign load makes wall clock useless.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

import numpy as np
import torch

ROUNDS = 10
SECONDS_PER_ROUND = 0.3


def best(call: Callable[[], object], device: str) -> float:
    """Seconds of a call in the best of ROUNDS, each long enough that a launch on a GPU does not count."""
    return min(rounds([call], device)[0])


def quartile(step: Callable[[], object], device: str) -> float:
    return float(np.percentile(rounds([step], device)[0], 25))


def interleaved(one: Callable, other: Callable, device: str) -> tuple[float, float]:
    return tuple(float(np.percentile(times, 25)) for times in rounds([one, other], device))


def rounds(steps: list[Callable[[], object]], device: str) -> list[list[float]]:
    """Seconds per call of each of `steps`, in rounds that take turns; the first call is not counted."""
    repeats = [max(1, int(SECONDS_PER_ROUND / _timed(step, device))) for step in steps for _ in [step()]]
    times: list[list[float]] = [[] for _ in steps]
    for _ in range(ROUNDS):
        for step, count, kept in zip(steps, repeats, times, strict=True):
            kept.append(_timed(partial(_repeat, step, count), device) / count)
    return times


def _repeat(step: Callable[[], object], count: int) -> None:
    for _ in range(count):
        step()  # what it returns is dropped: kept, each would lie in fresh memory, which costs as much again


def _timed(call: Callable[[], object], device: str) -> float:
    """Process CPU seconds of a call on a CPU, wall seconds up to the device's completion on a GPU."""
    if device == "cpu":
        began = time.process_time()
        call()
        return time.process_time() - began
    torch.cuda.synchronize()
    began = time.perf_counter()
    call()
    torch.cuda.synchronize()
    return time.perf_counter() - began

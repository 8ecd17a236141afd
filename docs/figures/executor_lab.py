"""How docs/figures/executors.py measures: a device, a budget, and a file of figures that no failure loses."""

import gc
import json
import sys
import time
from functools import partial
from pathlib import Path

import numpy as np
import torch

from bench.atomic import write_text
from bench.measure import STEPS_PER_CALL

ROUNDS = 5
BATCH = 64
PRECISIONS = {"cuda": ("float32", "tf32", "bfloat16"), "cpu": ("float32", "bfloat16")}


class Lab:
    """A device, the packs to try on it, how long that may take, and the figures so far."""

    def __init__(self, device: str, seconds: float, packs: list[int], out: Path, budget: float):
        self.device, self.seconds, self.packs, self.out, self.budget = device, seconds, packs, out, budget
        self.until = time.monotonic() + budget
        self.found: dict = {}

    @property
    def middle(self) -> int:
        """The width of whatever is measured at one width only."""
        return self.packs[len(self.packs) // 2]

    @property
    def left(self) -> float:
        """Seconds of the budget."""
        return max(0.0, self.until - time.monotonic())

    def ask(self, place: tuple, answer, *arguments) -> None:
        """Put what `answer` returns at this place of the figures, or why it returned nothing."""
        value = f"not measured: the budget of {self.budget:.0f} s was spent"
        if self.left:
            try:
                free(self)
                value = answer(*arguments)
            except Exception as error:  # out of memory, a kernel that is not there: the rest is to be had
                first_line = str(error).partition("\n")[0]
                value = f"{type(error).__name__}: {first_line}"
        self.record(place, value)

    def record(self, place: tuple, value) -> None:
        """Put a figure at its place, and all into the file."""
        inner = self.found
        for name in place[:-1]:
            inner = inner.setdefault(str(name), {})
        inner[str(place[-1])] = value
        write_text(self.out, json.dumps(self.found, indent=1) + "\n")
        print(*place, value, sep=" | ", file=sys.stderr, flush=True)

    def milliseconds(self, place: tuple, model_steps: float, prepare, *arguments) -> None:
        """Ask for the cost of a call (see `cost`)."""
        self.ask(place, self.cost, model_steps, prepare, *arguments)

    def cost(self, model_steps: float, prepare, *arguments) -> float:
        """Milliseconds per model-step of the call that `prepare` returns, which makes `model_steps`."""
        call = prepare(*arguments)
        repeat(call, 2)
        count = max(1, int(self.seconds / ROUNDS / max(1e-9, self.timed(call))))
        rounds = [self.timed(partial(repeat, call, count)) for _ in range(ROUNDS)]
        return 1e3 * float(np.percentile(rounds, 25)) / count / model_steps

    def timed(self, call) -> float:
        """Seconds of a call: wall time up to the device's completion, process time on a CPU."""
        clock = time.perf_counter if self.device == "cuda" else time.process_time
        self.wait()
        began = clock()
        call()
        self.wait()
        return clock() - began

    def wait(self) -> None:
        if self.device == "cuda":
            torch.cuda.synchronize()


def repeat(call, count: int) -> None:
    for _ in range(count):
        call()


def free(lab: Lab) -> None:
    """Give back what the last measurement held, and forget its peak."""
    gc.collect()  # graphs and failed calls hold memory in cycles
    if lab.device == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()


def memory(lab: Lab) -> dict[str, float]:
    """GB at most since the last `free`; what libraries work in stays from one measurement to the next."""
    if lab.device == "cpu":
        return {}
    allocated, reserved = torch.cuda.max_memory_allocated(), torch.cuda.max_memory_reserved()
    return {"allocated": allocated / 1e9, "reserved": reserved / 1e9}


def replayed(lab: Lab, call):
    """STEPS_PER_CALL times a call: a graph on a GPU, where a small call else costs what its launches do."""
    if lab.device == "cpu":
        return call
    lab.wait()  # what the call reads is still being made, on another stream
    with torch.cuda.stream(torch.cuda.Stream()):
        call()
    lab.wait()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        repeat(call, STEPS_PER_CALL["cuda"])
    return partial(replay, graph, call)


def replay(graph, call) -> None:
    """Run the graph of a call, which is given so that what the graph reads stays where it is."""
    graph.replay()

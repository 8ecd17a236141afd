"""Runs that are killed, for tests: torch is loaded once, and every run is a fork that SIGKILL ends.

A script, not a fixture: a fork of the process that runs the tests would inherit its threads. `kills` ends
runs at random moments, `points` at moments of the failure matrix; both finish each study afterwards. What
happened is printed as lines of JSON, and the studies are left for the test to compare.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch  # noqa: F401 - loaded before the forks, as all below

import bench.score_pack
import bench.train_pack  # noqa: F401
from bench.artifacts import checkpoints
from bench.running import run


@dataclass(frozen=True)
class Point:
    """A moment to die at: before or after the `nth` call of a function, seen where it is called.

    With `folder` only calls whose last argument is a path in a folder of that name count.
    """

    module: str
    function: str
    when: str  # before | after
    nth: int = 1
    folder: str = ""

    def arm(self) -> None:
        """Make this process die there."""
        module = importlib.import_module(self.module)
        whole = getattr(module, self.function)
        calls = 0

        def deadly(*arguments, **named):
            nonlocal calls
            counted = not self.folder or Path(arguments[-1]).parent.name == self.folder
            calls += counted
            dies = counted and calls == self.nth
            if dies and self.when == "before":
                os.kill(os.getpid(), signal.SIGKILL)
            result = whole(*arguments, **named)
            if dies:
                os.kill(os.getpid(), signal.SIGKILL)
            return result

        setattr(module, self.function, deadly)


#: The rows of the failure matrix that one process can act out; Ray, nodes and disks have tests of their own.
POINTS = {
    "while the plan is written": Point("os", "replace", "before", folder="tiny"),
    "before the first checkpoint": Point("bench.checkpoint", "save", "before"),
    "inside a checkpoint's write": Point("os", "replace", "before", 2, "checkpoints"),
    "between checkpoints": Point("bench.checkpoint", "save", "before", 3),
    "before the closing evaluation": Point("bench.train_pack", "evaluate", "before"),
    "after models, before codes": Point("bench.artifacts", "write_weights", "after"),
    "inside the write of a code table": Point("os", "replace", "before", 3, "codes"),
    "trained, before any metric": Point("bench.score_pack", "score_pack", "before"),
    "inside the write of a cell's scores": Point("os", "replace", "before", 2, "scored"),
    "after arrays, before scores": Point("bench.score_pack", "write_scores", "before"),
    "inside the write of scores": Point("os", "replace", "before", folder="scores"),
    "after the commit, before cleaning up": Point("bench.score_pack", "write_scores", "after"),
    "inside cleaning up": Point("bench.artifacts", "remove_checkpoints", "before"),
    "in the second pack": Point("bench.score_pack", "write_scores", "before", 2),
}


def in_a_fork(
    act: Callable[[], None], seconds: float | None = None, begun: Callable[[], bool] = lambda: True
) -> int:
    """Exit code of `act` in a fork, negative for the signal that ended it.

    With `seconds` SIGKILL ends it so long after `begun` is true, if it has not ended by then.
    """
    child = os.fork()
    if child == 0:
        try:
            act()
        except BaseException:
            import traceback

            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    if seconds is not None:
        while not begun():
            ended, status = os.waitpid(child, os.WNOHANG)
            if ended:
                return os.waitstatus_to_exitcode(status)
            time.sleep(0.01)
        time.sleep(seconds)
        os.kill(child, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def progress(folder: Path) -> set[tuple]:
    """How far a study is: steps of its checkpoints, cells trained and scored, packs that are committed."""
    work = folder / "_work"
    steps = {(path.name, counters["step"]) for path, counters in checkpoints(work / "checkpoints")}
    folders = (work / "trained", work / "scored", folder / "scores")
    return steps | {(path.parent.name, path.name) for place in folders for path in place.glob("[!.]*")}


def runner(grid: Path, results: Path, data: Path) -> Callable[[], None]:
    """A run of the grid in this process: stacks of two cells, a checkpoint at every block of steps."""
    settings = {"executor": "inline", "cpus": 1, "width": 2, "checkpoint_seconds": 0}

    def act() -> None:
        outcome = run(grid, results=results, data_dir=data, **settings)
        assert outcome.done == outcome.planned, outcome

    return act


def kills(grid: Path, folder: Path, data: Path, wanted: int) -> None:
    """Studies whose runs are killed at random moments until each is done, `wanted` kills in all at least.

    Moments are drawn from the first nine tenths of the time that an undisturbed run takes here. Every second
    run is first let get further than the last: a cell that four in a row do not get past is quarantined,
    rightly.
    """
    began = time.monotonic()
    assert in_a_fork(runner(grid, folder / "undisturbed", data)) == 0
    whole = time.monotonic() - began
    rng = np.random.default_rng(0)
    killed, study = 0, 0
    while killed < wanted:
        study, mine, code = study + 1, 0, -signal.SIGKILL
        while code == -signal.SIGKILL:
            results = folder / f"killed-{study}"
            before = progress(results / "tiny")
            odd = bool(mine % 2)
            moment = float(rng.uniform(0.02, 0.3 if odd else 0.9)) * whole
            further = partial(lambda at, seen: bool(progress(at) - seen), results / "tiny", before)
            code = in_a_fork(runner(grid, results, data), moment, further if odd else lambda: True)
            mine += code == -signal.SIGKILL
        killed += mine
        print(json.dumps({"study": study, "kills": mine, "exit": code}), flush=True)


def points(grid: Path, folder: Path, data: Path) -> None:
    """A study per point: run until the point kills it, then finish it; files are noted after the kill."""
    assert in_a_fork(runner(grid, folder / "undisturbed", data)) == 0
    for number, (name, point) in enumerate(POINTS.items()):
        results = folder / f"point-{number}"
        again = runner(grid, results, data)
        killed = in_a_fork(lambda point=point, again=again: (point.arm(), again()))
        left = sorted(str(path.relative_to(results)) for path in results.rglob("*") if path.is_file())
        finished = in_a_fork(again)
        print(json.dumps({"point": name, "killed": killed, "left": left, "finished": finished}), flush=True)


if __name__ == "__main__":
    what, *paths = sys.argv[1:]
    grid, folder, data = map(Path, paths[:3])
    kills(grid, folder, data, int(paths[3])) if what == "kills" else points(grid, folder, data)

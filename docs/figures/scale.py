"""The scale figures of docs/performance.md: the whole study with made-up scores in place of training.

PYTHONPATH=tests python docs/figures/scale.py [FOLDER]     # about two minutes on two cores, 15 MB

Everything but `run_pack` is the product's own: planning, Ray Tune, commits, status, knowing a finished grid.
"""

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PACK_SECONDS = 30.0  # what a pack is assumed to take at the least


def commit_made_up(work, context, report) -> None:
    """In place of a pack: its planned scores, made up, committed at once."""
    from studies import made_up

    from bench.grid import load_grid
    from bench.store import write_scores

    grid = load_grid("locatello")
    rows = [row for cell in work.cells for row in made_up(cell, work.pack.id, grid)]
    write_scores(context.path / "scores", work.pack.id, rows, context.provenance)
    report({"pack": work.pack.id, "committed": len(work.cells), "failed": 0})


def run_whole(folder: Path) -> dict:
    """Plan and schedule the 12,600 cells in this process, the driver."""
    from bench import schedule
    from bench.devices import cores
    from bench.running import execute, outcome
    from bench.study_plan import make_plan

    began = time.perf_counter()
    plan = make_plan("locatello", results=folder)
    planned = time.perf_counter()
    schedule.run_pack = commit_made_up
    execute(
        plan, data_dir=folder, executor="ray", cpus=cores(), address=None, gpus_per_pack=1,
        retry_failed=False, checkpoint_seconds=60, on_event=lambda event: None,
    )  # fmt: skip
    scheduled = time.perf_counter()
    done = outcome(plan)
    assert (done.done, done.missing) == (12_600, 0), done
    return {
        "cells": done.planned,
        "packs": len(plan.packs),
        "planning": planned - began,
        "scheduling_empty_packs": scheduled - planned,
        "share_of_30_second_packs": (scheduled - planned) / (len(plan.packs) * PACK_SECONDS / cores()),
        "driver_megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def timed(*words: str) -> float:
    """Wall seconds of a `bench` command, the start of Python included."""
    began = time.perf_counter()
    subprocess.run([sys.executable, "-m", "bench", *words], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


def main(folder: Path) -> None:
    found = run_whole(folder)
    found["status"] = timed("status", "locatello", "--results", str(folder))
    found["finished_grid_recognised"] = timed("run", "locatello", "--results", str(folder))
    out = str(folder / "all.parquet")
    found["export"] = timed("export", "locatello", "--results", str(folder), "--out", out)
    found["score_files_megabytes"] = (
        sum(path.stat().st_size for path in (folder / "locatello" / "scores").iterdir()) / 1e6
    )
    print(json.dumps({name: round(value, 3) for name, value in found.items()}, indent=2))


if __name__ == "__main__":
    if sys.argv[1:]:
        main(Path(sys.argv[1]))
    else:
        with tempfile.TemporaryDirectory() as folder:
            main(Path(folder))

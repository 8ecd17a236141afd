"""Packs on Ray Tune: the same results as inline, silently; killed workers and drivers lose nothing."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest
from test_running import scores, weights
from tiny import TINY

from bench import schedule
from bench.atomic import read_record
from bench.attempts import Attempt, attempt
from bench.context import Context
from bench.running import run
from bench.schedule import run_on_ray
from bench.study import record_plan
from bench.study_plan import make_plan

SILENT = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
LONGER = TINY.replace("steps: 60", "steps: 1500").replace("seeds: 2", "seeds: 5")


def command(grid: Path, results: Path, data_dir: Path) -> list[str]:
    return [
        sys.executable, "-m", "bench", "run", str(grid), "--cpus", "2",
        "--results", str(results), "--data-dir", str(data_dir), "--checkpoint-seconds", "0.5",
    ]  # fmt: skip


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory, data_dir) -> Path:
    """Folder with the longer grid and its results, run inline."""
    folder = tmp_path_factory.mktemp("undisturbed")
    (folder / "tiny.yaml").write_text(LONGER)
    run(folder / "tiny.yaml", results=folder / "results", data_dir=data_dir, executor="inline", cpus=2)
    return folder


def wait_for(condition, process: subprocess.Popen, seconds: float = 90) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert process.poll() is None, "the run ended before it could be disturbed"
        assert time.monotonic() < deadline
        time.sleep(0.1)


def workers_of(process: subprocess.Popen) -> list[int]:
    """Process ids of Ray workers that train for `process`."""
    listed = subprocess.run(["ps", "-eo", "pid,args"], capture_output=True, text=True, check=True).stdout
    busy = [line for line in listed.splitlines() if re.search(r"ray::(ImplicitFunc|.*trial)", line)]
    return [int(line.split()[0]) for line in busy]


def listening(process: subprocess.Popen) -> set[str]:
    """Addresses, as /proc writes them, at which a process and its descendants accept connections."""
    family, grown = {process.pid}, True
    while grown:
        parents = {int(path.name): _parent(path) for path in Path("/proc").glob("[0-9]*")}
        grown = {pid for pid, parent in parents.items() if parent in family} - family
        family |= grown
    links = [link for pid in family for link in _descriptors(pid)]
    lines = [
        line.split()
        for name in ("tcp", "tcp6")
        for line in Path(f"/proc/net/{name}").read_text().splitlines()
    ]
    return {
        words[1].partition(":")[0] for words in lines if words[3] == "0A" and f"socket:[{words[9]}]" in links
    }


def _parent(path: Path) -> int:
    try:
        return int((path / "stat").read_text().rpartition(")")[2].split()[1])
    except OSError:  # it ended meanwhile
        return 0


def _descriptors(pid: int) -> list[str]:
    try:
        return [os.readlink(link) for link in Path(f"/proc/{pid}/fd").iterdir()]
    except OSError:
        return []


def test_a_run_on_ray_is_silent_and_equal_to_inline(undisturbed, tmp_path, data_dir):
    temporary = tmp_path / "as-long-a-path-as-batch-systems-give-to-the-jobs-of-their-users" / ("0" * 40)
    temporary.mkdir(parents=True)
    done = subprocess.run(
        command(undisturbed / "tiny.yaml", tmp_path / "r", data_dir),
        env={**os.environ, "TMPDIR": str(temporary)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-2].startswith("15 of 15 cells done, 0 failed, 0 missing.")
    assert [line for line in done.stderr.splitlines() if "cells done" not in line] == []
    pd.testing.assert_frame_equal(scores(tmp_path / "r"), scores(undisturbed / "results"))
    assert weights(tmp_path / "r") == weights(undisturbed / "results")


def test_a_killed_worker_is_replaced_and_resumes(undisturbed, tmp_path, data_dir):
    results = tmp_path / "r"
    process = subprocess.Popen(
        command(undisturbed / "tiny.yaml", results, data_dir),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    wait_for(lambda: list(results.glob("tiny/_work/checkpoints/[!.]*.safetensors")), process)
    loopback = {"0100007F", "0000000000000000FFFF00000100007F", "00000000000000000000000001000000"}
    assert listening(process)
    assert listening(process) <= loopback
    killed = workers_of(process)
    assert killed
    for worker in killed[:1]:
        os.kill(worker, signal.SIGKILL)
    assert process.wait(timeout=300) == 0
    pd.testing.assert_frame_equal(scores(results), scores(undisturbed / "results"))
    assert weights(results) == weights(undisturbed / "results")


@pytest.mark.parametrize("rounds", [2, pytest.param(20, marks=pytest.mark.long)])
def test_after_a_killed_driver_the_same_command_finishes(undisturbed, tmp_path, data_dir, rounds):
    results = tmp_path / "r"
    arguments = command(undisturbed / "tiny.yaml", results, data_dir)
    for _ in range(rounds):
        process = subprocess.Popen(arguments, **SILENT)
        wait_for(lambda: list(results.glob("tiny/_work/checkpoints/[!.]*.safetensors")), process)
        process.kill()
        process.wait()
    assert (
        subprocess.run(
            arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=300
        ).returncode
        == 0
    )
    pd.testing.assert_frame_equal(scores(results), scores(undisturbed / "results"))
    assert weights(results) == weights(undisturbed / "results")


@pytest.mark.parametrize("pressed", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_on_ray_leaves_130_and_a_resumable_study(undisturbed, tmp_path, data_dir, pressed):
    results = tmp_path / "r"
    process = subprocess.Popen(
        command(undisturbed / "tiny.yaml", results, data_dir), stderr=subprocess.PIPE, text=True
    )
    wait_for(lambda: list(results.glob("tiny/_work/checkpoints/[!.]*.safetensors")), process)
    process.send_signal(pressed)
    _, said = process.communicate(timeout=120)
    assert process.returncode == 130
    assert re.search(r"\d+ of 15 done; the same command continues", said)
    for path in (results / "tiny" / "_work" / "attempts").glob("[!.]*.json"):  # no cell is blamed for the key
        made = read_record(path, Attempt)
        assert made.driver
        again = attempt(path.parent.parent, path.stem, made.step, made.size, driver="the next run")
        assert (again.deaths, again.deaths_alone) == (0, 0)


@pytest.mark.long
def test_scoring_beside_training_gives_the_same_scores(undisturbed, tmp_path, data_dir):
    plan = make_plan(undisturbed / "tiny.yaml", results=tmp_path / "r", data_dir=data_dir)
    settings = plan.grid.settings
    context = Context(
        study="tiny", folder=str(plan.folder), data=str(data_dir), device="cpu",
        evaluation=settings.evaluation, storage=settings.storage, provenance={"run_id": "beside"},
    )  # fmt: skip
    events: list[dict] = []
    record_plan(plan.folder, plan.grid, {})
    run_on_ray(plan.works, context, cpus=2, on_event=events.append, scoring="beside")
    assert sum(event.get("committed", 0) for event in events) == 15
    trained = {event["pack"]: event["device_seconds"] for event in events if "device_seconds" in event}
    assert trained.keys() == {work.pack.id for work in plan.works}
    assert min(trained.values()) > 0
    pd.testing.assert_frame_equal(scores(tmp_path / "r"), scores(undisturbed / "results"))


def test_every_cell_of_a_pack_may_end_its_worker_until_it_is_quarantined(tiny_grid, tmp_path, data_dir):
    works = make_plan(tiny_grid, results=tmp_path / "r", data_dir=data_dir).works
    assert [len(work.cells) for work in works] == [4, 2]
    assert schedule._max_failures(works) >= 4 * 2 * 6, "in training and in scoring, six deaths each"

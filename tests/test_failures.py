"""What goes wrong on the way, without Ray: whom it costs something, and what the next run makes of it."""

import json
import os
import signal
import subprocess
import sys
import time
import weakref
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from studies import run_tiny
from test_running import scores
from tiny import TINY

import bench
from bench import inline, pack, schedule, train_pack
from bench.attempts import DeviceLost
from bench.running import run
from bench.study_plan import make_plan


@pytest.fixture
def finished(data_dir) -> Path:
    """results/ of the tiny grid, run without interruption."""
    return run_tiny(data_dir)


POISON = """
study: tiny
datasets: [dsprites_quick]
source: rendered
models: {'own_model:DIVERGING': {weight: [1, 13, 4]}}
training: {architecture: dense_8, latent_dim: 4, steps: 60, learning_rate: 4e-3}
evaluation: {images: 600, metrics: [mig]}
"""


def test_a_diverging_cell_fails_alone_with_its_step_and_is_retried_only_when_asked(tmp_path, data_dir):
    path = tmp_path / "tiny.yaml"
    path.write_text(POISON)
    arguments = {"results": tmp_path / "results", "data_dir": data_dir, "executor": "inline", "cpus": 1}
    outcome = run(path, **arguments)
    assert (outcome.done, outcome.failed, outcome.missing) == (2, 1, 0)
    frame = bench.load_scores(tmp_path / "results" / "tiny")
    failed = frame[frame["status"] == "failed"]
    assert set(failed["strength"]) == {13.0}
    assert failed["value"].isna().all()
    assert failed["error"].str.contains("not finite at step 20").all()
    assert set(failed["metric"]) == set(frame["metric"])
    assert make_plan(path, results=tmp_path / "results", data_dir=data_dir).cells_left == 0
    assert make_plan(path, results=tmp_path / "results", data_dir=data_dir, retry_failed=True).cells_left == 1


def gpu_is_full():
    raise torch.OutOfMemoryError("CUDA out of memory")


def gpu_is_full_while_a_graph_is_captured():
    try:
        gpu_is_full()
    finally:
        raise RuntimeError("operation failed due to a previous error during capture")


def memory_is_full():
    raise MemoryError


@pytest.mark.parametrize("fail", [gpu_is_full, gpu_is_full_while_a_graph_is_captured, memory_is_full])
def test_a_stack_that_does_not_fit_is_halved_and_says_so(
    finished, tiny_grid, tmp_path, data_dir, monkeypatch, fail
):
    train, held = train_pack.train, []

    def train_in_small_memory(problem, members, *rest):
        assert not any(layers() is not None for layers in held), "the failed try still holds its memory"
        if len(members.seeds) > 2:
            layers = torch.empty(1)
            held.append(weakref.ref(layers))
            fail()
        train(problem, members, *rest)

    monkeypatch.setattr("bench.train_pack.train", train_in_small_memory)
    outcome = run(tiny_grid, results=tmp_path / "r", data_dir=data_dir, executor="inline", cpus=1)
    assert outcome.done == 6
    halved = scores(tmp_path / "r")
    assert set(halved["pack_width"]) == {2}
    assert np.allclose(halved["value"], scores(finished)["value"], rtol=0.05, atol=0.05)


def test_an_error_in_a_stack_is_recorded_with_its_traceback(tiny_grid, tmp_path, data_dir, monkeypatch):
    def broken(*_):
        raise ValueError("a mistake in the model")

    monkeypatch.setattr("bench.train_pack.train", broken)
    outcome = run(tiny_grid, results=tmp_path / "r", data_dir=data_dir, executor="inline", cpus=1)
    assert (outcome.done, outcome.failed) == (0, 6)
    errors = bench.load_scores(tmp_path / "r" / "tiny")["error"]
    assert errors.str.contains("Traceback").all()
    assert errors.str.contains("a mistake in the model").all()


BROKEN_DATA = """
study: tiny
datasets: ['own_data:BROKEN', dsprites_quick]
source: auto
models: {beta_vae: {beta: 1, reconstruction_weight: 8}}
training: {architecture: dense_8, latent_dim: 4, steps: 20}
evaluation: {images: 600, metrics: [mig]}
"""


def test_a_cell_that_another_run_committed_while_it_waited_for_its_scores_is_left_out(
    finished, tiny_grid, tmp_path, data_dir, monkeypatch
):
    arguments = {"results": tmp_path / "r", "data_dir": data_dir, "executor": "inline", "cpus": 1}
    real = pack.score_half

    def too_late(work, context, report):
        (context.work / "codes" / f"{work.cells[0].id}.safetensors").unlink()
        real(work, context, report)

    monkeypatch.setattr("bench.pack.score_half", too_late)
    outcome = run(tiny_grid, **arguments)
    assert (outcome.done, outcome.failed) == (4, 0)
    monkeypatch.undo()
    assert run(tiny_grid, **arguments).done == 6
    pd.testing.assert_frame_equal(scores(tmp_path / "r"), scores(finished))


def children(pid: int) -> list[int]:
    """Processes that `pid` has begun, of those that are there."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            after_name = entry.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(after_name[1]) == pid and after_name[0] != "Z":
            found.append(int(entry.parent.name))
    return found


def start_pool(grid: Path, results: Path, data_dir: Path) -> subprocess.Popen:
    """A run in a pool of two processes, one of which has begun to train."""
    began = time.time()
    words = ["run", grid, "--results", results, "--data-dir", data_dir, "--executor", "inline", "--cpus", 2]
    process = subprocess.Popen(
        [sys.executable, "-m", "bench", *map(str, words)], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL,
        text=True,
    )  # fmt: skip
    deadline = time.monotonic() + 60
    while not any(p.stat().st_mtime > began for p in results.glob("tiny/_work/attempts/[!.]*.json")):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return process


def test_a_pool_that_is_stopped_early_again_and_again_blames_no_cell(finished, tiny_grid, tmp_path, data_dir):
    tiny_grid.write_text(TINY.replace("steps: 60", "steps: 1_000_000"))
    for stop in (signal.SIGINT, signal.SIGTERM, signal.SIGINT, signal.SIGKILL):
        process = start_pool(tiny_grid, tmp_path / "r", data_dir)
        workers = children(process.pid)
        process.send_signal(stop)
        _, said = process.communicate(timeout=60)
        if stop != signal.SIGKILL:
            assert process.returncode == 130
            assert "Interrupted: 0 of 6 done; the same command continues." in said
        deadline = time.monotonic() + 30
        while any(Path(f"/proc/{worker}").exists() for worker in workers):
            assert time.monotonic() < deadline, "a worker outlived its driver"
            time.sleep(0.1)
    notes = [json.loads(path.read_text()) for path in (tmp_path / "r/tiny/_work/attempts").glob("*.json")]
    assert notes
    assert {made["deaths"] for made in notes} == {0}


@pytest.mark.parametrize("cpus", [1, 2])
def test_a_data_set_that_raises_fails_its_own_cells_and_no_others(tmp_path, data_dir, cpus):
    path = tmp_path / "tiny.yaml"
    path.write_text(BROKEN_DATA)
    outcome = run(path, results=tmp_path / "r", data_dir=data_dir, executor="inline", cpus=cpus)
    assert (outcome.done, outcome.failed, outcome.missing) == (1, 1, 0)
    frame = bench.load_scores(tmp_path / "r" / "tiny")
    failed = frame[frame["status"] == "failed"]
    assert set(failed["dataset"]) == {"own_data:BROKEN"}
    assert failed["error"].str.contains("the disk with the images is on holiday").all()
    assert set(failed["metric"]) == {"training", "mig"}


def test_a_pack_that_cannot_be_scored_is_committed_as_failed(tiny_grid, tmp_path, data_dir, monkeypatch):
    def broken(*_):
        raise ArithmeticError("no such number")

    monkeypatch.setattr("bench.score_pack._scores", broken)
    outcome = run(tiny_grid, results=tmp_path / "r", data_dir=data_dir, executor="inline", cpus=1)
    assert (outcome.done, outcome.failed, outcome.missing) == (0, 6, 0)
    assert bench.load_scores(tmp_path / "r" / "tiny")["error"].str.contains("no such number").all()


def test_what_no_cell_is_to_blame_for_is_told_and_the_other_packs_go_on(
    tiny_grid, tmp_path, data_dir, monkeypatch
):
    real = pack.prepare
    calls, events = [], []

    def broken_once(*arguments, **settings):
        calls.append(1)
        if len(calls) == 1:
            raise ValueError("a published file cannot be read")
        real(*arguments, **settings)

    monkeypatch.setattr("bench.pack.prepare", broken_once)
    arguments = {"results": tmp_path / "r", "data_dir": data_dir, "executor": "inline", "cpus": 1}
    outcome = run(tiny_grid, **arguments, on_event=events.append)
    assert outcome.failed == 0
    assert outcome.done in (2, 4)
    assert [e["error"] for e in events if "error" in e][0].endswith("a published file cannot be read\n")
    assert run(tiny_grid, **arguments).done == 6


def test_images_that_do_not_fit_into_memory_are_the_machines_failure(
    tiny_grid, tmp_path, data_dir, monkeypatch
):
    monkeypatch.setattr("bench.train_pack.DeviceImages", lambda *_: gpu_is_full())
    with pytest.raises(OSError, match=r"the images of dsprites_quick do not fit .*--gpus-per-pack"):
        run(tiny_grid, results=tmp_path / "r", data_dir=data_dir, executor="inline", cpus=1)
    assert not list((tmp_path / "r" / "tiny").glob("scores/*"))


def test_weights_that_cannot_be_encoded_fail_their_cell_alone(tiny_grid, tmp_path, data_dir, monkeypatch):
    arguments = {"results": tmp_path / "r", "data_dir": data_dir, "executor": "inline", "cpus": 1}
    run(tiny_grid, **arguments)
    tiny_grid.write_text(TINY.replace("[mig,", "[sap, mig,"))
    real, calls = train_pack.parameters_of, []

    def broken_once(*given):
        calls.append(1)
        if len(calls) == 1:
            raise RuntimeError("tensors of another network")
        return real(*given)

    monkeypatch.setattr("bench.train_pack.parameters_of", broken_once)
    outcome = run(tiny_grid, **arguments)
    assert (outcome.done, outcome.failed) == (5, 1)


def test_a_full_disk_is_the_runs_failure_not_the_cells(tiny_grid, tmp_path, data_dir, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("bench.train_pack.checkpoint.save", full)
    with pytest.raises(OSError, match="No space left"):
        run(tiny_grid, results=tmp_path / "r", data_dir=data_dir, executor="inline", cpus=1)
    assert not list((tmp_path / "r" / "tiny").glob("scores/*"))
    monkeypatch.undo()
    assert run(tiny_grid, results=tmp_path / "r", data_dir=data_dir, executor="inline", cpus=1).done == 6


def test_a_device_that_is_lost_ends_the_process_and_no_cell_is_failed(
    finished, tiny_grid, tmp_path, data_dir, monkeypatch
):
    def illegal_access(*_):
        raise torch.AcceleratorError("CUDA error: an illegal memory access was encountered")

    def attempted() -> list[dict]:
        notes = (tmp_path / "r" / "tiny" / "_work" / "attempts").glob("*.json")
        return [json.loads(path.read_text()) for path in notes]

    monkeypatch.setattr("bench.device_errors.is_lost", lambda device: True)
    monkeypatch.setattr("bench.train_pack.train", illegal_access)
    for deaths in (0, 1):
        with pytest.raises(DeviceLost, match="fails every call .*illegal memory access"):
            run(tiny_grid, results=tmp_path / "r", data_dir=data_dir, executor="inline", cpus=1)
        assert {made["deaths"] for made in attempted()} == {deaths}
    assert not list((tmp_path / "r" / "tiny").glob("scores/*"))
    monkeypatch.undo()
    assert run(tiny_grid, results=tmp_path / "r", data_dir=data_dir, executor="inline", cpus=1).done == 6
    pd.testing.assert_frame_equal(scores(tmp_path / "r"), scores(finished))


def test_a_worker_whose_device_is_lost_dies_as_if_it_were_killed(monkeypatch, capsys):
    def lost(*_):
        raise DeviceLost("the device fails every call")

    class Ended(BaseException):
        pass

    def end(code: int):
        raise Ended(code)

    monkeypatch.setattr(os, "_exit", end)
    monkeypatch.setattr("bench.inline._events", SimpleNamespace(put=print))
    with pytest.raises(Ended, match="75"):
        inline._in_pool(lost, None, None)
    with pytest.raises(Ended, match="75"):
        schedule._trial({"work": 0}, lost, [None], None)
    assert capsys.readouterr().err.count("DeviceLost: the device fails every call") == 2

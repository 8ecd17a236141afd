"""Deaths of processes: halves, single cells, quarantine, and neighbours that do not suffer."""

import json
import os
import subprocess
import sys

import pytest
from studies import context_of

import bench
from bench.attempts import Attempt, attempt, forget, forgive, note, note_path
from bench.pack import score_half
from bench.running import run
from bench.study_plan import make_plan

DEADLY = """
study: tiny
datasets: [dsprites_quick]
source: rendered
models: {'own_model:DEADLY': {weight: [1, 2, 3, 4, 13, 6]}}
training: {architecture: dense_8, latent_dim: 4, steps: 60, learning_rate: 4e-3}
evaluation: {images: 600, metrics: [mig]}
"""


def test_a_note_left_behind_is_a_death_and_halves_the_stack(tmp_path):
    sizes, alone = [], []
    for _ in range(7):
        made = attempt(tmp_path, "a", step=0, width=8)
        note(tmp_path, "a", made)
        sizes.append(made.size)
        alone.append(made.deaths_alone)
    assert sizes == [8, 4, 2, 1, 1, 1, 1]
    assert alone == [0, 0, 0, 0, 1, 2, 3]
    assert made.is_quarantined


def test_getting_further_or_ending_well_forgives(tmp_path):
    for _ in range(2):
        note(tmp_path, "a", attempt(tmp_path, "a", step=0, width=8))
    assert attempt(tmp_path, "a", step=0, width=8).deaths == 2
    assert attempt(tmp_path, "a", step=100, width=8) == Attempt(100, 8, 0, 0)
    forget(tmp_path, "a")
    assert attempt(tmp_path, "a", step=0, width=8).deaths == 0


def test_a_process_that_ended_with_its_driver_did_not_die_of_the_cell(tmp_path):
    note(tmp_path, "a", attempt(tmp_path, "a", 0, 8, "first"), "first")
    note(tmp_path, "a", attempt(tmp_path, "a", 0, 8, "first"), "first")
    assert attempt(tmp_path, "a", 0, 8, "second") == Attempt(0, 4, 1, 0)  # the run went on after one death
    assert attempt(tmp_path, "a", 0, 8, "first") == Attempt(0, 2, 2, 0)
    note(tmp_path, "a", attempt(tmp_path, "a", 0, 8, "second"), "")  # a driver that trains by itself
    assert attempt(tmp_path, "a", 0, 8, "third") == Attempt(0, 2, 2, 0)


def test_only_the_processes_of_a_run_that_were_stopped_beside_another_are_forgiven(tmp_path):
    for cell_id, driver in (("a", "first"), ("b", "second"), ("c", "first")):
        for _ in range(2):
            note(tmp_path, cell_id, attempt(tmp_path, cell_id, 0, 4, driver), driver)
    elsewhere = json.loads(note_path(tmp_path, "c").read_text()) | {"pid": os.getppid()}
    note_path(tmp_path, "c").write_text(json.dumps(elsewhere))
    assert forgive(tmp_path, "first", {os.getpid()}) == [note_path(tmp_path, "a")]
    assert attempt(tmp_path, "a", 0, 4, "first") == Attempt(0, 2, 1, 0)
    assert attempt(tmp_path, "b", 0, 4, "second") == Attempt(0, 1, 2, 0)
    assert attempt(tmp_path, "c", 0, 4, "first") == Attempt(0, 1, 2, 0)


def test_another_driver_that_is_at_a_cell_did_not_die_of_it(tmp_path):
    note(tmp_path, "a", attempt(tmp_path, "a", 0, 8))
    sleeper = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    of_it = json.loads(note_path(tmp_path, "a").read_text()) | {"pid": sleeper.pid}
    note_path(tmp_path, "a").write_text(json.dumps(of_it))
    assert attempt(tmp_path, "a", 0, 8) == Attempt(0, 8, 0, 0)
    sleeper.communicate(b"\n")
    assert attempt(tmp_path, "a", 0, 8) == Attempt(0, 4, 1, 0)
    note_path(tmp_path, "a").write_text(json.dumps(of_it | {"host": "elsewhere", "pid": os.getppid()}))
    assert attempt(tmp_path, "a", 0, 8) == Attempt(0, 4, 1, 0)


@pytest.mark.parametrize("damaged", ["", "{", "[1]", '{"step": 3}'])
def test_a_damaged_note_counts_as_none(tmp_path, damaged):
    note(tmp_path, "a", attempt(tmp_path, "a", step=0, width=8))
    note_path(tmp_path, "a").write_text(damaged)
    assert attempt(tmp_path, "a", step=0, width=8) == Attempt(0, 8, 0, 0)


@pytest.mark.parametrize("executor", ["inline", pytest.param("ray", marks=pytest.mark.long)])
def test_a_deadly_cell_is_quarantined_and_its_neighbours_are_scored(
    tmp_path, data_dir, executor, monkeypatch
):
    monkeypatch.setenv("PYTHONPATH", "tests")
    path = tmp_path / "tiny.yaml"
    path.write_text(DEADLY)
    arguments = {"results": tmp_path / "r", "data_dir": data_dir, "cpus": 2, "executor": executor}
    events: list[dict] = []
    outcome = run(path, **arguments, on_event=events.append)
    assert (outcome.done, outcome.failed, outcome.missing) == (5, 1, 0)
    assert [event["failed"] for event in events if "committed" in event] == [1], "the last event is told, too"
    failed = bench.load_scores(tmp_path / "r" / "tiny").query("status == 'failed'")
    assert set(failed["strength"]) == {13.0}
    assert failed["error"].str.contains("quarantined: its process died").all()
    assert make_plan(path, results=tmp_path / "r", data_dir=data_dir).cells_left == 0
    assert not list((tmp_path / "r" / "tiny" / "_work").glob("attempts/*"))


def test_what_nobody_trained_is_left_outstanding_by_scoring(tiny_grid, tmp_path, data_dir):
    plan = make_plan(tiny_grid, results=tmp_path / "r", data_dir=data_dir)
    events: list[dict] = []
    score_half(
        plan.works[0], context_of(plan, data_dir), events.append
    )  # another run holds what was to be trained
    assert events == []
    assert make_plan(tiny_grid, results=tmp_path / "r", data_dir=data_dir).cells_left == 6

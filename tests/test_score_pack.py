"""Cells whose process dies while they are scored: noted, quarantined, and no loss to their neighbours."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from studies import run_tiny
from test_running import scores
from tiny import TINY

import bench
from bench import attempts
from bench.context import Context, scoring_folder
from bench.metrics import METRICS
from bench.pack import score_ahead, score_half, train_half
from bench.plan import Work
from bench.running import run
from bench.scoring import score_table
from bench.study_plan import make_plan


@pytest.fixture
def trained(tiny_grid, tmp_path, data_dir) -> tuple[Work, Context]:
    """The first pack of the tiny grid, of four cells, trained by a run that trains and scores by itself."""
    plan = make_plan(tiny_grid, results=tmp_path / "r", data_dir=data_dir)
    settings = plan.grid.settings
    context = Context(
        study="tiny", folder=str(plan.folder), data=str(data_dir), device="cpu", in_driver=True,
        evaluation=settings.evaluation, storage=settings.storage, provenance={"run_id": "r"},
    )  # fmt: skip
    train_half(plan.works[0], context, lambda event: None)
    return plan.works[0], context


def die(context: Context, cell_id: str, times: int) -> None:
    """Leave what a process leaves that dies while it scores a cell, so many times one after another."""
    for _ in range(times):
        made = attempts.attempt(scoring_folder(context.work), cell_id, 0, 8)
        attempts.note(scoring_folder(context.work), cell_id, made)


def noted(context: Context) -> set[str]:
    return {path.stem for path in scoring_folder(context.work).glob("attempts/*.json")}


@pytest.mark.parametrize("half", ["ahead", "commit"])
def test_a_cell_is_noted_while_it_is_scored_and_not_after(trained, monkeypatch, half):
    work, context = trained
    seen: list[set[str]] = []

    def watched(*given):
        seen.append(noted(context))
        if len(seen) == 2:
            raise ArithmeticError("no such number")
        return score_table(*given)

    monkeypatch.setattr("bench.score_pack.score_table", watched)
    ids = [cell.id for cell in work.cells]
    if half == "ahead":
        for cell_id in ids:
            score_ahead(cell_id, work, context)
        assert seen == [{cell_id} for cell_id in ids]
    else:
        score_half(work, context, lambda event: None)
        assert seen == [{ids[0]}, {ids[1]}]
    assert noted(context) == set()


@pytest.mark.parametrize("ahead", [True, False])
def test_a_cell_whose_process_died_six_times_is_committed_as_failed_and_its_neighbours_as_scored(
    trained, ahead, tmp_path, data_dir, tiny_grid
):
    work, context = trained
    deadly, healthy, *_ = (cell.id for cell in work.cells)
    die(context, deadly, 6)
    die(context, healthy, 5)
    events: list[dict] = []
    if ahead:
        for cell_id in work.todo:
            score_ahead(cell_id, work, context)
    score_half(work, context, events.append)
    assert events[-1] == {"pack": work.pack.id, "committed": 3, "failed": 1}
    made, whole = scores(tmp_path / "r"), scores(run_tiny(data_dir))
    failed = made[made["status"] == "failed"]
    assert set(failed["cell_id"]) == {deadly}
    assert set(failed["error"]) == {"quarantined: its process died 6 times while it was scored"}
    assert set(made.loc[made["cell_id"] == deadly, "metric"]) == set(whole["metric"])
    assert set(made.loc[made["metric"] == "training", "status"]) == {"ok"}
    columns = ["cell_id", "representation", "metric", "estimator", "key", "value"]
    ok = made[made["status"] == "ok"]
    expected = whole.merge(ok[columns[:-1]])
    pd.testing.assert_frame_equal(
        ok[columns].reset_index(drop=True), expected[columns].reset_index(drop=True)
    )
    assert not list(scoring_folder(context.work).glob("attempts/*"))
    arguments = {"results": tmp_path / "r", "data_dir": data_dir, "executor": "inline", "cpus": 1}
    outcome = run(tiny_grid, **arguments)
    assert (outcome.done, outcome.failed) == (5, 1)
    assert run(tiny_grid, **arguments, retry_failed=True).done == 6
    assert len(bench.load_scores(tmp_path / "r" / "tiny", wide=True).dropna()) == 6


def test_a_cell_that_fails_again_when_it_is_tried_again_is_scored_once_in_a_run(trained, monkeypatch):
    calls: list[int] = []

    def raises(*_, **settings):
        calls.append(1)
        raise ArithmeticError("no such number")

    monkeypatch.setitem(METRICS["modularity"], "study", raises)
    work, context = trained
    for run_id in ("first", "second"):
        again = replace(context, retry_failed=True, provenance={"run_id": run_id})
        for cell_id in work.todo:
            score_ahead(cell_id, work, again)
        if run_id == "first":  # it ends before the commit, and its failures are tried again
            assert len(calls) == 4
    score_half(work, again, lambda event: None)
    assert len(calls) == 8


def test_a_process_that_dies_leaves_a_note_of_the_cell_that_it_scored(tmp_path, data_dir):
    path = tmp_path / "tiny.yaml"
    path.write_text(TINY.replace("[mig", "['own_metrics:deadly', mig"))
    words = ["-m", "bench", "run", path, "--results", tmp_path / "r", "--data-dir", data_dir, "--cpus", "1"]
    environment = {"PYTHONPATH": f"tests:{Path(bench.__file__).parents[1]}"}
    done = subprocess.run(
        [sys.executable, *map(str, words), "--executor", "inline"], capture_output=True, env=environment
    )
    assert done.returncode == -9
    (note,) = (tmp_path / "r" / "tiny" / "_work" / "scoring" / "attempts").glob("*.json")
    assert json.loads(note.read_text()).items() >= {"deaths": 0, "driver": "", "size": 8}.items()


@pytest.mark.long
@pytest.mark.parametrize(("executor", "limit"), [("inline", 0.5), ("inline", 0.0), ("ray", 0.5)])
def test_a_metric_that_kills_its_process_costs_its_cells_alone(
    tmp_path, data_dir, executor, limit, monkeypatch
):
    monkeypatch.setenv("PYTHONPATH", "tests")
    path = tmp_path / "tiny.yaml"
    path.write_text(TINY.replace("[mig", f"[{{'own_metrics:deadly': {{limit: {limit}}}}}, mig"))
    arguments = {"results": tmp_path / "r", "data_dir": data_dir, "executor": executor, "cpus": 2}
    outcome = run(path, **arguments)
    assert outcome.missing == 0
    assert outcome.failed > 0
    assert (outcome.done > 0) == (limit > 0)
    failed = bench.load_scores(tmp_path / "r" / "tiny").query("status == 'failed'")
    assert set(failed["error"]) == {"quarantined: its process died 6 times while it was scored"}

"""The status of made-up studies, and of one that is running."""

import json
import os
import platform
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from filelock import FileLock
from safetensors.numpy import save_file
from studies import commit, plan_study, write_checkpoint
from tiny import TINY

from bench import attempts
from bench.attempts import Attempt
from bench.cell import Cell
from bench.cli import main
from bench.context import Trained, scored_path, scoring_folder, trained_path
from bench.leftovers import lock_of
from bench.plan import cut
from bench.scored import Scored
from bench.status import study_status
from bench.status_text import lines

STATES = ["done", "running", "failed", "missing"]


@pytest.fixture
def tiny(tmp_path):
    """Folder and grid of a study of four β-VAEs and two FactorVAEs, planned and not run."""
    return plan_study(tmp_path / "results")


def bench(*words: str) -> tuple[int, str]:
    done = CliRunner().invoke(main, list(words))
    return done.exit_code, done.output


def begin(folder: Path, cell: Cell, host: str) -> None:
    """The note of a try at a cell, as a machine of that name writes it."""
    attempts.note(folder / "_work", cell.id, Attempt(0, 8, 0, 0))
    path = attempts.note_path(folder / "_work", cell.id)
    path.write_text(json.dumps(json.loads(path.read_text()) | {"host": host}))


def test_cells_are_counted_by_state_data_set_and_model(tiny):
    folder, grid = tiny
    beta, factor = grid.cells[:4], grid.cells[4:]
    commit(folder, grid, beta[:2])
    commit(folder, grid, beta[2:3], status="failed", value=None, error="boom")
    write_checkpoint(folder, factor[:1], step=30)
    begin(folder, factor[0], host="another machine")
    found = study_status(folder)
    assert found.counts.index.tolist() == [("dsprites_quick", "beta_vae"), ("dsprites_quick", "factor_vae")]
    assert found.counts.to_numpy().tolist() == [[2, 0, 1, 1], [0, 1, 0, 1]]
    assert list(found.totals) == STATES
    assert sum(found.totals.values()) == len(grid.cells)


def test_an_ok_score_settles_a_failed_one_and_a_part_of_the_scores_settles_nothing(tiny):
    folder, grid = tiny
    commit(folder, grid, grid.cells[:1], status="failed", value=None)
    commit(folder, grid, grid.cells[:2])
    assert study_status(folder).totals == {"done": 2, "running": 0, "failed": 0, "missing": 4}
    grown, _ = plan_study(folder.parent, TINY.replace("[mig,", "[sap, mig,"))
    assert study_status(grown).totals["done"] == 0


def test_cells_of_an_earlier_grid_are_named_and_not_counted(tiny):
    folder, grid = tiny
    commit(folder, grid, grid.cells)
    plan_study(folder.parent, TINY.replace("seeds: 2", "seeds: 1"))
    found = study_status(folder)
    assert (found.totals["done"], found.unplanned) == (3, 3)
    assert "note: 3 cells with scores are no part of the newest grid" in list(lines(found))


@pytest.mark.skipif(not Path("/proc/locks").exists(), reason="only Linux lists held locks")
def test_cells_of_a_pack_that_is_held_are_running_from_the_first_second(tiny):
    folder, grid = tiny
    pack = cut(grid.cells, "cpu")[1]
    lock = folder / "_work" / "locks" / f"{pack.id}.lock"
    lock.parent.mkdir(parents=True)
    with FileLock(lock):
        assert study_status(folder).totals["running"] == len(pack.cells)
    assert study_status(folder).totals["running"] == 0


@pytest.mark.skipif(not Path("/proc/locks").exists(), reason="only Linux lists held locks")
def test_a_run_whose_packs_are_cut_otherwise_goes_on_with_what_it_has_begun(tiny):
    """--width 1: nobody who reads the folder knows the packs by their ids."""
    folder, grid = tiny
    pack = cut(grid.cells, "cpu", width=1)[2]
    begin(folder, pack.cells[0], host=platform.node())
    lock = folder / "_work" / "locks" / f"{pack.id}.lock"
    lock.parent.mkdir(parents=True)
    with FileLock(lock):
        assert study_status(folder).totals["running"] == 1
    assert study_status(folder).totals["running"] == 0


def test_cells_before_their_first_checkpoint_run_and_trained_ones_too(tiny):
    folder, grid = tiny
    begin(folder, grid.cells[0], host="another machine")
    Trained("ok", None, {}, 0.0, "cpu", 8).write(folder / "_work", grid.cells[4].id)
    found = study_status(folder)
    assert found.counts["running"].tolist() == [1, 1]
    assert "running: 1 in training, 1 trained and to be scored" in list(lines(found))


def test_a_pack_is_running_elsewhere_as_long_as_its_cells_are_scored(tmp_path):
    folder, grid = plan_study(tmp_path / "results")
    work, hour_ago = folder / "_work", time.time() - 3600
    for cell in grid.cells[:2]:
        path = trained_path(work, cell.id)
        Trained("ok", None, {}, 0.0, "cpu", 8).write(work, cell.id)
        path.write_text(path.read_text().replace(platform.node(), "another machine"))
        os.utime(path, (hour_ago, hour_ago))
    assert study_status(folder).totals["running"] == 0
    Scored("", [], {}, {}, 0.0, 0, "r").write(work, grid.cells[0].id)
    assert study_status(folder).totals["running"] == 2
    os.utime(scored_path(work, grid.cells[0].id), (hour_ago, hour_ago))
    assert study_status(folder).totals["running"] == 0
    attempts.note(scoring_folder(work), grid.cells[1].id, Attempt(0, 8, 0, 0))  # the next one has begun
    found = study_status(folder)
    assert (found.totals["running"], found.counts["running"].tolist()) == (2, [2, 0])


def test_cells_of_a_run_that_went_silent_are_missing_and_the_way_on_is_named(tmp_path):
    folder, grid = plan_study(tmp_path / "results", command="bench run tiny.yaml --cpus 2")
    hour_ago = time.time() - 3600
    os.utime(write_checkpoint(folder, grid.cells[:2], step=30), (hour_ago, hour_ago))
    found = study_status(folder)
    assert found.totals == {"done": 0, "running": 0, "failed": 0, "missing": 6}
    assert (
        f"no run seems to go on; `bench run tiny.yaml --cpus 2 --results {folder.parent}` continues from "
        "where 2 of the cells were left"
    ) in list(lines(found))


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("bench run g.yaml --select seed=0 --limit 3 --cpus 2", "bench run g.yaml --cpus 2 --results {}"),
        ("bench run g.yaml --select=seed=0 --results s3://b/p", "bench run g.yaml --results s3://b/p"),
        ("bench run 'my grid.yaml' --retry-failed", "bench run 'my grid.yaml' --results {}"),
        ("__main__.py run g.yaml", "bench run g.yaml --results {}"),
        (
            "bench run g.yaml --results elsewhere --address ray://a:1",
            "bench run g.yaml --address ray://a:1 --results {}",
        ),
        ("mine.py --select 'a", "bench run GRID --results {}"),
    ],
)
def test_the_command_that_continues_is_of_the_whole_study_and_of_its_folder(tmp_path, typed, shown):
    folder, _ = plan_study(tmp_path / "results", command=typed)
    assert study_status(folder).command == shown.format(folder.parent)


def test_a_renamed_folder_says_under_which_name_it_is_continued(tmp_path):
    folder, _ = plan_study(tmp_path / "results")
    moved = folder.rename(folder.with_name("renamed"))
    told = (
        "note: this folder is named renamed, its study tiny: `bench run` continues it where it is named tiny"
    )
    assert told in list(lines(study_status(moved)))
    assert told not in list(lines(study_status(moved.rename(folder))))


def test_pace_and_time_left_are_those_of_the_latest_run_weighted_by_the_cost_of_cells(tiny):
    now = datetime.now(UTC)
    folder, grid = tiny
    began = (now - timedelta(hours=2)).replace(microsecond=0)
    commit(folder, grid, grid.cells[:1], created_at=now - timedelta(days=3))
    commit(folder, grid, grid.cells[1:4], run_id=f"{began:%Y%m%dT%H%M%S}-bbbbbb", created_at=now)
    found = study_status(folder)
    assert found.rate == pytest.approx(3 / 2, rel=0.01)
    # three β-VAEs of 60 steps took two hours; two FactorVAEs, at 1.8 times the cost of a step, are left
    assert found.seconds_left == pytest.approx(2 * 3600 * (2 * 1.8) / 3, rel=0.01)


def test_steps_of_cells_in_training_count_towards_the_time_left(tiny):
    now = datetime.now(UTC)
    folder, grid = tiny
    began = (now - timedelta(hours=1)).replace(microsecond=0)
    commit(folder, grid, grid.cells[:3], run_id=f"{began:%Y%m%dT%H%M%S}-bbbbbb", created_at=now)
    write_checkpoint(folder, grid.cells[3:4], step=30)
    assert study_status(folder).seconds_left == pytest.approx(3600 * (0.5 + 2 * 1.8) / 3.5, rel=0.01)


def test_errors_come_newest_first_once_a_cell_with_their_whole_traceback_on_request(tiny):
    now = datetime.now(UTC)
    folder, grid = tiny
    trace = "Traceback (most recent call last):\n  File …\nValueError: too many sprites"
    failed = {"status": "failed", "value": None}
    commit(folder, grid, grid.cells[:1], **failed, error="old", created_at=now - timedelta(hours=1))
    newest = commit(folder, grid, grid.cells[4:5], **failed, error=trace, created_at=now)
    found = study_status(folder)
    assert [error.cell for error in found.errors] == [grid.cells[4], grid.cells[0]]
    assert found.errors[0].path == newest[0]
    text = "\n".join(lines(found))
    label = f"{grid.cells[4].id} (dsprites_quick, factor_vae gamma=6, seed 0)"
    assert f"failed: {label}: ValueError: too many sprites (" in text
    assert trace not in text
    code, output = bench("status", "tiny", "--errors", "--results", str(folder.parent))
    assert (code, trace in output) == (0, True)


def test_a_damaged_file_is_named_and_its_cells_are_missing(tiny):
    folder, grid = tiny
    path, _ = commit(folder, grid, grid.cells)
    path.write_bytes(path.read_bytes()[:1000])
    found = study_status(folder)
    assert (found.totals["done"], found.totals["missing"]) == (2, 4)
    assert any(f"damaged: {path}; `bench verify tiny`" in line for line in lines(found))


@pytest.mark.parametrize("said", [None, "torn", "[]", '{"cells": 5, "step": 1}', '{"cells": []}'])
def test_a_checkpoint_that_says_nothing_of_itself_is_passed_over(tiny, said):
    folder, grid = tiny
    path = write_checkpoint(folder, grid.cells[:2], step=30)
    save_file({"alive": np.ones(2, bool)}, path, None if said is None else {"bench": said})
    assert study_status(folder).totals["missing"] == 6


def test_every_study_is_shown_and_json_says_the_same(tiny):
    folder, grid = tiny
    commit(folder, grid, grid.cells[:2])
    plan_study(folder.parent, TINY.replace("study: tiny", "study: other"))
    code, output = bench("status", "--json", "--results", str(folder.parent))
    other, shown = (json.loads(line) for line in output.splitlines())
    assert (code, other["study"], other["missing"]) == (0, "other", 6)
    assert (shown["done"], shown["planned"]) == (2, 6)
    assert shown["by_dataset_and_model"][0] == {
        "dataset": "dsprites_quick", "model": "beta_vae", "done": 2, "running": 0, "failed": 0, "missing": 2,
    }  # fmt: skip
    assert shown["disk_bytes"]["scores"] == sum(p.stat().st_size for p in (folder / "scores").iterdir())


def test_neither_torch_nor_ray_is_loaded(tiny):
    folder, grid = tiny
    write_checkpoint(folder, grid.cells[:1], step=30)
    code = (
        "import sys; from bench.cli import main; "
        "main(sys.argv[1:], standalone_mode=False); sys.exit(bool({'torch', 'ray'} & set(sys.modules)))"
    )
    words = ["status", "--results", str(folder.parent)]
    assert subprocess.run([sys.executable, "-c", code, *words], stdout=subprocess.DEVNULL).returncode == 0


def test_an_unknown_study_is_a_sentence_with_those_there_are(tiny):
    code, output = bench("status", "tinny", "--results", str(tiny[0].parent))
    assert code == 2
    assert output.startswith("there is no study 'tinny'")
    assert "known: tiny" in output


def test_a_run_that_goes_on_is_shown_and_not_disturbed(tiny_grid, tmp_path, data_dir):
    tiny_grid.write_text(TINY.replace("steps: 60", "steps: 120"))
    words = ["run", str(tiny_grid), "--executor", "inline", "--cpus", "1", "--checkpoint-seconds", "0.1",
             "--results", str(tmp_path / "r"), "--data-dir", str(data_dir)]  # fmt: skip
    process = subprocess.Popen([sys.executable, "-m", "bench", *words], stdout=subprocess.DEVNULL)
    seen = []
    while process.poll() is None:
        if (tmp_path / "r" / "tiny" / "study.json").is_file():
            seen.append(study_status(tmp_path / "r" / "tiny"))
        time.sleep(0.2)
    assert process.returncode == 0
    assert max(found.totals["running"] for found in seen) in (2, 4)  # the cells of one pack
    assert any(0 < found.cells["reached"].sum() < found.cells["cost"].sum() for found in seen)
    assert study_status(tmp_path / "r" / "tiny").totals["done"] == 6


def test_a_run_that_was_killed_here_is_known_at_once_one_on_another_machine_by_its_silence(tiny):
    folder, grid = tiny
    begin(folder, grid.cells[0], host=platform.node())
    assert study_status(folder).totals["running"] == 0
    with lock_of(folder / "_work", cut(grid.cells, "cpu")[0]):
        assert study_status(folder).totals["running"] == 4
    begin(folder, grid.cells[4], host="another machine")
    assert study_status(folder).totals["running"] == 2
    hour_ago = time.time() - 3600
    for cell in (grid.cells[0], grid.cells[4]):
        os.utime(attempts.note_path(folder / "_work", cell.id), (hour_ago, hour_ago))
    assert study_status(folder).totals["running"] == 0


@pytest.mark.long
def test_the_whole_study_is_counted(tmp_path):
    folder, grid = plan_study(tmp_path / "results", Path("grids/locatello.yaml").read_text())
    commit(folder, grid, grid.cells)
    assert len(list((folder / "scores").iterdir())) == 420
    assert study_status(folder).totals == {"done": 12_600, "running": 0, "failed": 0, "missing": 0}


def test_a_study_json_that_plans_what_bench_does_not_know_says_how_to_go_on(tmp_path):
    folder, _ = plan_study(tmp_path / "r")
    file = folder / "study.json"
    file.write_text(file.read_text().replace('"beta_vae"', '"gamma_vae"'))
    done = CliRunner().invoke(main, ["status", "tiny", "--results", str(folder.parent)])
    assert done.exit_code == 2
    assert "there is no model 'gamma_vae'; did you mean 'beta_vae'?" in done.output
    assert f"{file} is damaged, edited, or of another version of bench; restore it, or move" in done.output


@pytest.mark.parametrize(
    "content",
    ["{}", "[]", "torn", '{"history": [], "sources": {}}',
     '{"history": [{"grid": [], "provenance": {}}], "sources": {}}',
     '{"history": [{"grid": {}, "sources": {}, "provenance": {"command": 5}}], "sources": {}}',
     '{"history": [{"grid": {}, "sources": {}, "provenance": {}, "own": 5}], "sources": {}}',
     '{"history": [{"grid": {}, "sources": {}, "provenance": {}, "own": {"models": {"z": 5}}}],'
     ' "sources": {}}'],
)  # fmt: skip
def test_a_study_json_of_another_shape_is_a_sentence(tmp_path, content):
    folder, _ = plan_study(tmp_path / "results")
    (folder / "study.json").write_text(content)
    done = CliRunner().invoke(main, ["status", "tiny", "--results", str(tmp_path / "results")])
    assert done.exit_code == 2
    assert "study.json is damaged" in done.output


def test_a_plan_of_a_later_version_is_no_damage_and_says_so(tiny):
    folder, _ = tiny
    study = json.loads((folder / "study.json").read_text())
    (folder / "study.json").write_text(json.dumps(study | {"schema": 99, "history": "elsewhere"}))
    done = CliRunner().invoke(main, ["status", "tiny", "--results", str(folder.parent)])
    assert done.exit_code == 2
    assert "is of schema 99, this version of bench reads 1" in done.output


def test_a_damaged_study_hides_no_other(tiny, tmp_path):
    folder, _ = tiny
    plan_study(folder.parent, TINY.replace("study: tiny", "study: a"))
    (folder.parent / "a" / "study.json").write_text("torn")
    code, output = bench("status", "--results", str(folder.parent))
    assert code == 2
    assert "tiny: 6 cells: 0 done" in output
    assert f"{folder.parent / 'a' / 'study.json'} is damaged" in output
    code, output = bench("report", "--results", str(folder.parent), "--reports", str(tmp_path / "reports"))
    assert code == 2

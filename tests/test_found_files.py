"""Files that a run finds damaged, half done or gone, and what it makes of that."""

import shutil
from pathlib import Path

import pandas as pd
import pytest
from studies import run_tiny
from test_running import scores
from tiny import TINY

import bench
from bench import checkpoint
from bench.attempts import Attempt, note
from bench.running import run


@pytest.fixture
def finished(data_dir) -> Path:
    """results/ of the tiny grid, run without interruption."""
    return run_tiny(data_dir)


def interrupted(function: str, grid: Path, arguments: dict) -> None:
    """Run a grid until `function` is called: Ctrl-C is pressed there."""

    def pressed(*_):
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(function, pressed)
        with pytest.raises(KeyboardInterrupt):
            run(grid, **arguments)


def test_cells_that_failed_are_tried_again_beside_the_files_that_say_so(
    finished, tiny_grid, tmp_path, data_dir, monkeypatch
):
    def broken(*_):
        raise ValueError("a mistake in the model")

    arguments = {"results": tmp_path / "r", "data_dir": data_dir, "executor": "inline", "cpus": 1}
    monkeypatch.setattr("bench.train_pack.train", broken)
    assert run(tiny_grid, **arguments).failed == 6
    failed = {path: path.read_bytes() for path in (tmp_path / "r" / "tiny" / "scores").iterdir()}
    monkeypatch.undo()
    outcome = run(tiny_grid, **arguments, retry_failed=True)
    assert (outcome.done, outcome.failed) == (6, 0)
    assert all(path.read_bytes() == content for path, content in failed.items())
    again = scores(tmp_path / "r")
    pd.testing.assert_frame_equal(again.assign(status="ok"), scores(finished).assign(status="ok"))
    assert set(again["status"]) == {"ok"}


def test_damaged_weights_stop_nobody_and_their_cells_train_again_where_they_are_needed(
    finished, tiny_grid, tmp_path, data_dir
):
    arguments = {"results": tmp_path / "r", "data_dir": data_dir, "executor": "inline", "cpus": 1}
    run(tiny_grid, **arguments, select_cells="model=beta_vae")
    for path in (tmp_path / "r" / "tiny" / "models").iterdir():
        path.write_bytes(path.read_bytes()[:3000])
    assert run(tiny_grid, **arguments).done == 6
    tiny_grid.write_text(TINY.replace("[mig,", "[sap, mig,"))
    assert run(tiny_grid, **arguments).done == 6
    assert len(bench.load_scores(tmp_path / "r" / "tiny").query("metric == 'sap'")) == 6


def test_a_checkpoint_that_another_run_took_away_costs_time_and_nothing_else(
    finished, tiny_grid, tmp_path, data_dir, monkeypatch
):
    arguments = {"results": tmp_path / "r", "data_dir": data_dir, "executor": "inline", "cpus": 1}
    interrupted("bench.train_pack.evaluate", tiny_grid, arguments)
    real, folder = checkpoint.load, tmp_path / "r" / "tiny" / "_work" / "checkpoints"
    assert list(folder.iterdir())

    def load_too_late(places, device):
        for place in places:
            place.path.unlink(missing_ok=True)
        return real(places, device)

    monkeypatch.setattr("bench.train_pack.checkpoint.load", load_too_late)
    assert run(tiny_grid, **arguments).done == 6
    pd.testing.assert_frame_equal(scores(tmp_path / "r"), scores(finished))


def test_a_try_that_dies_after_its_curves_leaves_them_once(finished, tiny_grid, tmp_path, data_dir):
    arguments = {"results": tmp_path / "r", "data_dir": data_dir, "executor": "inline", "cpus": 1}
    interrupted("bench.train_pack.artifacts.write_codes", tiny_grid, arguments)
    folder = tmp_path / "r" / "tiny"
    (written,) = (folder / "curves").iterdir()
    died = pd.read_parquet(written)["cell_id"].unique()
    for cell_id in died:  # as a kill leaves it: the next try has other neighbours
        note(folder / "_work", cell_id, Attempt(step=60, size=4, deaths=1, deaths_alone=0))
    assert run(tiny_grid, **arguments).done == 6
    curves = [
        pd.read_parquet(results / "tiny" / "curves").sort_values(["cell_id", "step"], ignore_index=True)
        for results in (tmp_path / "r", finished)
    ]
    pd.testing.assert_frame_equal(*curves)
    assert len(list((folder / "models").glob("*"))) > 2, "the cells were tried in groups of two"


def test_a_prepared_table_with_wrong_bytes_stops_the_run_and_fails_no_cell(tiny_grid, tmp_path, data_dir):
    shutil.copytree(data_dir, tmp_path / "data")
    (table,) = (tmp_path / "data").rglob("*.npy")
    with table.open("r+b") as file:
        file.write(bytes(128))  # where numpy's header was
    with pytest.raises(OSError, match="`bench data verify dsprites_quick --data-dir .*` checks every byte"):
        run(tiny_grid, results=tmp_path / "r", data_dir=tmp_path / "data", executor="inline", cpus=1)
    assert not list((tmp_path / "r" / "tiny").glob("scores/*"))


def test_a_torn_code_table_is_made_again(finished, tiny_grid, tmp_path, data_dir):
    arguments = {"results": tmp_path / "r", "data_dir": data_dir, "executor": "inline", "cpus": 1}
    interrupted("bench.score_pack.write_scores", tiny_grid, arguments)
    for table in (tmp_path / "r" / "tiny" / "_work" / "codes").iterdir():
        table.write_bytes(table.read_bytes()[:100])
    assert run(tiny_grid, **arguments).done == 6
    pd.testing.assert_frame_equal(scores(tmp_path / "r"), scores(finished))

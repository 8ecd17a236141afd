"""A grid through the whole way of the data, without Ray."""

import hashlib
import json
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from tiny import TINY

import bench
from bench import artifacts
from bench.grid import load_grid
from bench.running import run
from bench.store import REQUEST_KEY
from bench.study import load_plan, record_plan, study_file
from bench.study_plan import make_plan

TIMES = ["seconds", "created_at", "versions", "pack_id", "device"]


def scores(results: Path, study: str = "tiny") -> pd.DataFrame:
    return bench.load_scores(results / study).drop(columns=TIMES)


def weights(results: Path, study: str = "tiny") -> dict[str, bytes]:
    """Bytes of every cell's weights."""
    folder = results / study / "models"
    ids = set(pd.read_parquet(results / study / "scores")["cell_id"])
    found = artifacts.find_weights(folder, ids)
    return {
        cell_id: b"".join(value.tobytes() for _, value in sorted(artifacts.read_weights(*place)[0].items()))
        for cell_id, place in found.items()
    }


@pytest.fixture(scope="module")
def finished(tmp_path_factory, data_dir) -> Path:
    """results/ of the tiny grid, run without interruption."""
    folder = tmp_path_factory.mktemp("finished")
    (folder / "tiny.yaml").write_text(TINY)
    outcome = run(
        folder / "tiny.yaml", results=folder / "results", data_dir=data_dir, executor="inline", cpus=1
    )
    assert (outcome.planned, outcome.done, outcome.failed, outcome.missing) == (6, 6, 0, 0)
    return folder / "results"


def test_every_cell_has_every_planned_score(finished):
    frame = bench.load_scores(finished / "tiny")
    grid = load_grid(finished.parent / "tiny.yaml")
    assert set(frame["cell_id"]) == {cell.id for cell in grid.cells}
    per_cell = frame.groupby("cell_id").size()
    assert per_cell.nunique() == 1
    assert set(frame["metric"]) == {"training", "mig", "modularity", "unsupervised"}
    assert (frame["status"] == "ok").all()
    assert frame["value"].notna().all()
    assert set(frame["source"]) == {"rendered:1"}
    assert set(frame["pack_width"]) == {8}
    elbo = frame[frame["metric"] == "training"].pivot(index="cell_id", columns="key", values="value")
    assert np.allclose(elbo["elbo"], -(elbo["reconstruction"] + elbo["kl"]), rtol=1e-6)


def test_what_lies_beside_the_scores_is_of_the_same_cells(finished):
    folder = finished / "tiny"
    ids = set(pd.read_parquet(folder / "scores")["cell_id"])
    assert set(weights(finished)) == ids
    curves = pd.read_parquet(folder / "curves")
    assert set(curves["cell_id"]) == ids
    assert curves.groupby("cell_id")["step"].max().unique().tolist() == [59]
    of_factor_vae = curves["cell_id"].map(_models(folder)) == "factor_vae"
    assert curves.loc[of_factor_vae, "discriminator_accuracy"].between(0, 1).all()
    assert curves.loc[~of_factor_vae, "discriminator_accuracy"].isna().all()
    assert np.allclose(curves["kl_per_latent"].map(sum), curves["kl"], rtol=1e-5)
    assert set(pd.read_parquet(folder / "arrays")["cell_id"]) == ids
    study = json.loads((folder / "study.json").read_text())
    assert study["sources"] == {"dsprites_quick": "rendered:1"}
    assert study["history"][0]["cells"] == 6
    assert {
        path.name for path in (folder / "_work").rglob("*") if path.is_file() and path.suffix != ".lock"
    } == set()


def _models(folder: Path) -> dict[str, str]:
    """Model of each cell id."""
    return (
        pd.read_parquet(folder / "scores").drop_duplicates("cell_id").set_index("cell_id")["model"].to_dict()
    )


def test_a_second_run_finds_nothing_to_do_and_touches_nothing(finished, data_dir):
    before = {path: path.stat().st_mtime_ns for path in finished.rglob("*") if path.is_file()}
    plan = make_plan(finished.parent / "tiny.yaml", results=finished, data_dir=data_dir)
    assert (plan.cells_done, plan.cells_left) == (6, 0)
    run(finished.parent / "tiny.yaml", results=finished, data_dir=data_dir)
    assert {path: path.stat().st_mtime_ns for path in finished.rglob("*") if path.is_file()} == before


def test_a_pool_and_another_place_give_the_same_scores_and_weights(finished, tiny_grid, tmp_path, data_dir):
    run(tiny_grid, results=tmp_path / "other", data_dir=data_dir, executor="inline", cpus=2)
    pd.testing.assert_frame_equal(scores(tmp_path / "other"), scores(finished))
    assert weights(tmp_path / "other") == weights(finished)


def test_a_grown_grid_trains_only_what_is_new(finished, tmp_path, data_dir):
    small, large = tmp_path / "a" / "tiny.yaml", tmp_path / "b" / "tiny.yaml"
    for path in (small, large):
        path.parent.mkdir()
    small.write_text(TINY.replace("beta: [1, 4]", "beta: [4]").replace("seeds: 2", "seeds: [1]"))
    large.write_text(TINY)
    results = tmp_path / "results"
    run(small, results=results, data_dir=data_dir, executor="inline", cpus=1)
    committed = {path: path.read_bytes() for path in (results / "tiny" / "scores").iterdir()}
    assert make_plan(large, results=results, data_dir=data_dir).cells_left == 4
    run(large, results=results, data_dir=data_dir, executor="inline", cpus=1)
    assert all(path.read_bytes() == content for path, content in committed.items())
    pd.testing.assert_frame_equal(scores(results), scores(finished))
    assert weights(results) == weights(finished)
    history = json.loads((results / "tiny" / "study.json").read_text())["history"]
    assert [entry["cells"] for entry in history] == [2, 6]


def test_a_study_goes_on_in_packs_of_any_width_and_any_part_of_it(finished, tiny_grid, tmp_path, data_dir):
    """What is committed is asked by cell: whatever packs it was made in, none is made again."""

    def go(**planning):
        there = {"results": tmp_path / "r", "data_dir": data_dir, "executor": "inline", "cpus": 1}
        return run(tiny_grid, **there, **planning)

    assert go(width=3, select_cells="seed=1").done == 3
    assert go(width=1, limit=1).done == 4
    assert go(width=2).done == 6
    files = [pd.read_parquet(path) for path in (tmp_path / "r" / "tiny" / "scores").glob("*.parquet")]
    rows = pd.concat(files)
    assert not rows.duplicated([*REQUEST_KEY, "key"]).any()
    assert set(rows["cell_id"]) == set(scores(finished)["cell_id"])


def test_a_metric_added_to_a_finished_grid_is_scored_from_kept_weights(
    tiny_grid, tmp_path, data_dir, monkeypatch
):
    results = tmp_path / "results"
    run(tiny_grid, results=results, data_dir=data_dir, executor="inline", cpus=1)
    committed = {path: path.read_bytes() for path in (results / "tiny" / "scores").iterdir()}
    tiny_grid.write_text(TINY.replace("[mig,", "[sap, mig,"))
    monkeypatch.setattr("bench.train_pack.train", lambda *_: pytest.fail("a finished cell was trained again"))
    outcome = run(tiny_grid, results=results, data_dir=data_dir, executor="inline", cpus=1)
    assert outcome.done == 6
    assert all(path.read_bytes() == content for path, content in committed.items())
    added = bench.load_scores(results / "tiny").query("metric == 'sap'")
    assert len(added) == 6
    assert added["value"].notna().all()


def test_sources_are_those_of_the_first_run_for_ever(finished, tmp_path, data_dir, monkeypatch):
    monkeypatch.setattr("bench.grid.resolve_source", lambda name, wanted, folder: "real")
    plan = make_plan(finished.parent / "tiny.yaml", results=finished, data_dir=data_dir)
    assert plan.grid.sources == {"dsprites_quick": "rendered:1"}
    assert plan.cells_left == 0


def test_a_grid_that_was_loaded_elsewhere_does_not_change_the_sources_either(finished, data_dir):
    loaded = load_grid(finished.parent / "tiny.yaml")
    other = replace(loaded, cells=tuple(replace(cell, source="real") for cell in loaded.cells))
    assert make_plan(other, results=finished, data_dir=data_dir).grid.sources == {
        "dsprites_quick": "rendered:1"
    }
    with pytest.raises(ValueError, match="a study keeps its sources"):
        record_plan(finished / "tiny", other, {})


def test_a_grid_that_names_another_source_than_the_studys_is_refused(
    finished, tmp_path, data_dir, monkeypatch
):
    monkeypatch.setattr("bench.grid.resolve_source", lambda name, wanted, folder: "real")
    other = tmp_path / "tiny.yaml"
    other.write_text(TINY.replace("source: rendered", "source: real"))
    with pytest.raises(ValueError, match=r"tiny.yaml: source is real, but the study tiny began"):
        make_plan(other, results=finished, data_dir=data_dir)
    other.write_text(TINY.replace("source: rendered", "source: auto"))
    assert make_plan(other, results=finished, data_dir=data_dir).cells_left == 0


def test_a_grid_that_shrank_to_what_is_committed_is_the_plan_from_then_on(tmp_path, data_dir):
    path, results = tmp_path / "tiny.yaml", tmp_path / "results"
    arguments = {"results": results, "data_dir": data_dir, "executor": "inline", "cpus": 1}
    path.write_text(TINY)
    run(path, **arguments)
    path.write_text(TINY.replace("seeds: 2", "seeds: 1"))
    assert run(path, **arguments).planned == 3
    assert len(load_plan(results / "tiny").cells) == 3
    study_file(results / "tiny").unlink()
    run(path, **arguments)
    assert len(load_plan(results / "tiny").cells) == 3


def test_a_precision_the_device_lacks_is_a_sentence(tiny_grid, tmp_path):
    tiny_grid.write_text(TINY.replace("latent_dim: 4", "latent_dim: 4, precision: tf32"))
    with pytest.raises(ValueError, match="tf32 needs an NVIDIA GPU"):
        make_plan(tiny_grid, results=tmp_path, device="cpu")


def command(grid: Path, results: Path, data_dir: Path) -> list[str]:
    return [
        sys.executable, "-m", "bench", "run", str(grid), "--executor", "inline", "--cpus", "1",
        "--results", str(results), "--data-dir", str(data_dir), "--checkpoint-seconds", "0",
    ]  # fmt: skip


def test_ctrl_c_says_how_far_it_got_and_leaves_130(tiny_grid, tmp_path, data_dir):
    tiny_grid.write_text(TINY.replace("steps: 60", "steps: 100_000"))
    process = subprocess.Popen(
        command(tiny_grid, tmp_path / "r", data_dir), stderr=subprocess.PIPE, text=True
    )
    deadline = time.monotonic() + 60
    while not list((tmp_path / "r").glob("tiny/_work/checkpoints/*.safetensors")):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "0 of 6 done; the same command continues" in said


def test_no_global_generator_is_touched(tiny_grid, tmp_path, data_dir):
    import random

    def states() -> str:
        numpy_state = np.random.get_state()[1].tolist()  # noqa: NPY002
        text = repr((random.getstate(), numpy_state, torch.get_rng_state().tolist()))
        return hashlib.sha256(text.encode()).hexdigest()

    before = states()
    run(tiny_grid, results=tmp_path / "r", data_dir=data_dir, executor="inline", cpus=1)
    assert states() == before

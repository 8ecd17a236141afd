"""Damaged and foreign files are found by reading, moved aside and never deleted; the rest is left alone."""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from safetensors.numpy import save_file
from studies import commit, plan_study, run_tiny
from tiny import TINY

import bench
from bench import artifacts
from bench.cli import main
from bench.plan import cut
from bench.running import run
from bench.store import SCORE_KEY
from bench.study import load_plan
from bench.verify import CHECKPOINTS, CONTENTS, LOSSES, examine


@pytest.fixture
def folder(data_dir, tmp_path) -> Path:
    """The folder of a really run study, to be damaged."""
    shutil.copytree(run_tiny(data_dir), tmp_path / "results")
    return tmp_path / "results" / "tiny"


def verify(folder: Path) -> tuple[int, str]:
    done = CliRunner().invoke(main, ["verify", "tiny", "--results", str(folder.parent)])
    return done.exit_code, done.output


def files(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def replace_by_another_kind(path: Path) -> None:
    if path.suffix == ".parquet":
        pq.write_table(pa.table({"a": [1]}), path)
    else:
        save_file({"a": np.zeros(1)}, path)


def misname(path: Path) -> None:
    path.rename(path.with_suffix(".txt"))


def test_a_sound_study_is_left_alone(folder):
    before = files(folder)
    read = [path for name in CONTENTS for path in before if path.parent == folder / name]
    code, output = verify(folder)
    assert (code, output) == (0, f"{len(read)} files read, 0 damaged.\n")
    assert files(folder) == before


@pytest.mark.parametrize("damage", [truncate, empty, replace_by_another_kind, misname])
@pytest.mark.parametrize("name", [name for name in CONTENTS if name != CHECKPOINTS])
def test_every_damage_in_every_folder_is_found_and_moved_and_nothing_else(folder, name, damage):
    victim = sorted((folder / name).iterdir())[0]
    damage(victim)
    damaged = files(folder)
    code, output = verify(folder)
    assert code == 1
    assert output.startswith(f"{name}/{victim.stem}")
    assert LOSSES[name] in output
    (moved,) = (folder / "_work" / "quarantine" / name).iterdir()
    original = folder / name / moved.name
    assert files(folder) == {moved if path == original else path: text for path, text in damaged.items()}
    assert verify(folder)[0] == 0


def say_what_is_no_text(path: Path) -> None:
    table = pq.read_table(path)
    pq.write_table(table.replace_schema_metadata({b"bench_schema": b"1", b"grid": b"\xff"}), path)


def test_a_score_file_that_says_what_is_no_text_is_damaged_for_every_verb(folder, tmp_path):
    victim = sorted((folder / "scores").iterdir())[0]
    say_what_is_no_text(victim)
    place = ("--results", str(folder.parent))
    shown = CliRunner().invoke(main, ["status", "tiny", *place])
    assert (shown.exit_code, f"damaged: {victim}" in shown.output) == (0, True)
    done = CliRunner().invoke(main, ["export", "tiny", *place, "--out", str(tmp_path / "out.parquet")])
    assert (done.exit_code, str(victim) in done.output) == (2, True)
    assert "1 damaged" in verify(folder)[1]
    assert not victim.exists()


def test_a_score_file_with_rows_that_are_no_scores_is_moved_away(tmp_path):
    folder, grid = plan_study(tmp_path / "results")
    (path,) = commit(folder, grid, grid.cells[:1], settings="[1]")
    code, output = verify(folder)
    assert code == 1
    assert output.startswith(f"scores/{path.name} has the settings '[1]', which are no JSON object: ")
    assert (folder / "_work" / "quarantine" / "scores" / path.name).is_file()


def test_scores_of_another_study_are_moved_away(tmp_path):
    folder, grid = plan_study(tmp_path / "results")
    own = commit(folder, grid, grid.cells)
    commit(folder, grid, grid.cells[:1], study="another", value=9.0)
    code, output = verify(folder)
    assert (code, "holds scores of the study 'another'" in output) == (1, True)
    assert sorted((folder / "scores").iterdir()) == sorted(own)


def test_a_study_whose_folder_begins_like_an_address_is_sound(folder, data_dir, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "run:1").mkdir()
    folder = folder.rename(Path("run:1") / "tiny")
    assert "0 damaged" in verify(folder)[1]
    (tmp_path / "tiny.yaml").write_text(TINY)
    outcome = run("tiny.yaml", results="run:1", data_dir=data_dir, executor="inline", cpus=1, limit=1)
    assert (outcome.done, list(folder.glob("_work/quarantine"))) == (6, [])
    shown = CliRunner().invoke(main, ["status", "tiny", "--results", "run:1"])
    assert "6 cells: 6 done" in shown.output
    written = CliRunner().invoke(main, ["export", "tiny", "--results", "run:1", "--out", "run:1/x.parquet"])
    assert (written.exit_code, Path("run:1/x.parquet").exists()) == (0, True)


def test_the_cells_of_a_damaged_score_file_are_named_with_the_command_that_makes_them_again(folder):
    pack = cut(load_plan(folder).cells, "cpu")[0]
    truncate(next((folder / "scores").glob(f"{pack.id}-*")))
    code, output = verify(folder)
    assert (code, "4 cells lack scores now" in output) == (1, True)
    assert all(cell.id in output for cell in pack.cells)
    assert output.endswith("` makes them again.\n")


def test_a_file_that_never_was_a_score_file_costs_nothing(tmp_path):
    folder, grid = plan_study(tmp_path / "results")
    commit(folder, grid, grid.cells[:2])
    (folder / "scores" / "README.md").write_text("my notes")
    code, output = verify(folder)
    assert code == 1
    assert output.splitlines()[0] == (
        "scores/README.md does not belong here: only .parquet files do: nothing is lost by that."
    )
    assert "lack scores now" not in output
    assert (folder / "_work" / "quarantine" / "scores" / "README.md").read_text() == "my notes"


def test_one_run_brings_the_scores_of_a_damaged_file_back(folder, data_dir):
    before = bench.load_scores(folder)
    truncate(sorted((folder / "scores").iterdir())[0])
    verify(folder)
    run(load_plan(folder), results=folder.parent, data_dir=data_dir, executor="inline", cpus=1)
    columns = [*SCORE_KEY, "value"]
    pd.testing.assert_frame_equal(bench.load_scores(folder)[columns], before[columns])


def test_a_second_damaged_file_of_a_name_does_not_replace_the_first(folder):
    victim = sorted((folder / "curves").iterdir())[0]
    for text in (b"one", b"two"):
        victim.write_bytes(text)
        assert verify(folder)[0] == 1
    moved = sorted((folder / "_work" / "quarantine" / "curves").iterdir())
    assert [path.read_bytes() for path in moved] == [b"one", b"two"]


def test_a_damaged_checkpoint_is_moved_too(folder):
    path = folder / "_work" / "checkpoints" / "0123456789abcdef.safetensors"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"torn")
    assert verify(folder)[0] == 1
    assert not path.exists()


def test_cells_of_an_earlier_grid_are_named_and_stay(tmp_path):
    folder, grid = plan_study(tmp_path / "results")
    written = commit(folder, grid, grid.cells)
    plan_study(tmp_path / "results", TINY.replace("seeds: 2", "seeds: 1"))
    code, output = verify(folder)
    assert code == 0
    assert "2 of its cells are no part of the newest grid" in output
    assert all(path.is_file() for path in written)


@pytest.mark.parametrize("name", CONTENTS)
def test_a_cell_id_that_is_a_path_moves_the_file_and_touches_nothing_else(tmp_path, name):
    folder, grid = plan_study(tmp_path / "results")
    pack_id, evil = "0123456789abcdef", "../../../evil"
    if name == "scores":
        commit(folder, grid, grid.cells[:1], cell_id=evil)
    elif name == "curves":
        artifacts.write_curves(folder / name, pack_id, [{"cell_id": evil, "step": 0}], {})
    elif name == "arrays":
        artifacts.write_arrays(folder / name, pack_id, {(evil, "matrix"): np.zeros((2, 2))}, {})
    elif name == "models":
        artifacts.write_weights(folder / name, pack_id, [evil], {"w": np.zeros((1, 2))}, {}, {})
    elif name == "codes":
        stored = {evil: (np.zeros((2, 3)), np.zeros(3))}
        artifacts.write_stored_codes(folder / name, pack_id, np.arange(2), stored, {})
    elif name == "pictures":
        artifacts.write_pictures(folder / name, pack_id, {evil: {"images": np.zeros((1, 2), np.uint8)}}, {})
    else:
        path = folder / name / f"{pack_id}.safetensors"
        path.parent.mkdir(parents=True)
        save_file({"alive": np.ones(1)}, path, {"bench": json.dumps({"cells": [evil], "step": 1})})
    (file,) = (folder / name).iterdir()
    outside = {path for path in tmp_path.rglob("*") if folder not in path.parents}
    code, output = verify(folder)
    assert (code, f"names a cell {evil!r}, which is no cell id" in output) == (1, True)
    assert (folder / "_work" / "quarantine" / name / file.name).is_file()
    assert {path for path in tmp_path.rglob("*") if folder not in path.parents} == outside


def test_hidden_files_of_writers_at_work_are_not_looked_at(tmp_path):
    folder, grid = plan_study(tmp_path / "results")
    (path,) = commit(folder, grid, grid.cells[:1])
    path.with_name(f".{path.name}.77.tmp").write_bytes(b"PAR1")
    found = examine(folder, grid)
    assert (found.files, found.damaged) == (1, ())


def test_without_a_readable_plan_nothing_is_judged(tmp_path):
    folder, _ = plan_study(tmp_path / "results")
    (folder / "study.json").write_text("{torn")
    code, output = verify(folder)
    assert code == 2
    assert "study.json is damaged" in output


def test_a_run_moves_a_damaged_score_file_away_and_makes_its_cells_again(folder, data_dir):
    before = bench.load_scores(folder).drop(columns=["seconds", "created_at"])
    torn = sorted((folder / "scores").glob("*.parquet"))[0]
    truncate(torn)
    grid = folder.parent / "tiny.yaml"
    grid.write_text(TINY)
    words = ["run", grid, "--results", folder.parent, "--data-dir", data_dir, "--executor", "inline"]
    words = [str(word) for word in (*words, "--cpus", "1")]
    looked = CliRunner().invoke(main, [*words, "--dry-run"])
    assert (looked.exit_code, torn.is_file()) == (2, True)
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 0, done.output
    assert f"scores/{torn.name} cannot be read" in done.output
    assert "6 of 6 cells done" in done.output
    assert (folder / "_work" / "quarantine" / "scores" / torn.name).is_file()
    after = bench.load_scores(folder).drop(columns=["seconds", "created_at"])
    pd.testing.assert_frame_equal(after, before)

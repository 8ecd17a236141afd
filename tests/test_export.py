"""One compact file that holds what load_scores gives, and where it comes from."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from studies import commit, plan_study

import bench
from bench.cli import main
from bench.export import export
from bench.study import read_study


@pytest.fixture
def tiny(tmp_path):
    """Folder and grid of a study with scores of two runs: a later ok beside a failure, and a NaN."""
    folder, grid = plan_study(tmp_path / "results", command="bench run tiny.yaml")
    hour_ago = datetime.now(UTC) - timedelta(hours=1)
    commit(folder, grid, grid.cells[:3], status="failed", value=None, error="boom", created_at=hour_ago)
    commit(folder, grid, grid.cells[2:4], run_id="20260102T000000-bbbbbb")
    commit(folder, grid, grid.cells[4:5], value=float("nan"))
    return folder, grid


def test_the_file_holds_the_rows_of_load_scores_and_loads_like_them(tiny, tmp_path):
    folder, _ = tiny
    rows = export(folder, tmp_path / "out.parquet")
    expected = bench.load_scores(folder)
    assert rows == len(expected)
    pd.testing.assert_frame_equal(bench.load_scores(tmp_path / "out.parquet"), expected)
    assert set(pd.read_parquet(tmp_path / "out.parquet")["cell_id"]) == set(expected["cell_id"])


def test_a_value_that_failed_stays_null_and_one_that_is_nan_stays_nan(tiny, tmp_path):
    folder, grid = tiny
    export(folder, tmp_path / "out.parquet")
    rows = pq.read_table(tmp_path / "out.parquet", columns=["cell_id", "status", "value"]).to_pylist()
    assert all((row["status"] == "failed") == (row["value"] is None) for row in rows)
    not_numbers = {row["cell_id"] for row in rows if row["value"] is not None and np.isnan(row["value"])}
    assert not_numbers == {grid.cells[4].id}


def test_provenance_is_inside_whole_each_run_once(tiny, tmp_path):
    folder, _ = tiny
    export(folder, tmp_path / "out.parquet")
    metadata = pq.read_schema(tmp_path / "out.parquet").metadata
    assert json.loads(metadata[b"study"]) == read_study(folder)
    runs = json.loads(metadata[b"runs"])
    assert [run["run_id"] for run in runs] == ["20260101T000000-aaaaaa", "20260102T000000-bbbbbb"]


@pytest.mark.parametrize(
    ("out", "sentence"),
    [
        ("results/tiny/scores/x.parquet", "lies in the study's own folder"),
        ("results/tiny/study.json", "lies in the study's own folder"),
        ("results/tiny/models/x.parquet", "lies in the study's own folder"),
        ("results", "is a folder"),
    ],
)
def test_nothing_in_the_studys_folder_and_no_folder_is_written(tiny, tmp_path, out, sentence):
    folder, _ = tiny
    before = {path: path.is_file() and path.read_bytes() for path in folder.rglob("*")}
    words = ["export", "tiny", "--results", str(tmp_path / "results"), "--out", str(tmp_path / out)]
    done = CliRunner().invoke(main, words)
    after = {path: path.is_file() and path.read_bytes() for path in folder.rglob("*")}
    assert (done.exit_code, after) == (2, before)
    assert sentence in done.output


def test_a_study_without_scores_says_what_to_run(tmp_path):
    plan_study(tmp_path / "results")
    words = ["export", "tiny", "--results", str(tmp_path / "results"), "--out", str(tmp_path / "x.parquet")]
    done = CliRunner().invoke(main, words)
    assert (done.exit_code, (tmp_path / "x.parquet").exists()) == (2, False)
    assert "has no scores yet; `bench run GRID` makes them" in done.output


def test_a_score_takes_at_most_twenty_bytes_even_where_every_value_is_random(tmp_path):
    folder, grid = plan_study(
        tmp_path / "results", Path("grids/locatello.yaml").read_text().replace("seeds: 50", "seeds: 4")
    )
    commit(folder, grid, grid.cells[:600])
    rows = export(folder, tmp_path / "out.parquet")
    assert rows == 600 * 44
    assert (tmp_path / "out.parquet").stat().st_size <= 20 * rows

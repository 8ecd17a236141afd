"""Scores as readers have them: each once, of the study alone, tidy or wide."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from studies import commit, plan_study
from test_store import NOW, row
from tiny import TINY

import bench
from bench.committed import scores_of
from bench.export import export
from bench.reading import read_scores
from bench.store import write_scores


def test_doubles_are_removed_ok_before_failed_then_the_newest(tmp_path):
    later = NOW + timedelta(hours=1)
    write_scores(tmp_path / "scores", "p1", [row("a", value=0.1), row("b", value=0.2)], {})
    write_scores(
        tmp_path / "scores",
        "p2",
        [
            row("a", value=0.3, created_at=later),
            row("b", value=None, status="failed", created_at=later),
            row("c", value=None, status="failed"),
        ],
        {},
    )
    frame = bench.load_scores(tmp_path).set_index("cell_id")
    assert frame["value"].to_dict() == pytest.approx({"a": 0.3, "b": 0.2, "c": np.nan}, nan_ok=True)
    assert frame["status"].to_dict() == {"a": "ok", "b": "ok", "c": "failed"}


def test_the_wide_form_has_a_row_per_cell_and_a_column_per_headline_score(tmp_path):
    rows = [
        row("a"), row("b", value=None, status="failed"),
        row("a", metric="dci", key="disentanglement", estimator="lightgbm", value=0.2),
        row("a", metric="dci", key="completeness", estimator="lightgbm", value=0.9),
        row("a", metric="dci", key="disentanglement", estimator="study", value=0.3),
        row("a", metric="mig", settings='{"bins":10}', value=0.4),
        row("a", metric="unsupervised", key="gaussian_total_correlation", representation="sampled"),
        row("a", metric="training", key="elbo", representation="none", images=64000, value=-20.0),
    ]  # fmt: skip
    write_scores(tmp_path / "scores", "p", rows, {})
    wide = bench.load_scores(tmp_path, wide=True).set_index("cell_id")
    columns = ["mig", "dci", "dci@study", 'mig{"bins":10}', "sampled:unsupervised", "training"]
    assert wide.loc["a", columns].tolist() == [0.5, 0.2, 0.3, 0.4, 0.5, -20.0]
    assert np.isnan(wide.loc["b", "mig"])
    assert wide.loc["a", "strength"] == 4.0


def test_the_wide_form_has_a_users_metric_by_the_first_of_its_keys(tmp_path):
    own = {"metric": "mine:both", "estimator": "user", "settings": '{"version":"7f5d964c"}'}
    rows = [row("a", key="z_accuracy", value=0.1) | own, row("a", key="count", value=7.0) | own,
            row("a", metric="foreign", key="foreign", value=0.3)]  # fmt: skip
    write_scores(tmp_path / "scores", "p", rows, {})
    assert bench.load_scores(tmp_path)["key"].tolist() == ["foreign", "z_accuracy", "count"]
    wide = bench.load_scores(tmp_path, wide=True)
    assert wide.loc[0, ["mine:both", "foreign@study"]].tolist() == [0.1, 0.3]
    other = row("a", key="z_accuracy", value=0.2) | own | {"settings": '{"version":"01234567"}'}
    write_scores(tmp_path / "scores", "q", [other], {})
    wide = bench.load_scores(tmp_path, wide=True)
    versions = ['mine:both{"version":"01234567"}', 'mine:both{"version":"7f5d964c"}']
    assert wide.loc[0, versions].tolist() == [0.2, 0.1]


def test_rows_of_another_study_are_left_out_and_counted_whatever_the_folder_is_called(tmp_path):
    folder, grid = plan_study(tmp_path / "results")
    commit(folder, grid, grid.cells)
    before = bench.load_scores(folder)
    later = datetime.now(UTC) + timedelta(days=1)
    commit(folder, grid, grid.cells[:2], study="another", value=9.0, created_at=later)
    assert read_scores(folder).strangers == {"another": 2}
    pd.testing.assert_frame_equal(bench.load_scores(folder), before, check_categorical=False)
    export(folder, tmp_path / "all.parquet")
    for scores in (scores_of(folder, grid.cells[0].id), pd.read_parquet(tmp_path / "all.parquet")):
        assert set(scores["study"]) == {"tiny"}
    renamed = folder.rename(folder.with_name("renamed"))
    assert len(bench.load_scores(renamed)) == len(before)
    _, again = plan_study(tmp_path / "results", TINY.replace("study: tiny", "study: renamed"))
    commit(renamed, again, again.cells[:1], created_at=later)
    assert read_scores(renamed).strangers == {"another": 2}
    assert set(bench.load_scores(renamed)["study"]) == {"tiny", "renamed"}


def test_scores_that_are_there_with_several_values_are_counted(tmp_path):
    write_scores(tmp_path, "p", [row("a"), row("b"), row("c", value=None, status="failed")], {})
    write_scores(tmp_path, "q", [row("a", value=0.6), row("c")], {})
    write_scores(tmp_path, "r", [row("a", value=0.7), row("b", seconds=2.0)], {})
    assert read_scores(tmp_path).differing == 1

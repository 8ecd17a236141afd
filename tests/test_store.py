import errno
import os
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from studies import commit, plan_study
from tiny import TINY

import bench
from bench.committed import scores_of
from bench.export import export
from bench.store import (
    SCHEMA,
    DamagedFile,
    OtherVersion,
    committed_requests,
    file_metadata,
    read_files,
    read_scores,
    score_files,
    write_scores,
)

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def row(cell: str = "a", metric: str = "mig", key: str = "mig", value: float | None = 0.5, **other) -> dict:
    base = {
        "cell_id": cell, "pack_id": "p", "study": "s", "dataset": "dsprites", "source": "rendered:1",
        "model": "beta_vae", "hyperparameter": "beta", "strength": 4.0, "hyperparameters": "{}", "seed": 0,
        "steps": 10, "precision": "float32", "images": 0, "representation": "mean", "metric": metric,
        "estimator": "study", "settings": "", "key": key, "value": value, "status": "ok", "flags": "",
        "seconds": 0.1, "device": "cpu", "pack_width": 1, "versions": "{}", "created_at": NOW,
    }  # fmt: skip
    return base | other


def test_pandas_reads_the_folder_with_no_import_of_ours(tmp_path):
    write_scores(tmp_path, "p1", [row("a"), row("b", value=float("nan"))], {"grid": "g"})
    write_scores(tmp_path, "p2", [row("c", value=None, status="failed", error="boom")], {"grid": "g"})
    frame = pd.read_parquet(tmp_path)
    assert list(frame.columns) == SCHEMA.names
    assert sorted(frame["cell_id"]) == ["a", "b", "c"]
    assert frame["created_at"].iloc[0] == pd.Timestamp(NOW)


def test_the_file_carries_its_provenance_and_a_name_that_says_what_is_inside(tmp_path):
    first = write_scores(tmp_path, "p", [row("a")], {"run_id": "r1"})
    again = write_scores(tmp_path, "p", [row("a", seconds=7.0)], {"run_id": "r2"})
    other = write_scores(tmp_path, "p", [row("a", metric="sap", key="sap")], {"run_id": "r3"})
    assert first == again != other
    told = [{"value": 0.9}, {"value": None, "status": "failed", "error": "boom"},
            {"value": None, "status": "failed", "error": "bang"}]  # fmt: skip
    names = [write_scores(tmp_path, "p", [row("a", **said)], {"run_id": "r4"}) for said in told]
    assert len({first, *names}) == 4
    assert file_metadata(other)["run_id"] == "r3"
    assert file_metadata(other)["bench_schema"] == "1"


def test_nothing_half_written_is_ever_seen(tmp_path):
    write_scores(tmp_path, "p", [row("a")], {})
    (tmp_path / ".q-00000000.parquet.77.tmp").write_bytes(b"PAR1 torn")
    assert len(pd.read_parquet(tmp_path)) == 1
    assert len(score_files(tmp_path)) == 1
    with pytest.raises(Exception, match="not convert|Could not"):
        write_scores(tmp_path, "r", [row("a", value="no number")], {})
    assert len(list(tmp_path.iterdir())) == 2


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


def test_settled_counts_failed_scores_unless_they_are_to_be_retried(tmp_path):
    write_scores(tmp_path, "p", [row("a"), row("b", value=None, status="failed")], {})
    key = ("mean", "mig", "study", "", 0)
    assert committed_requests(tmp_path).settled() == {("a", *key), ("b", *key)}
    assert committed_requests(tmp_path).settled(retry_failed=True) == {("a", *key)}


def test_a_damaged_file_is_named_and_a_missing_study_says_what_to_run(tmp_path):
    write_scores(tmp_path / "scores", "p", [row("a")], {})
    (tmp_path / "scores" / "torn.parquet").write_bytes(b"PAR1")
    with pytest.raises(DamagedFile, match="torn.parquet is not a whole score file"):
        bench.load_scores(tmp_path)
    with pytest.raises(FileNotFoundError, match="bench run"):
        bench.load_scores(tmp_path / "nothing")


@pytest.mark.parametrize("folder", ["run:1", "abc:/x", "s3:x"])
def test_a_folder_whose_name_begins_like_an_address_is_a_folder(tmp_path, monkeypatch, folder):
    monkeypatch.chdir(tmp_path)
    path = write_scores(Path(folder) / "scores", "p", [row("a")], {"run_id": "r"})
    assert path == Path(folder) / "scores" / path.name
    assert bench.load_scores(folder)["cell_id"].tolist() == ["a"]
    assert file_metadata(path)["run_id"] == "r"


def test_what_a_file_says_of_itself_must_be_text(tmp_path):
    path = write_scores(tmp_path / "scores", "p", [row("a")], {})
    table = pq.read_table(path)
    pq.write_table(table.replace_schema_metadata({b"bench_schema": b"1", b"grid": b"\xff"}), path)
    with pytest.raises(DamagedFile, match=f"{path.name} is not a whole score file"):
        bench.load_scores(tmp_path)


@pytest.mark.parametrize(("wrong", "problem"), [
    ({"metric": None}, "has rows without metric"), ({"key": None}, "has rows without key"),
    ({"estimator": None}, "has rows without estimator"), ({"cell_id": None}, "has rows without cell_id"),
    ({"representation": None}, "has rows without representation"),
    ({"images": None}, "has rows without images"), ({"study": None}, "has rows without study"),
    ({"settings": "[1]"}, "has the settings '[1]', which are no JSON object"),
    ({"settings": "bins 10"}, "has the settings 'bins 10', which are no JSON object"),
    ({"status": "perhaps"}, "has the status 'perhaps', which is neither ok nor failed"),
])  # fmt: skip
def test_rows_that_are_no_scores_are_refused_in_a_sentence_on_their_file(tmp_path, wrong, problem):
    write_scores(tmp_path / "scores", "p", [row("a")], {})
    foreign = write_scores(tmp_path / "scores", "q", [row("b"), row("c") | wrong], {})
    sentence = f"{foreign} {problem}; the study's `bench run` or `bench verify` moves it"
    with pytest.raises(DamagedFile, match=re.escape(sentence)):
        bench.load_scores(tmp_path)


def test_no_rows_are_no_commit(tmp_path):
    with pytest.raises(ValueError, match="no score"):
        write_scores(tmp_path, "p", [], {})
    assert not list(tmp_path.iterdir())


def test_what_the_system_refuses_is_no_damage(tmp_path, monkeypatch):
    path = write_scores(tmp_path, "p", [row("a")], {})

    def stale(*_):
        raise OSError(errno.ESTALE, os.strerror(errno.ESTALE))

    with monkeypatch.context() as patch:
        patch.setattr("bench.store.pq.ParquetFile", stale)
        with pytest.raises(OSError, match=os.strerror(errno.ESTALE)):
            read_files([path])
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(DamagedFile, match="moves it to _work/quarantine"):
        read_files([path])


def test_a_file_of_another_schema_is_no_damage_and_says_so(tmp_path):
    path = write_scores(tmp_path, "p", [row("a")], {})
    table = pq.read_table(path).drop_columns("seconds")
    pq.write_table(table.replace_schema_metadata({b"bench_schema": b"2"}), path)
    with pytest.raises(OtherVersion, match="schema 2, this one reads 1"):
        read_files([path])
    pq.write_table(table.replace_schema_metadata({b"bench_schema": b"1"}), path)
    with pytest.raises(DamagedFile):
        read_files([path])

import errno
import os
import re
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

import bench
from bench.store import (
    SCHEMA,
    DamagedFile,
    OtherVersion,
    committed_requests,
    file_metadata,
    read_files,
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

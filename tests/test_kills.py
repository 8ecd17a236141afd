"""Runs killed at random moments and at every point of the failure matrix end as if nothing had happened."""

import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from killing import POINTS
from test_running import scores, weights
from tiny import TINY

import bench

LONGER = TINY.replace("steps: 60", "steps: 200").replace("seeds: 2", "seeds: 1")


def killing(what: str, folder: Path, data_dir: Path, *words: str) -> list[dict]:
    """What tests/killing.py says that it did."""
    (folder / "tiny.yaml").write_text(LONGER)
    script = Path(__file__).with_name("killing.py")
    done = subprocess.run(
        [sys.executable, script, what, folder / "tiny.yaml", folder, data_dir, *words],
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return [json.loads(line) for line in done.stdout.splitlines()]


def assert_same(one: Path, other: Path) -> None:
    pd.testing.assert_frame_equal(scores(one), scores(other))
    assert weights(one) == weights(other)
    curves = [
        pd.read_parquet(results / "tiny" / "curves").sort_values(["cell_id", "step"], ignore_index=True)
        for results in (one, other)
    ]
    pd.testing.assert_frame_equal(*curves)


@pytest.mark.parametrize("wanted", [20, pytest.param(500, marks=pytest.mark.long)])
def test_killed_at_random_moments_every_study_ends_like_the_undisturbed_one(tmp_path, data_dir, wanted):
    log = killing("kills", tmp_path, data_dir, str(wanted))
    assert sum(entry["kills"] for entry in log) >= wanted
    for entry in log:
        assert entry["exit"] == 0
        results = tmp_path / f"killed-{entry['study']}"
        assert_same(results, tmp_path / "undisturbed")
        keys = ["cell_id", "representation", "metric", "estimator", "key"]
        assert not pd.read_parquet(results / "tiny" / "scores").duplicated(keys).any()


@pytest.fixture(scope="module")
def pointed(tmp_path_factory, data_dir) -> tuple[Path, dict[str, dict]]:
    folder = tmp_path_factory.mktemp("points")
    return folder, {entry["point"]: entry for entry in killing("points", folder, data_dir)}


@pytest.mark.parametrize("number", range(len(POINTS)), ids=list(POINTS))
def test_killed_at_a_point_of_the_matrix_the_same_command_finishes_it(pointed, number):
    folder, log = pointed
    entry = log[list(POINTS)[number]]
    assert entry["killed"] == -9, "the run did not get to the point"
    assert entry["finished"] == 0
    assert_same(folder / f"point-{number}", folder / "undisturbed")
    work = folder / f"point-{number}" / "tiny" / "_work"
    left = {path.name for path in work.rglob("*") if path.is_file() and not path.name.startswith(".")}
    assert all(name.endswith(".lock") for name in left)


@pytest.mark.parametrize(
    ("point", "committed", "left"),
    [
        ("while the plan is written", 0, set()),
        ("before the first checkpoint", 0, {"attempts"}),
        ("between checkpoints", 0, {"attempts", "checkpoints"}),
        ("after models, before codes", 0, {"attempts", "checkpoints"}),
        ("trained, before any metric", 0, {"checkpoints", "codes", "trained"}),
        ("inside the write of a cell's scores", 0, {"checkpoints", "codes", "trained", "scored", "scoring"}),
        ("after arrays, before scores", 0, {"checkpoints", "codes", "trained", "scored"}),
        ("inside the write of scores", 0, {"checkpoints", "codes", "trained", "scored"}),
        ("after the commit, before cleaning up", 1, {"checkpoints", "codes", "trained", "scored"}),
        ("in the second pack", 1, {"checkpoints", "codes", "trained", "scored"}),
    ],
)
def test_what_lies_there_after_the_kill_is_what_the_matrix_says(pointed, point, committed, left):
    found = [Path(path) for path in pointed[1][point]["left"]]
    whole = [path for path in found if not path.name.startswith(".")]
    assert sum(path.parent.name == "scores" for path in whole) == committed
    assert {path.parts[2] for path in whole if path.parts[1] == "_work"} - {"locks"} == left


def test_the_points_are_those_where_files_appear():
    """A point that is renamed away would never be reached: every target exists."""
    for point in POINTS.values():
        assert callable(getattr(__import__(point.module, fromlist=["_"]), point.function))
    assert bench.load_scores  # imported lazily, hence here

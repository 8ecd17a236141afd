"""A file system that is really full: the run stops with a sentence, blames no cell, and can go on.

Each run has a small tmpfs of its own in a mount namespace, which Linux lets any user make.
"""

import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from studies import run_tiny
from test_running import scores, weights

import bench

SCRIPT = """
set -e
mount -t tmpfs -o size=$SIZE none results
set +e
"$@" ; echo "first: $?"
echo "files: $(find results/tiny/scores results/tiny/models -type f 2> /dev/null | wc -l)"
mount -o remount,size=64m results
"$@" ; echo "second: $?"
cp -r results/tiny kept/
"""

pytestmark = pytest.mark.skipif(
    shutil.which("unshare") is None, reason="mounting without privileges takes Linux's user namespaces"
)


@pytest.mark.parametrize(
    ("size", "executor"),
    [("8k", "inline"), ("400k", "inline"), ("400k", "ray")],
    ids=["no room for a note", "no room for a checkpoint", "no room, on Ray"],
)
def test_a_full_disk_stops_the_run_and_costs_nothing(tiny_grid, tmp_path, data_dir, size, executor):
    for name in ("results", "kept"):
        (tmp_path / name).mkdir()
    command = [
        sys.executable, "-m", "bench", "run", tiny_grid, "--results", "results", "--data-dir", data_dir,
        "--executor", executor, "--cpus", "1", "--checkpoint-seconds", "0",
    ]  # fmt: skip
    done = subprocess.run(
        ["unshare", "--map-root-user", "--mount", "sh", "-c", SCRIPT, "sh", *command],
        cwd=tmp_path,
        env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "SIZE": size, "PYTHONPATH": str(Path.cwd())},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert "first: 1" in done.stdout, done.stderr
    assert "files: 0" in done.stdout
    assert "No space left on device" in done.stderr
    assert "Mend this; the same command continues." in done.stderr
    assert "0 of 6 cells done, 0 failed, 6 missing." in done.stdout
    assert "second: 0" in done.stdout, done.stderr
    assert (bench.load_scores(tmp_path / "kept" / "tiny")["status"] == "ok").all()
    pd.testing.assert_frame_equal(scores(tmp_path / "kept"), scores(run_tiny(data_dir)))
    assert weights(tmp_path / "kept") == weights(run_tiny(data_dir))

"""Two runs of one study at once, and a reader beside them: nothing torn, nothing counted twice."""

import subprocess

import pandas as pd
from click.testing import CliRunner
from test_running import command, scores, weights
from tiny import TINY

import bench
from bench.cli import main
from bench.leftovers import lock_of
from bench.running import run
from bench.study_plan import make_plan

SILENT = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}


def test_two_drivers_and_a_reader_beside_them(tiny_grid, tmp_path, data_dir):
    tiny_grid.write_text(TINY.replace("seeds: 2", "seeds: 12"))
    run(tiny_grid, results=tmp_path / "one", data_dir=data_dir, executor="inline", cpus=1)
    both = tmp_path / "both"
    drivers = [
        subprocess.Popen(
            command(tiny_grid, both, data_dir), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        for _ in range(2)
    ]
    reads = 0
    while any(driver.poll() is None for driver in drivers):
        if list((both / "tiny").glob("scores/*.parquet")):
            assert len(pd.read_parquet(both / "tiny" / "scores")) > 0
            reads += 1
    assert reads > 0
    # a driver that found a pack held by the other leaves it and says what is missing (1)
    assert {driver.returncode for driver in drivers} <= {0, 1}
    assert subprocess.run(command(tiny_grid, both, data_dir), stdout=subprocess.DEVNULL).returncode == 0
    pd.testing.assert_frame_equal(scores(both), scores(tmp_path / "one"))
    assert weights(both) == weights(tmp_path / "one")
    keys = ["cell_id", "metric", "key", "representation", "estimator"]
    assert not bench.load_scores(both / "tiny").duplicated(keys).any()


def test_two_drivers_with_other_packs_fail_no_cell(tiny_grid, tmp_path, data_dir):
    tiny_grid.write_text(TINY.replace("seeds: 2", "seeds: 12"))
    run(tiny_grid, results=tmp_path / "one", data_dir=data_dir, executor="inline", cpus=1)
    words = ["--checkpoint-seconds", "0", "--width"]
    drivers = [
        subprocess.Popen([*command(tiny_grid, tmp_path / "both", data_dir), *words, width], **SILENT)
        for width in ("8", "3")
    ]
    assert {driver.wait(timeout=300) for driver in drivers} <= {0, 1}  # 1 where the other has not finished
    both = run(tiny_grid, results=tmp_path / "both", data_dir=data_dir, executor="inline", cpus=1)
    assert (both.done, both.failed) == (36, 0)
    together, alone = (scores(tmp_path / name) for name in ("both", "one"))
    same = ["cell_id", "metric", "key", "representation"]
    pd.testing.assert_frame_equal(together[same], alone[same])
    assert abs(together["value"] - alone["value"]).max() < 0.1  # widths round otherwise


def test_packs_that_another_run_holds_are_left_to_it_and_told(tiny_grid, tmp_path, data_dir):
    plan = make_plan(tiny_grid, results=tmp_path / "r", data_dir=data_dir)
    held = plan.works[0].pack
    with lock_of(tmp_path / "r" / "tiny" / "_work", held):
        words = ["run", tiny_grid, "--results", tmp_path / "r", "--data-dir", data_dir]
        done = CliRunner().invoke(main, list(map(str, [*words, "--executor", "inline", "--cpus", "1"])))
    assert done.exit_code == 1
    assert "1 pack was left to another run, which was at work on it." in done.output
    assert f"{6 - len(held.cells)} of 6 cells done, 0 failed, {len(held.cells)} missing." in done.output
    assert (
        f"`bench run {tiny_grid} --executor inline --cpus 1 --results {tmp_path / 'r'} "
        f"--data-dir {data_dir}` runs what is missing."
    ) in done.output

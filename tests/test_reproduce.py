"""A committed cell is trained again, alone, and every score compared with the committed one."""

import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner
from studies import commit, plan_study, run_tiny
from tiny import TINY

import bench
from bench.cli import main
from bench.committed import find_committed
from bench.reproduce import TOLERANCE, compare
from bench.store import file_metadata, read_files, score_files, write_scores
from bench.study import load_plan


@pytest.fixture
def results(data_dir, tmp_path) -> Path:
    """results/ of a really run study, to be changed."""
    return Path(shutil.copytree(run_tiny(data_dir), tmp_path / "results"))


def reproduce(cell_id: str, results: Path, data_dir: Path) -> tuple[int, str]:
    words = ["reproduce", cell_id, "--results", str(results), "--data-dir", str(data_dir)]
    done = CliRunner().invoke(main, words)
    return done.exit_code, done.output


def alter(results: Path, cell_id: str, key: str) -> None:
    """Move one committed value by less than any table shows."""
    for path in score_files(results / "tiny" / "scores"):
        rows = read_files([path]).to_pylist()
        for row in rows:
            if (row["cell_id"], row["key"]) == (cell_id, key):
                row["value"] += 1e-9
        write_scores(path.parent, rows[0]["pack_id"], rows, file_metadata(path))


def test_a_cell_trained_in_a_pack_comes_out_again_alone_bit_for_bit(results, data_dir):
    before = {path: path.read_bytes() for path in results.rglob("*") if path.is_file()}
    cell = load_plan(results / "tiny").cells[4]
    code, output = reproduce(cell.id, results, data_dir)
    scores = bench.load_scores(results / "tiny").query("cell_id == @cell.id")
    assert code == 0
    assert output.startswith(f"{cell.id} (dsprites_quick, factor_vae gamma=6, seed 0) of tiny, source ")
    assert output.splitlines()[-1] == f"{len(scores)} of {len(scores)} scores came out again bit for bit."
    assert all(name in output for name in scores["key"])
    assert {path: path.read_bytes() for path in results.rglob("*") if path.is_file()} == before


def test_a_score_that_was_altered_is_found_and_the_exit_code_is_1(results, data_dir):
    cell = load_plan(results / "tiny").cells[0]
    alter(results, cell.id, "elbo")
    code, output = reproduce(cell.id, results, data_dir)
    (marked,) = [line for line in output.splitlines() if line.endswith("differs")]
    assert code == 1
    assert marked.startswith("none:training@study elbo")


@pytest.fixture
def committed(tmp_path):
    """A made-up committed cell, and its scores as if they had been made again."""
    folder, grid = plan_study(tmp_path / "results")
    commit(folder, grid, grid.cells)
    found = find_committed(tmp_path / "results", grid.cells[0].id, "results")
    return found, found.scores.copy()


def test_elsewhere_a_score_may_move_within_the_tolerance_and_no_further(committed):
    found, again = committed
    again["versions"] = '{"torch":"another"}'
    again["value"] += [TOLERANCE * (0.9 if i else 1.1) for i in range(len(again))]
    table = compare(found, again)
    assert not table["exact"].any()
    assert table["equal"].sum() == len(table) - 1


@pytest.mark.parametrize(
    ("circumstance", "value"),
    [("device", "NVIDIA H200"), ("versions", "{1}"), ("pack_width", 1), ("host", "another")],
)
def test_bits_must_agree_only_where_nothing_around_the_cell_differs(committed, circumstance, value):
    found, again = committed
    assert compare(found, again)["exact"].all()
    assert not compare(found, again.assign(**{circumstance: value}))["exact"].any()


def test_the_same_gpu_in_another_machine_must_give_the_same_bits(committed):
    found, again = committed
    found.scores["device"] = again["device"] = "NVIDIA H200"
    assert compare(found, again.assign(host="another"))["exact"].all()


def test_a_failure_comes_out_again_as_a_failure_and_not_as_a_value(committed):
    found, again = committed
    failed = again.assign(status="failed", value=float("nan"))
    assert not compare(found, failed)["equal"].any()
    found.scores["status"], found.scores["value"] = "failed", float("nan")
    assert compare(found, failed)["equal"].all()


def test_a_score_that_does_not_come_out_at_all_is_unequal(committed):
    found, again = committed
    table = compare(found, again.iloc[1:])
    assert (~table["equal"]).sum() == 1


def test_a_cell_of_an_earlier_grid_is_found_by_the_grid_that_planned_it(tmp_path):
    folder, grid = plan_study(tmp_path / "results")
    commit(folder, grid, grid.cells)
    plan_study(tmp_path / "results", TINY.replace("seeds: 2", "seeds: 1").replace("[mig,", "[sap,"))
    found = find_committed(tmp_path / "results", grid.cells[1].id, "results")
    assert found.cell == grid.cells[1]
    assert {request[1] for request in found.requests} == {"training", "mig", "modularity", "unsupervised"}


@pytest.mark.parametrize("cell_id", ["0123456789abcdef", "../../etc", ""])
def test_an_unknown_cell_is_a_sentence_with_exit_code_2(tmp_path, data_dir, cell_id):
    plan_study(tmp_path / "results")
    code, output = reproduce(cell_id, tmp_path / "results", data_dir)
    assert code == 2
    assert f"has a cell {cell_id!r} (studies: tiny)" in output


def test_a_planned_cell_that_is_not_committed_says_so(tmp_path, data_dir):
    _, grid = plan_study(tmp_path / "results")
    code, output = reproduce(grid.cells[0].id, tmp_path / "results", data_dir)
    assert (code, "is not committed yet" in output) == (2, True)

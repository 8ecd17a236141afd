"""Copies of a study from two machines become one study, once, or are refused with the reason."""

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner
from studies import commit, plan_study, run_tiny
from tiny import TINY

import bench
from bench.cli import main
from bench.merge import CannotMerge, merge, plan_merge
from bench.plan import cut
from bench.store import SCORE_KEY
from bench.study import load_plan, settled_cells

NOW = datetime.now(UTC)
LATER = NOW + timedelta(hours=1)


@pytest.fixture
def here(tmp_path):
    """Folder and grid of a planned study that other copies are merged into."""
    return plan_study(tmp_path / "here")


def copy_of(tmp_path: Path, name: str, text: str = TINY):
    return plan_study(tmp_path / name, text)


def files(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def values(folder: Path) -> dict[str, float]:
    """The MIG of every cell."""
    frame = bench.load_scores(folder).query("metric == 'mig' and estimator == 'study'")
    return dict(zip(frame["cell_id"], frame["value"], strict=True))


def test_two_halves_of_a_real_study_become_the_whole_with_everything_beside(data_dir, tmp_path):
    whole = run_tiny(data_dir) / "tiny"
    beta, factor = cut(load_plan(whole).cells, "cpu")
    for name, other in (("here", beta), ("there", factor)):
        shutil.copytree(whole, tmp_path / name / "tiny")
        for path in (tmp_path / name).rglob(f"{other.id}-*"):
            path.unlink()
    words = ["merge", "tiny", str(tmp_path / "there" / "tiny"), "--results", str(tmp_path / "here")]
    theirs = len(list((tmp_path / "there").rglob(f"{beta.id}-*")))
    done = CliRunner().invoke(main, words)
    assert (done.exit_code, done.output) == (0, f"{theirs} files copied, 1 of them scores.\n")
    merged = tmp_path / "here" / "tiny"
    pd.testing.assert_frame_equal(bench.load_scores(merged), bench.load_scores(whole))
    assert {path.relative_to(merged) for path in files(merged) if "_work" not in path.parts} == {
        path.relative_to(whole) for path in files(whole) if "_work" not in path.parts
    }
    before = files(merged)
    assert CliRunner().invoke(main, words).output == "0 files copied, 0 of them scores.\n"
    assert files(merged) == before


def test_a_dry_run_says_what_would_be_copied_and_copies_nothing(here, tmp_path):
    there, grid = copy_of(tmp_path, "there")
    (path,) = commit(there, grid, grid.cells[:2])
    before = files(here[0])
    done = CliRunner().invoke(
        main, ["merge", "tiny", str(there), "--dry-run", "--results", str(tmp_path / "here")]
    )
    assert f"{path} -> {here[0] / 'scores' / path.name}" in done.output
    assert files(here[0]) == before


def test_a_copy_is_found_where_its_path_as_typed_leads(tmp_path, monkeypatch):
    plan_study(tmp_path / "mine" / "results")
    other, grid = plan_study(tmp_path / "results")
    commit(other, grid, grid.cells[:1])
    monkeypatch.chdir(tmp_path / "mine")  # where results/../results/tiny would be the study itself
    done = CliRunner().invoke(main, ["merge", "tiny", "../results/tiny"])
    assert (done.exit_code, done.output) == (0, "1 files copied, 1 of them scores.\n")


def test_an_ok_score_is_taken_for_a_failed_one_of_the_same_file_name_and_both_files_stay(here, tmp_path):
    folder, grid = here
    there, _ = copy_of(tmp_path, "there")
    (failed,) = commit(folder, grid, grid.cells[:2], status="failed", value=None, created_at=LATER)
    (good,) = commit(there, grid, grid.cells[:2], created_at=NOW)
    good = good.rename(good.with_name(failed.name))  # as if eight digits of a hash agreed
    before = failed.read_bytes()
    assert merge(plan_merge(folder, [there])) == 1
    assert failed.read_bytes() == before
    assert settled_cells(folder, grid) == ({cell.id for cell in grid.cells[:2]}, set())
    assert values(folder) == values(there)
    assert plan_merge(folder, [there]).copies == ()


def test_copying_scores_together_is_a_merge(here, tmp_path):
    folder, grid = here
    there, _ = copy_of(tmp_path, "there")
    commit(folder, grid, grid.cells[:2], status="failed", value=None, error="boom", created_at=LATER)
    commit(there, grid, grid.cells[:2], created_at=NOW)
    shutil.copytree(there / "scores", folder / "scores", dirs_exist_ok=True)
    assert values(folder) == values(there)
    shutil.copytree(folder / "scores", there / "scores", dirs_exist_ok=True)
    assert len(values(there)) == 2


def test_what_several_copies_have_is_taken_once_and_what_is_here_stays(here, tmp_path):
    folder, grid = here
    commit(folder, grid, grid.cells[:1], created_at=NOW)
    copies = [copy_of(tmp_path, name)[0] for name in ("a", "b")]
    commit(copies[0], grid, grid.cells[1:3], value=0.25, created_at=NOW)
    commit(copies[1], grid, grid.cells[1:3], value=0.25, created_at=LATER)
    commit(copies[1], grid, grid.cells[:1], created_at=LATER)
    own = values(folder)
    assert merge(plan_merge(folder, copies)) == 1
    assert values(folder) == own | {cell.id: 0.25 for cell in grid.cells[1:3]}


def test_values_of_different_times_are_counted_and_the_newest_is_what_is_read(here, tmp_path):
    folder, grid = here
    there, _ = copy_of(tmp_path, "there")
    commit(folder, grid, grid.cells[:1], value=0.25, created_at=NOW)
    commit(there, grid, grid.cells[:2], value=0.5, created_at=LATER)
    planned = plan_merge(folder, [there])
    assert planned.differing == len(bench.load_scores(folder))
    merge(planned)
    assert set(values(folder).values()) == {0.5}


def test_the_newest_of_several_values_counts_also_where_the_study_has_one_of_its_own(here, tmp_path):
    folder, grid = here
    copies = [copy_of(tmp_path, name)[0] for name in ("a", "b")]
    commit(folder, grid, grid.cells[:1], value=0.25, created_at=NOW)
    commit(copies[0], grid, grid.cells[:1], value=0.5, created_at=LATER)
    commit(copies[1], grid, grid.cells[:1], value=0.25, created_at=LATER + timedelta(hours=1))
    assert merge(plan_merge(folder, copies[:1])) == 1
    assert set(values(folder).values()) == {0.5}
    assert merge(plan_merge(folder, copies[1:])) == 1
    assert set(values(folder).values()) == {0.25}
    assert plan_merge(folder, copies).copies == ()


def test_two_values_of_one_moment_are_refused_with_the_cell_and_both_files(here, tmp_path):
    folder, grid = here
    there, _ = copy_of(tmp_path, "there")
    (mine,) = commit(folder, grid, grid.cells[:1], value=0.25, created_at=NOW)
    (other,) = commit(there, grid, grid.cells[:1], value=0.5, created_at=NOW)
    before = files(folder)
    with pytest.raises(CannotMerge) as refusal:
        plan_merge(folder, [there])
    sentence = str(refusal.value).splitlines()[0]
    assert all(word in sentence for word in (grid.cells[0].id, str(mine), str(other), "0.25", "0.5"))
    assert f"`bench reproduce {grid.cells[0].id}` tells which" in sentence
    assert files(folder) == before


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (("beta: [1, 4]", "beta: [1, 4, 9]"), "plans 2 cells that .* does not"),
        (("steps: 60", "steps: 61"), "plans 6 cells that .* does not"),
        (("study: tiny", "study: other"), "is the study 'other', .* is 'tiny'"),
    ],
)
def test_another_grid_is_refused(here, tmp_path, change, sentence):
    there, _ = copy_of(tmp_path, "there", TINY.replace(*change))
    with pytest.raises(CannotMerge, match=sentence):
        plan_merge(here[0], [there])


def test_other_data_are_refused(here, tmp_path):
    there, _ = copy_of(tmp_path, "there")
    study = there / "study.json"
    study.write_text(study.read_text().replace("rendered:1", "real"))
    with pytest.raises(CannotMerge, match="from the source 'real', .* from 'rendered:1'"):
        plan_merge(here[0], [there])


def test_a_damaged_copy_and_the_study_itself_are_refused_with_exit_code_2(here, tmp_path):
    there, grid = copy_of(tmp_path, "there")
    (path,) = commit(there, grid, grid.cells[:1])
    path.write_bytes(path.read_bytes()[:500])
    for copy, sentence in ((there, f"`bench verify {there}`"), (here[0], "is the study itself")):
        done = CliRunner().invoke(main, ["merge", "tiny", str(copy), "--results", str(tmp_path / "here")])
        assert (done.exit_code, sentence in done.output) == (2, True)


def test_scores_have_one_row_per_key_after_any_merge(here, tmp_path):
    folder, grid = here
    there, _ = copy_of(tmp_path, "there")
    commit(folder, grid, grid.cells[:4])
    commit(there, grid, grid.cells[2:])
    merge(plan_merge(folder, [there]))
    frame = bench.load_scores(folder)
    assert not frame.duplicated(list(SCORE_KEY)).any()
    assert set(frame["cell_id"]) == {cell.id for cell in grid.cells}

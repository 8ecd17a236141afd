"""What is said before a run: how long it takes, what is done, and what was not asked for."""

from dataclasses import replace

import pytest
from studies import commit, run_tiny
from tiny import TINY

from bench.grid import load_grid
from bench.plan import cut, outstanding, planned_requests, typical_hours
from bench.planning import describe, figures
from bench.study_plan import make_plan


@pytest.fixture
def plan_of(tmp_path, data_dir):
    """The plan of a grid's text in results that may hold something already."""

    def make(text, results=tmp_path / "r", **asked):
        (tmp_path / "grid.yaml").write_text(text)
        return make_plan(tmp_path / "grid.yaml", results=results, data_dir=data_dir, **asked)

    return make


def line_of(plan, word: str) -> str:
    return next((line for line in describe(plan, whole=True) if line.startswith(word)), "")


def test_a_pack_is_one_workers_and_the_longest_takes_its_time(tmp_path):
    (tmp_path / "g.yaml").write_text("datasets: [dsprites]\nmodels: {beta_vae: {beta: [1, 4]}}\nseeds: 2\n")
    grid = load_grid(tmp_path / "g.yaml")
    works = outstanding(cut(grid.cells, "cpu"), planned_requests(grid), set())
    each = 300_000 * 0.130 / 3600
    assert len(works) == 4
    for workers, expected in [(1, 4 * each), (2, 2 * each), (3, 4 / 3 * each), (4, each), (1000, each)]:
        assert typical_hours(works, "cpu", workers) == pytest.approx(expected)


def test_the_line_of_time_names_as_many_cores_as_have_work(plan_of):
    assert "of training on 2 cores, one a pack, and scoring" in line_of(plan_of(TINY, cpus=16), "time:")
    assert "of training on 1 core, and scoring" in line_of(plan_of(TINY, cpus=1), "time:")


def test_what_needs_scores_only_is_no_training(plan_of, data_dir):
    added = TINY.replace("[mig", "[sap, mig")
    fresh, scored = plan_of(added), plan_of(added, results=run_tiny(data_dir))
    assert figures(fresh)["model_steps_left"] == 6 * 60
    assert (scored.cells_left, figures(scored)["model_steps_left"]) == (6, 0)
    assert line_of(scored, "time:") == (
        "time: scoring only, nothing is to be trained; `bench plan GRID --measure` times it"
    )


def test_packs_that_were_not_selected_are_not_called_done(plan_of, tmp_path):
    plan = plan_of(TINY, select_cells="model=beta_vae")
    states = [line.rpartition(", ")[2] for line in describe(plan, whole=True) if " cells, " in line]
    assert states[-2:] == ["4 to do", "not selected"]
    commit(plan.folder, plan.grid, [cell for cell in plan.grid.cells if cell.model == "beta_vae"])
    states = [line.rpartition(", ")[2] for line in describe(plan_of(TINY), whole=True) if " cells, " in line]
    assert states[-2:] == ["done", "2 to do"]


def test_on_a_gpu_one_is_told_how_to_ask_for_less(plan_of):
    plan = replace(plan_of(TINY), device="cuda")
    assert line_of(plan, "time:").startswith("time: not known for this GPU")
    assert line_of(plan, "less:").startswith("less: --select model=")

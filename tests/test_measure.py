"""`bench plan --measure`: figures that must hold whatever the machine's speed."""

import json
from dataclasses import replace

import pytest
import torch
from click.testing import CliRunner
from tiny import TINY

from bench import measure, plan_costs, roofline, stopwatch
from bench.cli import main
from bench.grid import load_grid
from bench.plan import cut, outstanding, planned_requests
from bench.study_plan import make_plan
from bench.yardstick import PLAIN, PlainLoop


@pytest.fixture(autouse=True)
def short(monkeypatch):
    monkeypatch.setattr(stopwatch, "ROUNDS", 2)
    monkeypatch.setattr(stopwatch, "SECONDS_PER_ROUND", 0.01)


def works_of(path):
    grid = load_grid(path)
    return outstanding(cut(grid.cells, "cpu"), planned_requests(grid), set())


def test_every_kind_of_model_is_measured_once_and_hours_follow(tiny_grid):
    works = works_of(tiny_grid)
    speeds = list(measure.speeds(works, "cpu"))
    assert {(speed.model, speed.width) for speed in speeds} == {("beta_vae", 8), ("factor_vae", 8)}
    for speed in speeds:
        assert speed.milliseconds > 0
        assert 0 < speed.share_of_limit < 1
        assert speed.bound == "products"
        assert 0 < speed.data_share < 1
        assert speed.ratio == speed.plain_milliseconds / speed.milliseconds
    beta, factor = (next(s for s in speeds if s.model == name) for name in ("beta_vae", "factor_vae"))
    # the 4 and the 2 cells are a stack of 8 each
    expected = 8 * 60 * (beta.milliseconds + factor.milliseconds) / 3.6e6
    needed = measure.hours(works, speeds, 600, workers=1)
    assert needed.training == pytest.approx(expected)
    assert needed.padding == 16 / 6
    closing = 8 * (beta.evaluation_seconds + factor.evaluation_seconds)
    closing += 600 * (4 * beta.encoding_milliseconds + 2 * factor.encoding_milliseconds) / 1e3
    assert needed.closing == pytest.approx(closing / 3600)
    assert min(beta.evaluation_seconds, beta.encoding_milliseconds) > 0
    on_four = measure.hours(works, speeds, 600, workers=4)
    assert (on_four.training, on_four.closing) == pytest.approx((expected / 4, closing / 4 / 3600))


def test_the_width_that_is_asked_for_is_measured(tiny_grid, data_dir, monkeypatch):
    grid = load_grid(tiny_grid)
    works = outstanding(cut(grid.cells, "cpu", 2), planned_requests(grid), set())
    monkeypatch.setattr(measure, "WIDTHS", {"cpu": (1,)})
    speeds = list(measure.speeds(works, "cpu", 2))
    assert [speed.width for speed in speeds] == [2, 2]
    assert measure.hours(works, speeds, 600, workers=1).padding == 1.0
    stacks = []
    members_of = measure.members_of
    monkeypatch.setattr(
        measure, "members_of", lambda cells, *of: stacks.append(len(cells)) or members_of(cells, *of)
    )
    list(measure.batch_costs(works, "cpu", data_dir, 2))
    assert set(stacks) == {2}


def test_codes_of_a_whole_data_set_are_counted_with_every_image(tiny_grid):
    tiny_grid.write_text(TINY.replace("[dsprites_quick]", "[smallnorb]").replace("dense_8", "conv_64"))
    works = works_of(tiny_grid)
    speeds = [made_up(model, "conv_64") for model in ("beta_vae", "factor_vae")]
    closing = measure.hours(works, speeds, None, workers=1).closing
    assert closing == pytest.approx((6 * 7.0 + 6 * 48_600 * 0.2 / 1e3) / 3600)


def made_up(model, architecture, width=1, channels=1):
    numbers = (0.5, 1.0, 0.01, 7.0, 0.2, 1.0, 1.0)
    return measure.Speed(model, architecture, channels, width, width, *numbers, "products", 0.5)


def test_a_grid_is_measured_in_its_own_precision(tiny_grid, monkeypatch):
    tiny_grid.write_text(TINY.replace("latent_dim: 4", "latent_dim: 4, precision: bfloat16"))
    settled, products = [], []
    monkeypatch.setattr(measure, "settle_process", lambda *given: settled.append(given))
    monkeypatch.setattr(roofline, "matrix_peak", lambda device, dtype: products.append(dtype) or 100.0)
    list(measure.speeds(works_of(tiny_grid), "cpu"))
    assert set(settled) == {("cpu", "bfloat16")}
    assert products == [torch.bfloat16]


@pytest.mark.parametrize("architecture", PLAIN)
def test_the_yardstick_learns(architecture):
    side = 64 if architecture.startswith("conv") else int(architecture.partition("_")[2])
    generator = torch.Generator().manual_seed(0)
    images, noise = torch.rand(8, 1, side, side, generator=generator), torch.randn(8, 5, generator=generator)
    loop = PlainLoop(architecture, 1, 5, "cpu")
    losses = [loop.step(images, noise).item() for _ in range(30)]
    assert losses[-1] < losses[0]


def test_images_are_measured_on_data_sets_that_are_prepared(tiny_grid, data_dir, tmp_path):
    works = works_of(tiny_grid)
    (cost,) = measure.batch_costs(works, "cpu", data_dir)
    assert (cost.dataset, cost.source, cost.architecture) == ("dsprites_quick", "rendered:1", "dense_8")
    assert cost.milliseconds > 0
    assert 0 < cost.share < 1
    assert list(measure.batch_costs(works, "cpu", tmp_path)) == []


@pytest.fixture
def quick(monkeypatch):
    """What is measured, made up; the fixture is the list of what was done in turn."""
    done = []

    def speeds(works, device, width):
        cells = [work.pack.cells[0] for work in works]
        for model, channels in dict.fromkeys((cell.model, measure._channels(cell)) for cell in cells):
            done.append(f"measured {model}")
            yield made_up(model, cells[0].training.architecture, width or 32, channels)

    def metric_seconds(name, *given):
        done.append(f"scored {name}")
        return {"mig@study (mean)": 36.0}

    monkeypatch.setattr(measure, "speeds", speeds)
    monkeypatch.setattr(measure, "batch_costs", lambda *given: iter(()))
    monkeypatch.setattr(measure, "metric_seconds", metric_seconds)
    monkeypatch.setattr(plan_costs, "gpus", lambda: 2)
    return done


def test_gpus_train_and_cores_score(tiny_grid, tmp_path, quick):
    plan = make_plan(tiny_grid, results=tmp_path, device="cuda", cpus=16, width=4)
    found = plan_costs.costs(plan, tmp_path, quick.append)
    assert found["workers"] == 2
    assert found["padding"] == 8 / 6
    assert found["training_hours"] == pytest.approx(8 * 60 * 0.5 / 3.6e6 / 2)
    assert found["scoring_hours"] == pytest.approx(6 * 36 / 3600 / 16)
    assert quick[-1] == (
        "left: 360 model-steps (1.33 × that with padding); training 0 s, closing evaluations and code tables "
        "28 s on 2 GPUs, scoring 14 s on 16 cores"
    )
    assert any("data: at the most" in line for line in quick)
    on_cores = plan_costs.costs(replace(plan, device="cpu", cores=3), tmp_path, quick.append)
    assert on_cores["workers"] == 3


def test_each_row_is_said_before_the_next_is_measured(tiny_grid, tmp_path, quick):
    plan_costs.costs(make_plan(tiny_grid, results=tmp_path, device="cpu"), tmp_path, quick.append)
    rows = [line for line in quick if line.startswith(("measured", "beta_vae ", "factor_vae "))]
    said = [" ".join(row.split()[:2]) for row in rows]
    assert said == ["measured beta_vae", "beta_vae dense_8", "measured factor_vae", "factor_vae dense_8"]


def test_data_sets_of_equal_factors_are_scored_once(tiny_grid, tmp_path, quick):
    several = "[dsprites, color_dsprites, shapes3d]"
    tiny_grid.write_text(TINY.replace("[dsprites_quick]", several).replace("dense_8", "conv_64"))
    plan = make_plan(
        tiny_grid, results=tmp_path, device="cpu", select_cells="model=beta_vae,dataset=dsprites"
    )
    found = plan_costs.costs(plan, tmp_path, quick.append)
    assert [line for line in quick if line.startswith("scored")] == ["scored dsprites"]
    assert list(found["metric_seconds"]) == ["dsprites"]
    assert [line for line in quick if line.startswith("measured")] == ["measured beta_vae"]
    quick.clear()
    plan = make_plan(
        tiny_grid, results=tmp_path, device="cpu", select_cells="dataset=dsprites,dataset=color_dsprites"
    )
    found = plan_costs.costs(plan, tmp_path, quick.append)
    assert [line for line in quick if line.startswith("scored")] == ["scored dsprites"]
    assert found["metric_seconds"]["color_dsprites"] == found["metric_seconds"]["dsprites"]
    assert "dsprites, color_dsprites: 36.0 core-seconds of metrics per cell" in quick


def test_json_and_lines_say_the_same(tiny_grid, data_dir, tmp_path):
    tiny_grid.write_text(TINY.replace("[mig, modularity, unsupervised]", "[mig]"))
    words = ["plan", str(tiny_grid), "--measure", "--json", "--cpus", "3", "--results", str(tmp_path / "r")]
    words += ["--data-dir", str(data_dir)]
    made = CliRunner().invoke(main, words)
    found, shown = json.loads(made.stdout), made.stderr  # lines as they come, beside the JSON
    assert found["cells_left"] == 6
    assert found["model_steps_left"] == 360
    assert found["workers"] == 3
    assert {"mig@study (mean)", "mig@corrected (mean)"} <= set(found["metric_seconds"]["dsprites_quick"])
    assert "beta_vae      dense_8" in shown
    assert "360 model-steps" in shown
    assert [batch["dataset"] for batch in found["batches"]] == ["dsprites_quick"]
    assert "dsprites_quick (rendered): images take" in shown


def test_part_of_a_grid_is_measured_and_what_is_not_prepared_is_told(tiny_grid, tmp_path):
    tiny_grid.write_text(TINY.replace("[mig, modularity, unsupervised]", "[mig]"))
    words = ["plan", str(tiny_grid), "--measure", "--select", "model=factor_vae", "--limit", "1"]
    words += ["--results", str(tmp_path / "r"), "--data-dir", str(tmp_path / "empty")]
    shown = CliRunner().invoke(main, words).stdout
    assert "6 cells in 2 packs on cpu; 0 done, 1 to do (5 not selected)" in shown
    assert "factor_vae    dense_8" in shown
    assert "beta_vae      dense_8" not in shown
    assert "bench data prepare dsprites_quick --source rendered" in shown
    assert "left: 60 model-steps (8.00 × that with padding); training" in shown

"""`bench plan --measure`: figures that must hold whatever the machine's speed."""

import json

import pytest
import torch
from click.testing import CliRunner
from tiny import TINY

from bench import measure, roofline, stopwatch
from bench.cli import main
from bench.grid import load_grid
from bench.plan import cut, outstanding, planned_requests
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
    expected = (4 * 60 * beta.milliseconds + 2 * 60 * factor.milliseconds) / 3.6e6
    assert measure.hours(works, speeds, workers=1) == pytest.approx(expected)
    assert measure.hours(works, speeds, workers=4) == pytest.approx(expected / 4)


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


def test_json_and_lines_say_the_same(tiny_grid, data_dir, tmp_path):
    tiny_grid.write_text(TINY.replace("[mig, modularity, unsupervised]", "[mig]"))
    words = ["plan", str(tiny_grid), "--measure", "--json", "--cpus", "3", "--results", str(tmp_path / "r")]
    words += ["--data-dir", str(data_dir)]
    found = json.loads(CliRunner().invoke(main, words).output)
    assert found["cells_left"] == 6
    assert found["model_steps_left"] == 360
    assert found["workers"] == 3
    assert {"mig@study (mean)", "mig@corrected (mean)"} <= set(found["metric_seconds"]["dsprites_quick"])
    shown = CliRunner().invoke(main, [word for word in words if word != "--json"]).output
    assert "beta_vae      dense_8" in shown
    assert "360 model-steps" in shown
    assert [batch["dataset"] for batch in found["batches"]] == ["dsprites_quick"]
    assert "dsprites_quick (rendered): images take" in shown
    elsewhere = [*words[:-1], str(tmp_path / "empty")]
    unprepared = CliRunner().invoke(main, [word for word in elsewhere if word != "--json"]).output
    assert "bench data prepare dsprites_quick --source rendered" in unprepared

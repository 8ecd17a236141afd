"""`bench plan --measure`: figures that must hold whatever the machine's speed."""

import json

import pytest
import torch
from click.testing import CliRunner
from tiny import TINY

from bench import measure
from bench.cli import main
from bench.grid import load_grid
from bench.plan import cut, outstanding, planned_requests
from bench.yardstick import PLAIN, PlainLoop


@pytest.fixture(autouse=True)
def short(monkeypatch):
    monkeypatch.setattr(measure, "ROUNDS", 2)
    monkeypatch.setattr(measure, "SECONDS_PER_ROUND", 0.01)


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
    monkeypatch.setattr(measure, "matrix_peak", lambda device, dtype: products.append(dtype) or 100.0)
    list(measure.speeds(works_of(tiny_grid), "cpu"))
    assert set(settled) == {("cpu", "bfloat16")}
    assert products == [torch.bfloat16]


@pytest.mark.parametrize(("architecture", "gigaflop"), [("conv_64", 5.27), ("conv_64_4x4", None)])
def test_operations_per_step_are_those_of_the_study(tmp_path, architecture, gigaflop):
    path = tmp_path / "g.yaml"
    path.write_text(
        f"datasets: [dsprites]\nmodels: {{beta_vae: {{beta: 4}}}}\ntraining: {{architecture: "
        f"{architecture}}}\n"
    )
    cell = load_grid(path, data_dir=tmp_path).cells[0]
    found = measure._gigaflop(measure._problem(cell, "cpu"), cell, "cpu")
    assert found == pytest.approx(gigaflop, rel=0.01) if gigaflop else found > 5.27


def moved(tmp_path, model, channels, precision):
    """Gigabytes of a step on conv_64."""
    path, dataset = tmp_path / "g.yaml", {1: "dsprites", 3: "shapes3d"}[channels]
    path.write_text(
        f"datasets: [{dataset}]\nmodels: {{{model}}}\n"
        f"training: {{architecture: conv_64, precision: {precision}}}\n"
    )
    cell = load_grid(path, data_dir=tmp_path).cells[0]
    return measure._gigabyte(measure._problem(cell, "cpu"), cell, "cpu")


@pytest.mark.parametrize(
    ("channels", "precision", "gigabyte"),
    [(1, "float32", 0.2038), (3, "float32", 0.2186), (1, "bfloat16", 0.1171)],
)
def test_bytes_per_step_are_those_counted_by_hand(tmp_path, channels, precision, gigabyte):
    # e1 … e4, e5, both heads, d1, d2, d3 … d6 of a batch of 64; 690,517 or 692,567 parameters
    convolutions = 2 * (32 * 32**2 + 32 * 16**2 + 64 * 8**2) + 64 * 4**2 + channels * 64**2
    outputs, parameters = 64 * (convolutions + 256 + 20 + 256 + 1024), {1: 690_517, 3: 692_567}[channels]
    size = 2 if precision == "bfloat16" else 4
    by_hand = (7 * outputs * size + 11 * parameters * 4) / 1e9
    assert by_hand == pytest.approx(gigabyte, rel=0.001)
    # a little more: the last layer computes 33 × 33 blocks of 2 × 2; dense layers' outputs stay float32
    assert by_hand < moved(tmp_path, "beta_vae: {beta: 4}", channels, precision) < 1.015 * by_hand


def test_bytes_of_a_step_with_a_discriminator_are_mostly_its_weights(tmp_path):
    alone = moved(tmp_path, "beta_vae: {beta: 4}", 1, "float32")
    found = moved(tmp_path, "factor_vae: {gamma: 10}", 1, "float32")
    by_hand = (11 * 5_018_002 + 7 * 2 * 64 * (6 * 1000 + 2)) * 4 / 1e9
    assert found - alone == pytest.approx(by_hand)


def test_a_step_is_bound_by_what_takes_longer():
    limits = measure.Limits(products=100.0, copies=10.0)
    assert limits.least(gigaflop=50.0, gigabyte=1.0) == (0.5, "products")
    assert limits.least(gigaflop=5.0, gigabyte=1.0) == (0.1, "memory")


def test_a_cpu_is_bound_by_products_alone():
    assert measure.Limits.of("cpu", torch.float32).least(1e-9, 1e9)[1] == "products"
    assert measure.copy_peak("cpu") > 0


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

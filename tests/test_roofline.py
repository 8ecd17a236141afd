"""What a step works and moves, against counts by hand, and what limits it."""

import pytest
import torch

from bench import roofline
from bench.cell import Cell
from bench.data.device import DeviceImages
from bench.grid import load_grid
from bench.measure import Noise
from bench.problem import block, start
from bench.roofline import Limits
from bench.stack import members_of, problem_of


@pytest.fixture(autouse=True)
def short(monkeypatch):
    monkeypatch.setattr("bench.stopwatch.ROUNDS", 2)
    monkeypatch.setattr("bench.stopwatch.SECONDS_PER_ROUND", 0.01)


def a_step(cell: Cell) -> tuple:
    """One member of a cell's problem, on random images, and what its first step needs."""
    channels = 3 if cell.dataset == "shapes3d" else 1
    problem = problem_of(cell, DeviceImages(Noise(channels), "cpu"))
    members = members_of([cell], problem, torch.device("cpu"))
    return problem, members, start(problem, members), block(problem, members, 0, 1)


@pytest.mark.parametrize(("architecture", "gigaflop"), [("conv_64", 5.27), ("conv_64_4x4", None)])
def test_operations_per_step_are_those_of_the_study(tmp_path, architecture, gigaflop):
    path = tmp_path / "g.yaml"
    path.write_text(
        f"datasets: [dsprites]\nmodels: {{beta_vae: {{beta: 4}}}}\ntraining: {{architecture: "
        f"{architecture}}}\n"
    )
    cell = load_grid(path, data_dir=tmp_path).cells[0]
    found = roofline.gigaflop(*a_step(cell))
    assert found == pytest.approx(gigaflop, rel=0.01) if gigaflop else found > 5.27


def moved(tmp_path, model, channels, precision):
    """Gigabytes of a step on conv_64."""
    path, dataset = tmp_path / "g.yaml", {1: "dsprites", 3: "shapes3d"}[channels]
    path.write_text(
        f"datasets: [{dataset}]\nmodels: {{{model}}}\n"
        f"training: {{architecture: conv_64, precision: {precision}}}\n"
    )
    cell = load_grid(path, data_dir=tmp_path).cells[0]
    return roofline.gigabyte(*a_step(cell))


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
    limits = Limits(products=100.0, copies=10.0)
    assert limits.least(gigaflop=50.0, gigabyte=1.0) == (0.5, "products")
    assert limits.least(gigaflop=5.0, gigabyte=1.0) == (0.1, "memory")


def test_a_cpu_is_bound_by_products_alone():
    assert Limits.of("cpu", torch.float32).least(1e-9, 1e9)[1] == "products"
    assert roofline.copy_peak("cpu") > 0

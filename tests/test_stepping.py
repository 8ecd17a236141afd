"""Ways to run many steps: which steps are logged, and a graph that equals single steps."""

from contextlib import contextmanager, nullcontext

import pytest
import torch
from problems import SETTINGS, NoiseImages, members, problem

from bench.attempts import DeviceLost
from bench.data.device import DeviceImages
from bench.models import MODELS
from bench.optim import Moments
from bench.problem import UNROLLED, Block, Problem, State, block, start, steps_at_once
from bench.settings import IMAGE_SIZE
from bench.stepping import EagerSteps, GraphedSteps, capturing, stepper_for, update, what_is_logged
from bench.training import is_logged


@pytest.mark.parametrize(("steps", "about"), [(1, 1), (60, 60), (400, 200), (8000, 200), (300_000, 200)])
def test_about_two_hundred_steps_are_logged_the_first_and_last_among_them(steps, about):
    logged = [step for step in range(steps) if is_logged(step, steps)]
    assert logged[0] == 0
    assert logged[-1] == steps - 1
    assert about <= len(logged) <= about + 20


def test_in_long_trainings_a_graph_can_read_every_logged_step_but_the_first():
    logged = [step for step in range(8000) if is_logged(step, 8000)]
    assert {step % UNROLLED for step in logged[1:]} == {UNROLLED - 1}


@pytest.mark.parametrize(
    ("members", "nuisance", "on_cpu", "on_gpu"),
    [(32, 0, 100, 100), (1, 12_288, 5, 100), (32, 12_288, 1, 20), (64, 12_288, 1, 10), (8, 3, 100, 100)],
)
def test_blocks_fill_whole_graphs_where_memory_allows(members, nuisance, on_cpu, on_gpu):
    size = members * 64 * nuisance
    assert steps_at_once(size, "cpu") == on_cpu
    assert steps_at_once(size, "cuda") == on_gpu


def test_on_a_cpu_steps_are_single():
    given = problem("beta_vae")
    pack = members(given, SETTINGS["beta_vae"])
    assert isinstance(stepper_for(given, pack, start(given, pack)), EagerSteps)


def test_stretches_of_any_length_give_the_same_bits_and_points():
    given = problem("factor_vae", precision="float32")
    pack = members(given, SETTINGS["factor_vae"])
    prepared = block(given, pack, 0, 30)
    whole, parts = start(given, pack), start(given, pack)
    points = EagerSteps(given, pack, whole).run(prepared, 0, 30, {9, 29})
    stepper = EagerSteps(given, pack, parts)
    others = [point for first in (0, 10, 20) for point in stepper.run(prepared, first, 10, {9, 29})]
    assert whole.step == parts.step == 30
    assert torch.equal(whole.parameters, parts.parameters)
    assert torch.equal(whole.discriminator, parts.discriminator)
    for one, other in zip(points, others, strict=True):
        assert all(torch.equal(one[name], other[name]) for name in one)


def to_meta(given):
    """The same tensors without values, in whatever holds them."""
    if isinstance(given, torch.Tensor):
        return given.to("meta")
    if isinstance(given, dict):
        return {name: to_meta(value) for name, value in given.items()}
    if isinstance(given, Block | State | Moments):
        return type(given)(**to_meta(vars(given)))
    return given


@pytest.mark.parametrize("architecture", ["conv_64", "dense_8"])
@pytest.mark.parametrize("model", MODELS)
def test_a_step_asks_the_host_nothing(model, architecture):
    """Tensors without values run through it: reading one, as a synchronisation does, would be an error."""
    given = problem(model, architecture=architecture, precision="float32")
    pack = members(given, SETTINGS[model])
    state, prepared = to_meta(start(given, pack)), to_meta(block(given, pack, 0, UNROLLED))
    images = DeviceImages(NoiseImages(), "meta", IMAGE_SIZE[architecture])
    elsewhere = Problem(**{**vars(given), "images": images})
    with pytest.raises(RuntimeError):
        state.alive.all().item()
    point = what_is_logged(*update(elsewhere, state, to_meta(pack.hyper), prepared, 3))
    assert point["loss"].shape == (3,)
    assert {value.device.type for value in point.values()} == {"meta"}


@pytest.mark.skipif(not torch.cuda.is_available(), reason="a CUDA graph needs an NVIDIA GPU")
@pytest.mark.parametrize("model", ["beta_vae", "factor_vae", "beta_tc_vae"])
def test_a_graph_gives_the_bits_of_single_steps(model):
    given = problem(model, device="cuda", precision="float32", steps=100)
    pack = members(given, SETTINGS[model])
    prepared = block(given, pack, 0, 50)
    eager, graphed = start(given, pack), start(given, pack)
    EagerSteps(given, pack, eager).run(prepared, 0, 50, ())
    stepper = GraphedSteps(given, pack, graphed)
    for first in range(0, 50, UNROLLED):
        stepper.run(prepared, first, UNROLLED, {first + UNROLLED - 1})
    assert torch.equal(eager.parameters, graphed.parameters)


@pytest.mark.parametrize("ends", [True, False])
def test_a_recording_that_cannot_be_ended_costs_the_process_another_error_its_cell(ends, monkeypatch):
    """torch.cuda.graph as torch 2.13 has it: ending the recording may raise beside what went wrong in it."""

    @contextmanager
    def graph(*_, **__):
        try:
            yield
        finally:
            if not ends:
                raise torch.AcceleratorError("CUDA error: operation failed due to a previous error")

    monkeypatch.setattr(torch.cuda, "graph", graph)
    monkeypatch.setattr(torch.cuda, "stream", lambda stream: nullcontext())
    monkeypatch.setattr(torch.cuda, "current_stream", lambda: None)
    with pytest.raises(ArithmeticError if ends else DeviceLost, match="by zero"), capturing(None, None):
        raise ArithmeticError("divided by zero")
    if ends:
        with capturing(None, None):
            pass
    else:  # nothing went wrong before: its ending alone did
        with pytest.raises(DeviceLost, match="previous error"), capturing(None, None):
            pass

"""Named precisions: bfloat16 reaches the convolutions' activations and nothing else."""

import pytest
import torch
from problems import SETTINGS, members, problem

from bench.problem import block, start
from bench.stepping import forward, update


def logits_of(precision: str) -> torch.Tensor:
    """Codes and logits of three members' first batch."""
    given = problem("beta_vae", architecture="conv_64", precision=precision, batch_size=4)
    pack = members(given, SETTINGS["beta_vae"])
    state, prepared = start(given, pack), block(given, pack, 0, 1)
    images = given.images.batch(prepared.index[0]).to(given.dtype)
    seen = forward(given, state.parameters, images, prepared.noise[0], pack.hyper, prepared.step[0])
    logits = given.network.decode(given.network.layout.split(state.parameters), seen.z)
    return torch.cat((seen.mean.flatten(), logits.flatten())).double()


@pytest.mark.parametrize(
    ("precision", "at_least", "at_most"), [("float32", 0, 1e-5), ("bfloat16", 1e-3, 5e-2)]
)
def test_a_precision_rounds_as_much_as_its_name_says(precision, at_least, at_most):
    exact, rounded = logits_of("float64"), logits_of(precision)
    error = ((rounded - exact).norm() / exact.norm()).item()
    assert at_least <= error <= at_most


def test_parameters_and_losses_stay_in_float32_under_bfloat16():
    given = problem("beta_vae", architecture="conv_64", precision="bfloat16", batch_size=4)
    pack = members(given, SETTINGS["beta_vae"])
    state = start(given, pack)
    statistics, terms = update(given, state, pack.hyper, block(given, pack, 0, 1), 0)
    assert {state.parameters.dtype, statistics.z.dtype, terms["loss"].dtype} == {torch.float32}
    assert state.alive.all()

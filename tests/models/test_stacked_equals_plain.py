"""Every model, stacked, against a plain nn.Module trained on the same numbers."""

import pytest
import torch
from models.plain import PlainDiscriminator, PlainVAE, train_plain
from problems import SETTINGS, members, problem

from bench.models import MODELS
from bench.problem import block, start
from bench.stepping import update

STEPS = 60


def losses_of_both(
    name, architecture="dense_8", reconstruction="bernoulli", precision="float64", steps=STEPS
):
    """Losses (steps, 3) of three stacked members and of three plain trainings."""
    stacked = problem(name, reconstruction, architecture=architecture, precision=precision, steps=steps)
    pack = members(stacked, SETTINGS[name])
    state, draws = start(stacked, pack), block(stacked, pack, 0, steps)
    weights = {
        key: value.double().clone() for key, value in stacked.network.layout.split(state.parameters).items()
    }
    critics = None
    if stacked.discriminator is not None:
        critics = {
            key: value.double().clone()
            for key, value in stacked.discriminator.split(state.discriminator).items()
        }
    found = torch.stack([update(stacked, state, pack.hyper, draws, k)[1]["loss"] for k in range(steps)])
    expected = []
    for e, settings in enumerate(SETTINGS[name]):
        vae = PlainVAE(architecture, {key: value[e] for key, value in weights.items()})
        critic = (
            None if critics is None else PlainDiscriminator({key: value[e] for key, value in critics.items()})
        )
        batches = stacked.images.batch(draws.index[:, e]).double()
        permutation = None if draws.permutation is None else draws.permutation[:, e]
        common = {"reconstruction": reconstruction, "reconstruction_scale": 0.7, "reconstruction_weight": 2.0}
        expected.append(
            train_plain(
                name, vae, critic, common | settings, batches, draws.noise[:, e].double(), permutation, 1e-3
            )
        )
    return found.double(), torch.tensor(expected, dtype=torch.float64).T


@pytest.mark.parametrize("name", MODELS)
def test_losses_agree_to_rounding_in_float64(name):
    found, expected = losses_of_both(name)
    assert torch.allclose(found, expected, rtol=1e-9, atol=0)


@pytest.mark.parametrize("name", ["beta_vae", "factor_vae"])
def test_the_studys_network_agrees_too(name):
    found, expected = losses_of_both(name, architecture="conv_64", steps=50 if name == "beta_vae" else 10)
    assert torch.allclose(found, expected, rtol=1e-9, atol=0)


@pytest.mark.parametrize("reconstruction", ["gaussian", "laplace"])
def test_other_likelihoods_agree(reconstruction):
    found, expected = losses_of_both("beta_vae", reconstruction=reconstruction)
    assert torch.allclose(found, expected, rtol=1e-9, atol=0)


@pytest.mark.parametrize("name", MODELS)
def test_float32_stays_close_while_adam_has_not_amplified_rounding(name):
    # where the true gradient is near zero, m/√v turns rounding into steps of ±lr (docs/performance.md)
    found, expected = losses_of_both(name, precision="float32", steps=50)
    assert torch.allclose(found, expected, rtol=1e-4, atol=0)

"""What must hold between objectives, whatever the numbers."""

import math

import pytest
import torch

from bench.models import MODELS
from bench.models.beta_tc_vae import total_correlation
from bench.models.factor_vae import discriminator_loss, permute_codes
from bench.models.statistics import (
    RECONSTRUCTION,
    Statistics,
    kl_decomposition,
    kl_per_latent,
    sample_posterior,
)


def normal(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def statistics(step: float = 0.0, batch: int = 16) -> Statistics:
    mean, log_variance = normal(2, batch, 4), normal(2, batch, 4, seed=1) - 1
    z = sample_posterior(mean, log_variance, normal(2, batch, 4, seed=2))
    kl = kl_per_latent(mean, log_variance)
    return Statistics(
        mean, log_variance, z, normal(2, seed=3).abs(), kl, torch.tensor(step), normal(2, batch, 2)
    )


def hyper(**values: float) -> dict[str, torch.Tensor]:
    return {name: torch.full((2,), value, dtype=torch.float64) for name, value in values.items()}


@pytest.mark.parametrize(
    ("model", "settings"),
    [
        ("beta_vae", {"beta": 1.0}),
        ("beta_tc_vae", {"beta": 1.0}),
        ("factor_vae", {"gamma": 0.0}),
        ("dip_vae_i", {"lambda_od": 0.0, "lambda_d_factor": 10.0}),
        ("dip_vae_ii", {"lambda_od": 0.0, "lambda_d_factor": 1.0}),
        ("annealed_vae", {"c_max": 0.0, "gamma": 1.0, "iteration_threshold": 100.0}),
    ],
)
def test_every_model_becomes_the_plain_vae_at_its_neutral_value(model, settings):
    seen = statistics()
    plain = MODELS["vae"].regularizer(seen, {})
    assert torch.allclose(MODELS[model].regularizer(seen, hyper(**settings)), plain, rtol=1e-12)


def test_kl_is_torchs():
    seen = statistics()
    posterior = torch.distributions.Normal(seen.mean, (0.5 * seen.log_variance).exp())
    prior = torch.distributions.Normal(torch.zeros((), dtype=torch.float64), 1.0)
    expected = torch.distributions.kl_divergence(posterior, prior).mean(1)
    assert torch.allclose(seen.kl_per_latent, expected, rtol=1e-12)


def test_the_decomposition_sums_to_the_kl_at_the_sampled_codes():
    seen = statistics()
    parts = kl_decomposition(seen)
    posterior = torch.distributions.Normal(seen.mean, (0.5 * seen.log_variance).exp())
    prior = torch.distributions.Normal(torch.zeros((), dtype=torch.float64), 1.0)
    at_z = (posterior.log_prob(seen.z) - prior.log_prob(seen.z)).sum(2).mean(1)
    assert torch.allclose(sum(parts.values()), at_z, rtol=1e-10)
    assert (parts["mutual_information"] <= math.log(16) + 1e-12).all()


def test_identical_posteriors_carry_no_information_and_have_no_total_correlation():
    mean, log_variance = normal(1, 1, 4).expand(1, 32, 4), normal(1, 1, 4, seed=1).expand(1, 32, 4)
    z = sample_posterior(mean, log_variance, normal(1, 32, 4, seed=2))
    seen = Statistics(
        mean, log_variance, z, torch.zeros(1), kl_per_latent(mean, log_variance), torch.tensor(0.0)
    )
    parts = kl_decomposition(seen)
    assert parts["mutual_information"].item() == pytest.approx(0, abs=1e-12)
    assert parts["total_correlation"].item() == pytest.approx(0, abs=1e-12)


def test_the_released_total_correlation_lies_a_constant_below_the_batch_estimate():
    seen = statistics()
    constant = (4 - 1) * math.log(16)
    expected = kl_decomposition(seen)["total_correlation"] - constant
    assert torch.allclose(total_correlation(seen), expected, rtol=1e-10)
    assert (total_correlation(seen) <= 0).all()


@pytest.mark.parametrize(("step", "reached"), [(0, 0.0), (50, 0.5), (100, 1.0), (10_000, 1.0)])
def test_capacity_grows_linearly_and_stays_at_its_maximum(step, reached):
    seen = statistics(step)
    loss = MODELS["annealed_vae"].regularizer(
        seen, hyper(c_max=25.0, gamma=1000.0, iteration_threshold=100.0)
    )
    assert torch.allclose(loss, 1000 * (seen.kl - 25 * reached).abs(), rtol=1e-6)


def test_a_clipped_probability_gives_the_discriminator_no_gradient():
    certain = torch.tensor([[[40.0, -40.0], [0.3, -0.3]]], dtype=torch.float64, requires_grad=True)
    unsure = torch.zeros(1, 2, 2, dtype=torch.float64)
    loss = discriminator_loss(certain, unsure)
    (gradient,) = torch.autograd.grad(loss.sum(), certain)
    assert not gradient[0, 0].any()
    assert gradient[0, 1].abs().min() > 0.05
    assert discriminator_loss(unsure, unsure).item() == pytest.approx(math.log(2))


def test_permuting_codes_keeps_each_column_and_breaks_their_bond():
    z = torch.arange(12.0).view(1, 4, 3)
    permutation = torch.tensor([[[1, 0, 3], [0, 1, 2], [3, 2, 1], [2, 3, 0]]])
    permuted = permute_codes(z, permutation)
    assert torch.equal(permuted[0, :, 0], z[0, [1, 0, 3, 2], 0])
    assert torch.equal(permuted.sort(1).values, z)


@pytest.mark.parametrize("kind", RECONSTRUCTION)
def test_reconstruction_is_summed_over_pixels_and_averaged_over_the_batch(kind):
    output, images, scale = normal(2, 3, 1, 8, 8), normal(2, 3, 1, 8, 8, seed=1).sigmoid(), torch.ones(2)
    whole = RECONSTRUCTION[kind](output, images, scale)
    halves = RECONSTRUCTION[kind](output[..., :4], images[..., :4], scale)
    halves = halves + RECONSTRUCTION[kind](output[..., 4:], images[..., 4:], scale)
    each = torch.stack(
        [RECONSTRUCTION[kind](output[:, i : i + 1], images[:, i : i + 1], scale) for i in range(3)]
    )
    assert torch.allclose(whole, halves, rtol=1e-12)
    assert torch.allclose(whole, each.mean(0), rtol=1e-12)

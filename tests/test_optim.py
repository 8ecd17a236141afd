import math

import pytest
import torch

from bench.optim import Moments, adam_rate, adam_step, half_cosine

BETAS = (0.9, 0.999)


def gradients(steps: int, members: int = 3, size: int = 16) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randn(steps, members, size, generator=generator, dtype=torch.float64)


def train(parameters: torch.Tensor, steps: torch.Tensor, alive: torch.Tensor) -> torch.Tensor:
    moments = Moments.zeros_like(parameters)
    for t, gradient in enumerate(steps):
        rate = torch.tensor(adam_rate(t, 1e-3, *BETAS), dtype=parameters.dtype)
        adam_step(parameters, gradient.clone(), moments, rate * alive, alive, *BETAS)
    return parameters


def test_steps_are_tensorflows_adam_written_out():
    grads = gradients(30, members=1, size=16) * torch.logspace(-9, 0, 16, dtype=torch.float64)
    p, m, v = [0.0] * 16, [0.0] * 16, [0.0] * 16
    for t, row in enumerate(grads[:, 0].tolist(), start=1):
        for i, g in enumerate(row):
            m[i] = 0.9 * m[i] + 0.1 * g
            v[i] = 0.999 * v[i] + 0.001 * g * g
            p[i] -= 1e-3 * math.sqrt(1 - 0.999**t) / (1 - 0.9**t) * m[i] / (math.sqrt(v[i]) + 1e-8)
    trained = train(torch.zeros(1, 16, dtype=torch.float64), grads, torch.tensor([True]))
    assert trained[0].tolist() == pytest.approx(p, rel=1e-12)


def test_it_is_torchs_adam_with_a_rescaled_epsilon():
    grads = gradients(20)
    parameter = torch.nn.Parameter(torch.zeros(3, 16, dtype=torch.float64))
    optimiser = torch.optim.Adam([parameter], lr=1e-3, betas=BETAS)
    for t, gradient in enumerate(grads, start=1):
        optimiser.param_groups[0]["eps"] = 1e-8 / math.sqrt(1 - 0.999**t)
        parameter.grad = gradient.clone()
        optimiser.step()
    trained = train(torch.zeros(3, 16, dtype=torch.float64), grads, torch.ones(3, dtype=torch.bool))
    assert torch.allclose(trained, parameter.data, rtol=1e-12, atol=0)


@pytest.mark.parametrize("poison", [math.nan, math.inf])
def test_a_frozen_member_keeps_its_bits_and_so_do_its_neighbours(poison):
    grads = gradients(10)
    start = torch.randn(3, 16, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    alone = train(start[[0, 2]].clone(), grads[:, [0, 2]], torch.ones(2, dtype=torch.bool))
    grads[:, 1] = poison
    trained = train(start.clone(), grads, torch.tensor([True, False, True]))
    assert torch.equal(trained[1], start[1])
    assert torch.equal(trained[[0, 2]], alone)


def test_learning_rate_is_constant_or_half_a_cosine():
    assert half_cosine(700, 1000, 1e-4, None) == 1e-4
    assert half_cosine(0, 1001, 4e-3, 8e-5) == pytest.approx(4e-3)
    assert half_cosine(500, 1001, 4e-3, 8e-5) == pytest.approx((4e-3 + 8e-5) / 2)
    assert half_cosine(1000, 1001, 4e-3, 8e-5) == pytest.approx(8e-5)

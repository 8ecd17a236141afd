"""The study's closing evaluation: how well a trained model reconstructs and compresses fresh images."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from bench.nets.discriminator import discriminate
from bench.problem import Members, Problem, State, block_length, draw_nuisance
from bench.randomness import Stream, indices, normals
from bench.stepping import forward, images_of


@torch.no_grad()
def evaluate(problem: Problem, members: Members, state: State, batches: int) -> dict[str, Tensor]:
    """The study's closing evaluation: plain means over `batches` fresh batches with fresh noise, each (E,).

    Keys: elbo = −(reconstruction + kl), reconstruction, kl, loss, all in nats (locatello2019.md §3).
    """
    seeds, batch, latents = members.seeds, problem.training.batch_size, problem.training.latent_dim
    final = torch.tensor(problem.training.steps, dtype=problem.dtype).to(seeds.device)
    totals: dict[str, Tensor] = {}
    length = block_length(problem, members)
    for first in range(0, batches, length):
        steps = torch.arange(first, min(first + length, batches), device=seeds.device)
        index = indices(seeds, Stream.EVALUATION_INDEX, steps, batch, problem.images.size)
        noise = normals(seeds, Stream.EVALUATION_NOISE, steps, batch * latents, problem.dtype)
        nuisance = draw_nuisance(problem.images, seeds, Stream.EVALUATION_NUISANCE, steps, batch)
        noise = noise.unflatten(2, (batch, latents))
        for k in range(len(steps)):
            images = images_of(problem, index[k], None if nuisance is None else nuisance[k])
            for name, value in _evaluated(problem, state, members.hyper, images, noise[k], final).items():
                totals[name] = totals.get(name, 0.0) + value / batches
    return totals


def _evaluated(problem, state, hyper, images, noise, final) -> dict[str, Tensor]:
    statistics = forward(problem, state.parameters, images, noise, hyper, final)
    if problem.model.adversarial:
        logits = discriminate(problem.discriminator.split(state.discriminator), statistics.z)
        statistics = replace(statistics, critic_logits=logits)
    reconstruction, kl = statistics.reconstruction, statistics.kl
    loss = hyper["reconstruction_weight"] * reconstruction + problem.model.regularizer(statistics, hyper)
    return {"elbo": -(reconstruction + kl), "reconstruction": reconstruction, "kl": kl, "loss": loss}

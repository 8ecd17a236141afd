"""The training step and loop of a pack: one functional core, the same at every width.

A pack's E members are rows of flat tensors. Nothing is drawn inside the core: batches, noise and
permutations come in as functions of (seed, stream, step), made in blocks. A member whose loss or gradient
stops being finite is frozen at its last finite parameters; its neighbours' bits do not change.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor

from bench.data.device import DeviceImages
from bench.models import Model
from bench.models.factor_vae import discriminator_loss, permute_codes
from bench.models.statistics import (
    RECONSTRUCTION,
    Statistics,
    kl_decomposition,
    kl_per_latent,
    sample_posterior,
)
from bench.nets import Network
from bench.nets.discriminator import discriminate
from bench.nets.parameters import Layout
from bench.optim import Moments, adam_rate, adam_step, half_cosine
from bench.randomness import Stream, byte_uniforms, indices, normals, permutations, uniforms
from bench.settings import Training

BLOCK = 100  # steps whose random numbers are made at once: amortises the ~120 integer operations of Philox
NUISANCE_NUMBERS = 2**22  # at most so many at once, a few hundred MB with what making them needs
CURVE_POINTS = 200  # how many steps of a training are logged

_VAE_BETAS = (0.9, 0.999)
_DISCRIMINATOR_BETAS = (0.5, 0.9)


@dataclass(frozen=True)
class Problem:
    """What all members of a pack share."""

    network: Network
    model: Model
    training: Training
    reconstruction: str
    discriminator: Layout | None
    images: DeviceImages

    @property
    def dtype(self) -> torch.dtype:
        """Precision of parameters, heads, losses and Adam."""
        return torch.float64 if self.training.precision == "float64" else torch.float32


@dataclass(frozen=True)
class Members:
    """What a pack's members differ in: seeds (E,) and each numeric setting of the model (E,)."""

    seeds: Tensor
    hyper: dict[str, Tensor]


@dataclass
class State:
    """Everything that training changes; rows belong to members, so packs can be taken apart and rebuilt."""

    step: int
    parameters: Tensor
    moments: Moments
    discriminator: Tensor | None
    discriminator_moments: Moments | None
    alive: Tensor  # (E,) bool
    died_at: Tensor  # (E,) int64, the step whose loss or gradient was not finite, −1 while alive


@dataclass(frozen=True)
class Block:
    """What K steps need, made at once on the device, so that no step waits for the host."""

    step: Tensor  # (K,) completed updates before each step
    index: Tensor  # (K, E, B)
    noise: Tensor  # (K, E, B, d)
    nuisance: Tensor | None  # (K, E, B, numbers)
    permutation: Tensor | None  # (K, E, B, d)
    rate: Tensor  # (K,) step size of the VAE's Adam
    critic_rate: Tensor  # (K,) the same of the discriminator's, for a learning rate of 1


@dataclass
class Curve:
    """Logged steps of a pack: `points[name]` is a list of tensors (E,) or, for kl_per_latent, (E, d)."""

    steps: list[int] = field(default_factory=list)
    points: dict[str, list[Tensor]] = field(default_factory=dict)

    def add(self, step: int, values: dict[str, Tensor]) -> None:
        self.steps.append(step)
        for name, value in values.items():
            self.points.setdefault(name, []).append(value)


def activation_dtype(precision: str) -> torch.dtype:
    """Precision of the convolutions' activations under a named precision of a grid."""
    return {"float64": torch.float64, "bfloat16": torch.bfloat16}.get(precision, torch.float32)


def start(problem: Problem, members: Members) -> State:
    """The state before the first update."""
    seeds, dtype = members.seeds, problem.dtype
    parameters = problem.network.layout.initial(seeds, Stream.WEIGHTS, dtype)
    discriminator = None
    if problem.discriminator is not None:
        discriminator = problem.discriminator.initial(seeds, Stream.DISCRIMINATOR_WEIGHTS, dtype)
    return State(
        step=0,
        parameters=parameters,
        moments=Moments.zeros_like(parameters),
        discriminator=discriminator,
        discriminator_moments=None if discriminator is None else Moments.zeros_like(discriminator),
        alive=torch.ones(len(seeds), dtype=torch.bool, device=seeds.device),
        died_at=torch.full((len(seeds),), -1, dtype=torch.int64, device=seeds.device),
    )


def block(problem: Problem, members: Members, first: int, count: int) -> Block:
    """Random numbers and step sizes of steps first … first + count − 1."""
    training, seeds, dtype = problem.training, members.seeds, problem.dtype
    batch, latents = training.batch_size, training.latent_dim
    steps = torch.arange(first, first + count, device=seeds.device)
    nuisance, permutation = draw_nuisance(problem.images, seeds, Stream.NUISANCE, steps, batch), None
    if problem.model.adversarial:
        permutation = permutations(seeds, Stream.PERMUTATION, steps, batch, latents)
    noise = normals(seeds, Stream.NOISE, steps, batch * latents, dtype).unflatten(2, (batch, latents))
    index = indices(seeds, Stream.INDEX, steps, batch, problem.images.size)
    rates = [_rate(training, step) for step in range(first, first + count)]
    critic_rates = [adam_rate(step, 1.0, *_DISCRIMINATOR_BETAS) for step in range(first, first + count)]
    return Block(
        step=steps.to(dtype),
        index=index,
        noise=noise,
        nuisance=nuisance,
        permutation=permutation,
        rate=torch.tensor(rates, dtype=dtype).to(seeds.device),
        critic_rate=torch.tensor(critic_rates, dtype=dtype).to(seeds.device),
    )


def block_length(problem: Problem, members: Members) -> int:
    """Steps whose random numbers are made at once: BLOCK, fewer where images' noise would fill the memory."""
    numbers = len(members.seeds) * problem.training.batch_size * max(1, problem.images.nuisance_size)
    return max(1, min(BLOCK, NUISANCE_NUMBERS // numbers))


def draw_nuisance(
    images: DeviceImages, seeds: Tensor, stream: Stream, steps: Tensor, batch: int
) -> Tensor | None:
    """Uniform numbers (K, E, B, nuisance_size) that draw the images' nuisance; None where there is none."""
    if not images.nuisance_size:
        return None
    draw = byte_uniforms if images.nuisance_bits == 8 else uniforms
    return draw(seeds, stream, steps, batch * images.nuisance_size, torch.float32).unflatten(2, (batch, -1))


def forward(
    problem: Problem, parameters: Tensor, images: Tensor, noise: Tensor, hyper: dict[str, Tensor], step
):
    """Statistics of one batch (without a discriminator): images (E, B, C, H, W), noise (E, B, d)."""
    named = problem.network.layout.split(parameters)
    mean, log_variance = problem.network.encode(named, images)
    z = sample_posterior(mean, log_variance, noise)
    output = problem.network.decode(named, z)
    reconstruction = RECONSTRUCTION[problem.reconstruction](output, images, hyper["reconstruction_scale"])
    return Statistics(mean, log_variance, z, reconstruction, kl_per_latent(mean, log_variance), step)


def update(
    problem: Problem, state: State, hyper: dict[str, Tensor], block: Block, k: int
) -> tuple[Statistics, dict[str, Tensor]]:
    """Update every living member in place by step k of a block; returns statistics and logged terms (E,)."""
    images = _batch(problem, block.index[k], None if block.nuisance is None else block.nuisance[k])
    parameters = state.parameters.requires_grad_()
    statistics = forward(problem, parameters, images, block.noise[k], hyper, block.step[k])
    terms: dict[str, Tensor] = {}
    if problem.model.adversarial:
        critic = state.discriminator.requires_grad_()
        permuted = permute_codes(statistics.z.detach(), block.permutation[k])
        logits = discriminate(problem.discriminator.split(critic), torch.cat((statistics.z, permuted), dim=1))
        joint, shuffled = logits.chunk(2, dim=1)
        statistics = Statistics(**{**vars(statistics), "critic_logits": joint})
        critic_loss = discriminator_loss(joint, shuffled)
        terms["discriminator_loss"] = critic_loss.detach()
        terms["discriminator_accuracy"] = _accuracy(joint.detach(), shuffled.detach())
    regularizer = problem.model.regularizer(statistics, hyper)
    loss = hyper["reconstruction_weight"] * statistics.reconstruction + regularizer
    # both gradients before either update; torch.autograd.grad follows only the paths to what it is given
    (gradient,) = torch.autograd.grad(loss.sum(), parameters, retain_graph=problem.model.adversarial)
    finite = loss.isfinite() & gradient.sum(1).isfinite()
    if problem.model.adversarial:
        (critic_gradient,) = torch.autograd.grad(critic_loss.sum(), critic)
        finite &= critic_loss.isfinite() & critic_gradient.sum(1).isfinite()
    with torch.no_grad():
        state.died_at = torch.where(state.alive & ~finite, state.step, state.died_at)
        state.alive = state.alive & finite
        rate = block.rate[k] * state.alive
        adam_step(parameters, gradient, state.moments, rate, state.alive, *_VAE_BETAS)
        if problem.model.adversarial:
            rate = hyper["discriminator_learning_rate"] * block.critic_rate[k] * state.alive
            moments = state.discriminator_moments
            adam_step(critic, critic_gradient, moments, rate, state.alive, *_DISCRIMINATOR_BETAS)
    state.step += 1
    terms |= {"loss": loss.detach(), "regularizer": regularizer.detach()}
    return statistics, terms


def train(
    problem: Problem,
    members: Members,
    state: State,
    curve: Curve,
    on_block: Callable[[State, Curve], None],
) -> None:
    """Train `state` in place to the last step; `on_block` is called every BLOCK steps.

    Nothing inside the loop waits for the device; what is logged stays there until somebody reads it.
    """
    steps = problem.training.steps
    every = max(1, steps // CURVE_POINTS)
    length = block_length(problem, members)
    while state.step < steps:
        count = min(length, steps - state.step)
        prepared = block(problem, members, state.step, count)
        for k in range(count):
            step = state.step
            statistics, terms = update(problem, state, members.hyper, prepared, k)
            if step % every == 0 or step == steps - 1:
                curve.add(step, terms | _logged(statistics))
        on_block(state, curve)


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
            images = _batch(problem, index[k], None if nuisance is None else nuisance[k])
            for name, value in _evaluated(problem, state, members.hyper, images, noise[k], final).items():
                totals[name] = totals.get(name, 0.0) + value / batches
    return totals


def _evaluated(problem, state, hyper, images, noise, final) -> dict[str, Tensor]:
    statistics = forward(problem, state.parameters, images, noise, hyper, final)
    if problem.model.adversarial:
        logits = discriminate(problem.discriminator.split(state.discriminator), statistics.z)
        statistics = Statistics(**{**vars(statistics), "critic_logits": logits})
    reconstruction, kl = statistics.reconstruction, statistics.kl
    loss = hyper["reconstruction_weight"] * reconstruction + problem.model.regularizer(statistics, hyper)
    return {"elbo": -(reconstruction + kl), "reconstruction": reconstruction, "kl": kl, "loss": loss}


def _batch(problem: Problem, index: Tensor, nuisance: Tensor | None) -> Tensor:
    return problem.images.batch(index, nuisance).to(problem.dtype)


def _accuracy(joint: Tensor, permuted: Tensor) -> Tensor:
    """Share of the 2·B codes that the discriminator places right: (E, B, 2)×2 → (E,)."""
    right = (joint[..., 0] > joint[..., 1]).double().mean(1) + (
        permuted[..., 1] > permuted[..., 0]
    ).double().mean(1)
    return 0.5 * right


def _rate(training: Training, step: int) -> float:
    learning_rate = half_cosine(step, training.steps, training.learning_rate, training.learning_rate_end)
    return adam_rate(step, learning_rate, *_VAE_BETAS)


def _logged(statistics: Statistics) -> dict[str, Tensor]:
    detached = Statistics(
        **{
            name: value.detach() if isinstance(value, Tensor) else value
            for name, value in vars(statistics).items()
        }
    )
    return {
        "reconstruction": detached.reconstruction,
        "kl": detached.kl,
        "kl_per_latent": detached.kl_per_latent,
        **kl_decomposition(detached),
    }

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
from bench.randomness import Stream, indices, normals, permutations, uniforms
from bench.settings import Training

BLOCK = 100  # steps whose random numbers are made at once: amortises the ~120 integer operations of Philox
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
class Draws:
    """The random numbers of a block of K steps, each (K, E, …)."""

    index: Tensor
    noise: Tensor
    nuisance: Tensor | None
    permutation: Tensor | None


@dataclass
class Curve:
    """Logged steps of a pack: `points[name]` is a list of tensors (E,) or, for kl_per_latent, (E, d)."""

    steps: list[int] = field(default_factory=list)
    points: dict[str, list[Tensor]] = field(default_factory=dict)

    def add(self, step: int, values: dict[str, Tensor]) -> None:
        self.steps.append(step)
        for name, value in values.items():
            self.points.setdefault(name, []).append(value)


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


def draw(problem: Problem, members: Members, first: int, count: int) -> Draws:
    """Random numbers of steps first … first + count − 1."""
    training, seeds, dtype = problem.training, members.seeds, problem.dtype
    batch, latents = training.batch_size, training.latent_dim
    steps = torch.arange(first, first + count, device=seeds.device)
    nuisance = permutation = None
    if problem.images.nuisance_size:
        numbers = batch * problem.images.nuisance_size
        nuisance = uniforms(seeds, Stream.NUISANCE, steps, numbers, torch.float32).unflatten(2, (batch, -1))
    if problem.model.adversarial:
        permutation = permutations(seeds, Stream.PERMUTATION, steps, batch, latents)
    noise = normals(seeds, Stream.NOISE, steps, batch * latents, dtype).unflatten(2, (batch, latents))
    index = indices(seeds, Stream.INDEX, steps, batch, problem.images.size)
    return Draws(index, noise, nuisance, permutation)


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
    problem: Problem, state: State, hyper: dict[str, Tensor], draws: Draws, k: int
) -> tuple[Statistics, dict[str, Tensor]]:
    """One update of every living member in place; returns the batch's statistics and logged terms (E,)."""
    images = _batch(problem, draws, k)
    step = torch.tensor(float(state.step), device=images.device)
    parameters = state.parameters.requires_grad_()
    statistics = forward(problem, parameters, images, draws.noise[k], hyper, step)
    terms: dict[str, Tensor] = {}
    if problem.model.adversarial:
        critic = state.discriminator.requires_grad_()
        permuted = permute_codes(statistics.z.detach(), draws.permutation[k])
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
        _apply(problem, state, gradient, _VAE_BETAS)
        if problem.model.adversarial:
            _apply_discriminator(state, critic_gradient, hyper)
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
    while state.step < steps:
        count = min(BLOCK, steps - state.step)
        draws = draw(problem, members, state.step, count)
        for k in range(count):
            step = state.step
            statistics, terms = update(problem, state, members.hyper, draws, k)
            if step % every == 0 or step == steps - 1:
                curve.add(step, terms | _logged(statistics))
        on_block(state, curve)


@torch.no_grad()
def evaluate(problem: Problem, members: Members, state: State, batches: int) -> dict[str, Tensor]:
    """The study's closing evaluation: plain means over `batches` fresh batches with fresh noise, each (E,).

    Keys: elbo = −(reconstruction + kl), reconstruction, kl, loss, all in nats (locatello2019.md §3).
    """
    seeds, batch, latents = members.seeds, problem.training.batch_size, problem.training.latent_dim
    final = torch.tensor(float(problem.training.steps), device=seeds.device)
    totals: dict[str, Tensor] = {}
    for first in range(0, batches, BLOCK):
        steps = torch.arange(first, min(first + BLOCK, batches), device=seeds.device)
        index = indices(seeds, Stream.EVALUATION_INDEX, steps, batch, problem.images.size)
        noise = normals(seeds, Stream.EVALUATION_NOISE, steps, batch * latents, problem.dtype)
        nuisance = None
        if problem.images.nuisance_size:
            numbers = batch * problem.images.nuisance_size
            drawn = uniforms(seeds, Stream.EVALUATION_NUISANCE, steps, numbers, torch.float32)
            nuisance = drawn.unflatten(2, (batch, -1))
        draws = Draws(index, noise.unflatten(2, (batch, latents)), nuisance, None)
        for k in range(len(steps)):
            for name, value in _evaluated(problem, state, members.hyper, draws, k, final).items():
                totals[name] = totals.get(name, 0.0) + value / batches
    return totals


def _evaluated(problem, state, hyper, draws, k, final) -> dict[str, Tensor]:
    statistics = forward(problem, state.parameters, _batch(problem, draws, k), draws.noise[k], hyper, final)
    if problem.model.adversarial:
        logits = discriminate(problem.discriminator.split(state.discriminator), statistics.z)
        statistics = Statistics(**{**vars(statistics), "critic_logits": logits})
    reconstruction, kl = statistics.reconstruction, statistics.kl
    loss = hyper["reconstruction_weight"] * reconstruction + problem.model.regularizer(statistics, hyper)
    return {"elbo": -(reconstruction + kl), "reconstruction": reconstruction, "kl": kl, "loss": loss}


def _batch(problem: Problem, draws: Draws, k: int) -> Tensor:
    nuisance = None if draws.nuisance is None else draws.nuisance[k]
    return problem.images.batch(draws.index[k], nuisance).to(problem.dtype)


def _accuracy(joint: Tensor, permuted: Tensor) -> Tensor:
    """Share of the 2·B codes that the discriminator places right: (E, B, 2)×2 → (E,)."""
    right = (joint[..., 0] > joint[..., 1]).double().mean(1) + (
        permuted[..., 1] > permuted[..., 0]
    ).double().mean(1)
    return 0.5 * right


def _apply(problem: Problem, state: State, gradient: Tensor, betas: tuple[float, float]) -> None:
    training = problem.training
    learning_rate = half_cosine(
        state.step, training.steps, training.learning_rate, training.learning_rate_end
    )
    rate = torch.tensor(
        adam_rate(state.step, learning_rate, *betas), dtype=problem.dtype, device=gradient.device
    )
    adam_step(state.parameters, gradient, state.moments, rate, state.alive, *betas)


def _apply_discriminator(state: State, gradient: Tensor, hyper: dict[str, Tensor]) -> None:
    rate = hyper["discriminator_learning_rate"] * adam_rate(state.step, 1.0, *_DISCRIMINATOR_BETAS)
    adam_step(
        state.discriminator, gradient, state.discriminator_moments, rate, state.alive, *_DISCRIMINATOR_BETAS
    )


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

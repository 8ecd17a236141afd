"""One training step of a pack, and the two ways to run many: one by one, or as a CUDA graph.

A member whose loss or gradient stops being finite is frozen at its last finite parameters; its neighbours'
bits do not change. Everything a step changes is changed in place, and nothing waits for the host, so that a
graph can replay it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Protocol

import torch
from torch import Tensor

from bench.attempts import DeviceLost
from bench.models.factor_vae import discriminator_loss, permute_codes
from bench.models.statistics import (
    RECONSTRUCTION,
    Statistics,
    kl_decomposition,
    kl_per_latent,
    sample_posterior,
)
from bench.nets.discriminator import discriminate
from bench.optim import adam_step
from bench.problem import DISCRIMINATOR_BETAS, UNROLLED, VAE_BETAS, Block, Members, Problem, State, block

Logged = dict[str, Tensor]


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


def images_of(problem: Problem, index: Tensor, nuisance: Tensor | None) -> Tensor:
    """The batch (E, B, C, H, W) of the images `index` (E, B), in the parameters' precision."""
    return problem.images.batch(index, nuisance).to(problem.dtype)


def update(
    problem: Problem, state: State, hyper: dict[str, Tensor], block: Block, k: int
) -> tuple[Statistics, dict[str, Tensor]]:
    """Update every living member in place by step k of a block; returns its statistics and losses (E,)."""
    images = images_of(problem, block.index[k], None if block.nuisance is None else block.nuisance[k])
    parameters = state.parameters.requires_grad_()
    statistics = forward(problem, parameters, images, block.noise[k], hyper, block.step[k])
    if problem.model.adversarial:
        joint, permuted = _discriminated(problem, state, statistics, block.permutation[k])
        statistics = replace(statistics, critic_logits=joint)
    regularizer = problem.model.regularizer(statistics, hyper)
    loss = hyper["reconstruction_weight"] * statistics.reconstruction + regularizer
    losses = {"loss": loss.detach(), "regularizer": regularizer.detach()}
    # both gradients before either update; torch.autograd.grad follows only the paths to what it is given
    (gradient,) = torch.autograd.grad(loss.sum(), parameters, retain_graph=problem.model.adversarial)
    finite = loss.isfinite() & gradient.sum(1).isfinite()
    if not problem.model.adversarial:
        _apply(state, finite, block, k, gradient)
        return statistics, losses
    critic_loss = discriminator_loss(joint, permuted)
    (critic_gradient,) = torch.autograd.grad(critic_loss.sum(), state.discriminator)
    finite &= critic_loss.isfinite() & critic_gradient.sum(1).isfinite()
    _apply(state, finite, block, k, gradient)
    _apply_discriminator(state, hyper, block, k, critic_gradient)
    accuracy = _accuracy(joint.detach(), permuted.detach())
    return statistics, losses | {
        "discriminator_loss": critic_loss.detach(),
        "discriminator_accuracy": accuracy,
    }


def _discriminated(
    problem: Problem, state: State, statistics: Statistics, permutation: Tensor
) -> tuple[Tensor, Tensor]:
    """Logits (E, B, 2) of the batch's codes and of the same codes permuted, in one pass."""
    permuted = permute_codes(statistics.z.detach(), permutation)
    named = problem.discriminator.split(state.discriminator.requires_grad_())
    return discriminate(named, torch.cat((statistics.z, permuted), dim=1)).chunk(2, dim=1)


@torch.no_grad()
def _apply(state: State, finite: Tensor, block: Block, k: int, gradient: Tensor) -> None:
    died = state.alive & ~finite
    state.died_at.copy_(torch.where(died, block.step[k].long(), state.died_at))
    state.alive.logical_and_(finite)
    rate = block.rate[k] * state.alive
    adam_step(state.parameters, gradient, state.moments, rate, state.alive, *VAE_BETAS)


@torch.no_grad()
def _apply_discriminator(
    state: State, hyper: dict[str, Tensor], block: Block, k: int, gradient: Tensor
) -> None:
    rate = hyper["discriminator_learning_rate"] * block.critic_rate[k] * state.alive
    moments = state.discriminator_moments
    adam_step(state.discriminator, gradient, moments, rate, state.alive, *DISCRIMINATOR_BETAS)


def _accuracy(joint: Tensor, permuted: Tensor) -> Tensor:
    """Share of the 2·B codes that the discriminator places right: (E, B, 2)×2 → (E,)."""
    right_joint = (joint[..., 0] > joint[..., 1]).double().mean(1)
    right_permuted = (permuted[..., 1] > permuted[..., 0]).double().mean(1)
    return 0.5 * (right_joint + right_permuted)


def what_is_logged(statistics: Statistics, losses: dict[str, Tensor]) -> Logged:
    """A point of the curves: losses, KL, KL per latent and its decomposition, (E,) or (E, d)."""
    values = {name: value.detach() for name, value in vars(statistics).items() if value is not None}
    detached = Statistics(**values)
    return losses | {
        "reconstruction": detached.reconstruction,
        "kl": detached.kl,
        "kl_per_latent": detached.kl_per_latent,
        **kl_decomposition(detached),
    }


class Stepper(Protocol):
    """Runs steps of a pack in place."""

    def run(self, prepared: Block, first: int, count: int, wanted: Collection[int]) -> list[Logged]:
        """Do steps first … first + count − 1 of a block; returns a point of the curves for each `wanted`."""
        ...


class EagerSteps:
    """One step after another, as written: the reference, and the only way on a CPU."""

    def __init__(self, problem: Problem, members: Members, state: State):
        self.problem, self.members, self.state = problem, members, state

    def run(self, prepared: Block, first: int, count: int, wanted: Collection[int]) -> list[Logged]:
        points = []
        for k in range(first, first + count):
            statistics, losses = update(self.problem, self.state, self.members.hyper, prepared, k)
            if k in wanted:
                points.append(what_is_logged(statistics, losses))
        self.state.step += count
        return points


class GraphedSteps:
    """UNROLLED steps as one CUDA graph, replayed on new numbers; the same kernels in the same order.

    The first steps run eagerly, which warms the libraries up, and so does whatever is not exactly UNROLLED
    steps with at most the last one logged. Since a step changes everything in place, graph and eager steps
    may alternate.
    """

    def __init__(self, problem: Problem, members: Members, state: State):
        self.eager = EagerSteps(problem, members, state)
        self.buffers: Block | None = None
        # its own: all graphs captured on torch's default one would share one cuBLAS workspace
        self.stream = torch.cuda.Stream()

    def run(self, prepared: Block, first: int, count: int, wanted: Collection[int]) -> list[Logged]:
        last = first + count - 1
        here = [k for k in range(first, last + 1) if k in wanted]
        if count != UNROLLED or here not in ([], [last]):
            return self.eager.run(prepared, first, count, wanted)
        if self.buffers is None:
            torch.cuda.synchronize()  # what the steps read is still being made, on another stream
            with torch.cuda.stream(self.stream), waiting_is_an_error():
                points = self.eager.run(prepared, first, count, wanted)
            torch.cuda.synchronize()
            self._capture()
            return points
        self._fill(prepared, first)
        self.graph.replay()
        self.eager.state.step += UNROLLED
        return [{name: value.clone() for name, value in self.point.items()}] if here else []

    def _capture(self) -> None:
        problem, members, state = self.eager.problem, self.eager.members, self.eager.state
        self.buffers = block(problem, members, 0, UNROLLED)  # static memory, filled before each replay
        self.graph = torch.cuda.CUDAGraph()
        with capturing(self.graph, self.stream):
            for k in range(UNROLLED):
                statistics, losses = update(problem, state, members.hyper, self.buffers, k)
            self.point = what_is_logged(statistics, losses)

    def _fill(self, prepared: Block, first: int) -> None:
        for name, buffer in vars(self.buffers).items():
            if buffer is not None:
                buffer.copy_(getattr(prepared, name)[first : first + UNROLLED])


@contextmanager
def waiting_is_an_error() -> Iterator[None]:
    """Let whatever waits for the GPU raise, as a user's `if loss > 1`: it could not be part of a graph.

    The error is then the cell's own, with its line. Inside a capture it would end the process.
    """
    torch.cuda.set_sync_debug_mode("error")
    try:
        yield
    finally:
        torch.cuda.set_sync_debug_mode("default")


@contextmanager
def capturing(graph: torch.cuda.CUDAGraph, stream: torch.cuda.Stream) -> Iterator[None]:
    """Record what is done into `graph`; DeviceLost where the recording cannot be ended.

    torch's allocator then waits for its end for ever and gives no memory back: only a new process can go on.
    """
    raised = None
    try:
        # the outer one: where ending fails, torch leaves its own stream in place
        with torch.cuda.stream(torch.cuda.current_stream()), torch.cuda.graph(graph, stream=stream):
            try:
                yield
            except BaseException as error:
                raised = error
                raise
    except Exception as error:
        if error is raised:
            raise
        raise DeviceLost(f"a CUDA graph could not be recorded ({raised or error})") from error


def stepper_for(problem: Problem, members: Members, state: State) -> Stepper:
    """Graphs where the parameters lie on a GPU, single steps elsewhere."""
    kind = GraphedSteps if state.parameters.is_cuda else EagerSteps
    return kind(problem, members, state)

"""What a pack trains: what its members share, what they differ in, and everything that training changes.

A pack's E members are rows of flat tensors, so that packs can be taken apart and rebuilt. Nothing is drawn
while training: batches, noise and permutations are made in blocks, as functions of (seed, stream, step).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

from bench.data.device import DeviceImages
from bench.models import Model
from bench.nets import Network
from bench.nets.parameters import Layout
from bench.octets import octets
from bench.optim import Moments, adam_rate, half_cosine
from bench.randomness import Stream, indices, normals, permutations, uniforms
from bench.settings import Training

BLOCK = 100  # steps whose random numbers are made at once: amortises the ~120 integer operations of Philox
UNROLLED = 10  # steps in one CUDA graph: launching it costs a host some microseconds, whatever its length
#: Images' noise of a block at most, by device; making it takes about as much again. A core shares its memory
#: with others; on a GPU even 64 members of Noisy-dSprites fill a graph of UNROLLED steps.
NUISANCE_BYTES = {"cpu": 2**22, "cuda": 2**29}

VAE_BETAS = (0.9, 0.999)
DISCRIMINATOR_BETAS = (0.5, 0.9)


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
    critic_rates = [adam_rate(step, 1.0, *DISCRIMINATOR_BETAS) for step in range(first, first + count)]
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
    """Steps whose random numbers are made at once (see steps_at_once)."""
    images = problem.images
    size = images.nuisance_size * images.nuisance_bits // 8
    return steps_at_once(len(members.seeds) * problem.training.batch_size * size, members.seeds.device.type)


def steps_at_once(size: int, device: str) -> int:
    """BLOCK, or fewer where a step draws so many bytes of nuisance, `size`, that they would fill `device`.

    At UNROLLED or more it is a multiple of it, so that graphs take all steps of a block.
    """
    fitting = min(BLOCK, NUISANCE_BYTES[device] // max(1, size))
    return max(1, fitting - fitting % UNROLLED or fitting)


def draw_nuisance(
    images: DeviceImages, seeds: Tensor, stream: Stream, steps: Tensor, batch: int
) -> Tensor | None:
    """What draws the images' nuisance, (K, E, B, nuisance_size); None where there is none.

    Uniform float32 numbers, or uniform bytes where the nuisance becomes pixels.
    """
    if not images.nuisance_size:
        return None
    count = batch * images.nuisance_size
    if images.nuisance_bits == 8:
        drawn = octets(seeds, stream, steps, count)
    else:
        drawn = uniforms(seeds, stream, steps, count, torch.float32)
    return drawn.unflatten(2, (batch, -1))


def _rate(training: Training, step: int) -> float:
    learning_rate = half_cosine(step, training.steps, training.learning_rate, training.learning_rate_end)
    return adam_rate(step, learning_rate, *VAE_BETAS)

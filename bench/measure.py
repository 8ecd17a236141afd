"""`bench plan --measure`: how fast this machine trains and scores a grid, and against what.

Every figure comes from one process and one run: our step and the plain loop take turns, the lowest quartile
of the rounds counts, and on a CPU process time is taken, since foreign load makes wall clock useless.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

from bench.cell import Cell
from bench.data import find_entry, open_dataset
from bench.data.base import Dataset
from bench.data.device import DeviceImages
from bench.metrics import Request
from bench.plan import Work, width_of
from bench.problem import (
    UNROLLED,
    Members,
    Problem,
    State,
    activation_dtype,
    block,
    block_length,
    draw_nuisance,
    start,
)
from bench.randomness import Stream
from bench.scoring import score_table
from bench.stack import image_size, members_of, problem_of, settle_process
from bench.stepping import stepper_for, update
from bench.yardstick import PlainLoop

ROUNDS = 10
SECONDS_PER_ROUND = 0.3
STEPS_PER_CALL = {"cpu": 1, "cuda": UNROLLED}  # as many as one graph holds
WIDTHS = {"cpu": (1, 4, 8, 16), "cuda": (8, 16, 32, 64)}
MATRIX = {"cpu": 2048, "cuda": 8192}
COPIED_BYTES = 2**28  # five times what a large GPU's cache holds
#: Passes over the layers' outputs and over the weights in a step whose kernels are fused as far as they go.
#: An output is written and read; on the way back it is read with the weights' gradient and as ReLU's mask,
#: its own gradient is written once and read for inputs and for weights. Weights are read either way, their
#: gradient is written, and Adam reads and writes what it keeps.
OUTPUT_PASSES, WEIGHT_PASSES = 7, 11
#: What computes the outputs of a network's layers, and nothing else in a step.
LAYERS = (torch.ops.aten.convolution.default, torch.ops.aten.baddbmm.default)


@dataclass(frozen=True)
class Speed:
    """What was measured for one (model, architecture, channels)."""

    model: str
    architecture: str
    channels: int
    width: int  # cells in one stacked step, as `bench run` uses it
    best_width: int  # fastest of those tried
    milliseconds: float  # per model-step at `width`
    plain_milliseconds: float  # of the plain β-VAE loop, taking turns
    data_share: float  # of the step, spent on making the batch of images
    gigaflop: float  # per model-step, forward and backward
    gigabyte: float  # per model-step through memory, were all fused that can be
    bound: str  # what limits this machine at them, "products" or "memory"
    share_of_limit: float  # the least time that either takes, of the step's

    @property
    def ratio(self) -> float:
        """Times as fast as the plain loop."""
        return self.plain_milliseconds / self.milliseconds


@dataclass(frozen=True)
class Limits:
    """What this machine reaches in one precision, and so the least time that a step takes."""

    products: float  # GFLOP/s
    copies: float  # GB/s, infinite where it limits nothing

    @staticmethod
    def of(device: str, dtype: torch.dtype) -> Limits:
        """Measured; on a CPU products alone: what one model's layers pass on (25 MB of the study's network)
        mostly stays in its caches, and the rate of a copy through memory says nothing of that."""
        copies = copy_peak(device) if device == "cuda" else math.inf
        return Limits(matrix_peak(device, dtype), copies)

    def least(self, gigaflop: float, gigabyte: float) -> tuple[float, str]:
        """Seconds that so much work takes at least, and what binds it."""
        return max((gigaflop / self.products, "products"), (gigabyte / self.copies, "memory"))


@dataclass(frozen=True)
class BatchCost:
    """What a step's images cost on one data set: drawing what is drawn anew, and making the batch."""

    dataset: str
    source: str
    model: str
    architecture: str
    milliseconds: float  # per model-step
    share: float  # of a step that trains on them


def speeds(works: Sequence[Work], device: str) -> Iterable[Speed]:
    """Measure each (model, architecture, channels) of `works` that is trained at all."""
    limits: dict[str, Limits] = {}
    seen = set()
    for work in works:
        cell = work.pack.cells[0]
        channels = _channels(cell)
        kind = (cell.model, cell.training.architecture, channels)
        if kind not in seen and cell.training.steps:
            seen.add(kind)
            precision = cell.training.precision
            settle_process(device, precision)
            if precision not in limits:
                limits[precision] = Limits.of(device, activation_dtype(precision))
            yield _speed(cell, channels, device, limits[precision])


def batch_costs(works: Sequence[Work], device: str, folder: Path) -> Iterable[BatchCost]:
    """Time the images of each data set of `works` that is prepared under `folder`, beside a step on them."""
    seen = set()
    for work in works:
        cell = work.pack.cells[0]
        if cell.dataset in seen or not cell.training.steps:
            continue
        seen.add(cell.dataset)
        if find_entry(cell.dataset).is_prepared(cell.source, folder):
            settle_process(device, cell.training.precision)
            yield _batch_cost(cell, open_dataset(cell.dataset, cell.source, folder), device)


def hours(works: Sequence[Work], measured: Iterable[Speed], workers: int) -> float:
    """Hours that training the outstanding work takes `workers` at these speeds."""
    by_kind = {(speed.model, speed.architecture, speed.channels): speed.milliseconds for speed in measured}
    total = 0.0
    for work in works:
        cell = work.pack.cells[0]
        if cell.training.steps:
            milliseconds = by_kind[cell.model, cell.training.architecture, _channels(cell)]
            total += len(work.todo) * cell.training.steps * milliseconds
    return total / workers / 3.6e6


def matrix_peak(device: str, dtype: torch.dtype) -> float:
    """GFLOP/s of a large matrix product of this machine (one thread on a CPU), the best round.

    In float32 an NVIDIA GPU multiplies as this process was settled, TF32 or not.
    """
    size = MATRIX[device]
    left = torch.rand(size, size, device=device, dtype=dtype)
    return 2 * size**3 / _best(partial(torch.matmul, left, left), device) / 1e9


def copy_peak(device: str) -> float:
    """GB/s of a large copy in this machine's memory, what it reads and what it writes, the best round."""
    source = torch.zeros(COPIED_BYTES, dtype=torch.uint8, device=device)
    target = torch.empty_like(source)
    return 2 * COPIED_BYTES / _best(partial(target.copy_, source), device) / 1e9


def metric_seconds(
    name: str, latent_dim: int, requests: Iterable[Request], images: int | None
) -> dict[str, float]:
    """Process seconds of each metric for one cell of data set `name`, on codes made up of its factors."""
    dataset = _Factors(name)
    rng = np.random.default_rng(0)
    index = np.arange(dataset.size) if images is None else rng.choice(dataset.size, images, replace=False)
    factors = dataset.factors(index)
    mixing = rng.normal(size=(factors.shape[1], latent_dim))
    mean = (factors / factors.max(0).clip(1)) @ mixing + 0.1 * rng.normal(size=(len(index), latent_dim))
    log_variance = np.full(mean.shape, -3.0, dtype=np.float32)
    given = None if images is None else index
    rows, _ = score_table(mean.astype(np.float32), log_variance, given, dataset, requests, ["mean"])
    return {f"{row['metric']}@{row['estimator']} ({row['representation']})": row["seconds"] for row in rows}


def _speed(cell: Cell, channels: int, device: str, limits: Limits) -> Speed:
    width = width_of(cell.training.architecture, device)
    problem = _problem(cell, device)
    widths = sorted({width, *WIDTHS[device]}) if width > 1 else [width]
    costs = {tried: _quartile(_stepper(problem, cell, tried, device), device) / tried for tried in widths}
    ours, plain = _interleaved(_stepper(problem, cell, width, device), _plain(problem, cell, device), device)
    ours /= STEPS_PER_CALL[device]
    batch = _quartile(_batcher(problem, cell, width, device), device) / width
    gigaflop, gigabyte = _gigaflop(problem, cell, device), _gigabyte(problem, cell, device)
    least, bound = limits.least(gigaflop, gigabyte)
    return Speed(
        model=cell.model,
        architecture=cell.training.architecture,
        channels=channels,
        width=width,
        best_width=min(costs, key=costs.get),
        milliseconds=1e3 * ours / width,
        plain_milliseconds=1e3 * plain,
        data_share=batch * width / ours,
        gigaflop=gigaflop,
        gigabyte=gigabyte,
        bound=bound,
        share_of_limit=least * width / ours,
    )


def _batch_cost(cell: Cell, dataset: Dataset, device: str) -> BatchCost:
    width = width_of(cell.training.architecture, device)
    problem = problem_of(cell, DeviceImages(dataset, device, image_size(cell)))
    members = members_of([cell] * width, problem, torch.device(device))
    steps = torch.arange(block_length(problem, members), device=device)
    batch_size = cell.training.batch_size

    def draw() -> object:
        return draw_nuisance(problem.images, members.seeds, Stream.NUISANCE, steps, batch_size)

    rounds = [_stepper(problem, cell, width, device), _batcher(problem, cell, width, device), draw]
    step, batch, drawn = (float(np.percentile(times, 25)) for times in _rounds(rounds, device))
    step, drawn = step / STEPS_PER_CALL[device], drawn / len(steps)
    return BatchCost(
        dataset=cell.dataset,
        source=cell.source,
        model=cell.model,
        architecture=cell.training.architecture,
        milliseconds=1e3 * (batch + drawn) / width,
        share=(batch + drawn) / (step + drawn),
    )


class _Factors(Dataset):
    """The factors of a data set, which need no images."""

    def __init__(self, name: str):
        entry = find_entry(name)
        self.name, self.factor_names, self.factor_sizes = name, entry.factor_names, entry.factor_sizes


class Noise(Dataset):
    """Random images of the right shape: what a step costs does not depend on what it sees."""

    name, factor_names, factor_sizes = "noise", ("image",), (4096,)

    def __init__(self, channels: int):
        self.image_shape = (64, 64, channels)

    def tables(self) -> dict[str, np.ndarray]:
        return {
            "images": np.random.default_rng(0).integers(256, size=(4096, *self.image_shape), dtype=np.uint8)
        }


def _problem(cell: Cell, device: str) -> Problem:
    return problem_of(cell, DeviceImages(Noise(_channels(cell)), device, image_size(cell)))


def _ready(problem: Problem, cell: Cell, width: int, device: str) -> tuple[Members, State, object]:
    members = members_of([cell] * width, problem, torch.device(device))
    count = max(STEPS_PER_CALL[device], block_length(problem, members))
    return members, start(problem, members), block(problem, members, 0, count)


def _stepper(problem: Problem, cell: Cell, width: int, device: str) -> Callable[[], None]:
    members, state, prepared = _ready(problem, cell, width, device)
    stepper = stepper_for(problem, members, state)
    return lambda: stepper.run(prepared, 0, STEPS_PER_CALL[device], ())


def _batcher(problem: Problem, cell: Cell, width: int, device: str) -> Callable[[], object]:
    prepared = _ready(problem, cell, width, device)[2]
    nuisance = None if prepared.nuisance is None else prepared.nuisance[0]
    return lambda: problem.images.batch(prepared.index[0], nuisance)


def _plain(problem: Problem, cell: Cell, device: str) -> Callable[[], None]:
    training = cell.training
    loop = PlainLoop(training.architecture, problem.images.channels, training.latent_dim, device)
    prepared = _ready(problem, cell, 1, device)[2]

    def step() -> None:
        loop.step(problem.images.batch(prepared.index[0, 0]), prepared.noise[0, 0].float())

    return step


def _gigaflop(problem: Problem, cell: Cell, device: str) -> float:
    members, state, prepared = _ready(problem, cell, 1, device)
    with FlopCounterMode(display=False) as counter:
        update(problem, state, members.hyper, prepared, 0)
    return counter.get_total_flops() / 1e9


class _Outputs(TorchDispatchMode):
    """Counts the bytes of the outputs of layers, each in the precision that it is kept in."""

    def __init__(self):
        super().__init__()
        self.bytes = 0

    def __torch_dispatch__(self, function, types, given=(), named=None):
        output = function(*given, **(named or {}))
        if function in LAYERS:
            self.bytes += output.nbytes
        return output


def _gigabyte(problem: Problem, cell: Cell, device: str) -> float:
    """What a step moves through memory at least (see OUTPUT_PASSES); weights are those of all networks."""
    members, state, prepared = _ready(problem, cell, 1, device)
    with _Outputs() as outputs:
        update(problem, state, members.hyper, prepared, 0)
    layouts = [problem.network.layout, *([problem.discriminator] if problem.discriminator else [])]
    weights = sum(layout.size for layout in layouts) * problem.dtype.itemsize
    return (OUTPUT_PASSES * outputs.bytes + WEIGHT_PASSES * weights) / 1e9


def _best(call: Callable[[], object], device: str) -> float:
    """Seconds of a call in the best of ROUNDS, each long enough that a launch on a GPU does not count."""
    return min(_rounds([call], device)[0])


def _quartile(step: Callable[[], object], device: str) -> float:
    return float(np.percentile(_rounds([step], device)[0], 25))


def _interleaved(one: Callable, other: Callable, device: str) -> tuple[float, float]:
    return tuple(float(np.percentile(times, 25)) for times in _rounds([one, other], device))


def _rounds(steps: list[Callable[[], object]], device: str) -> list[list[float]]:
    """Seconds per call of each of `steps`, in rounds that take turns; the first call is not counted."""
    repeats = [max(1, int(SECONDS_PER_ROUND / _timed(step, device))) for step in steps for _ in [step()]]
    times: list[list[float]] = [[] for _ in steps]
    for _ in range(ROUNDS):
        for step, count, kept in zip(steps, repeats, times, strict=True):
            kept.append(_timed(partial(_repeat, step, count), device) / count)
    return times


def _repeat(step: Callable[[], object], count: int) -> None:
    for _ in range(count):
        step()  # what it returns is dropped: kept, each would lie in fresh memory, which costs as much again


def _timed(call: Callable[[], object], device: str) -> float:
    """Process CPU seconds of a call on a CPU, wall seconds up to the device's completion on a GPU."""
    if device == "cpu":
        began = time.process_time()
        call()
        return time.process_time() - began
    torch.cuda.synchronize()
    began = time.perf_counter()
    call()
    torch.cuda.synchronize()
    return time.perf_counter() - began


def _channels(cell: Cell) -> int:
    return find_entry(cell.dataset).image_shape[2]

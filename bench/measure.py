"""`bench plan --measure`: how fast this machine trains and scores a grid, and against what.

Every figure comes from one process and one run: our step and the plain loop take turns, the lowest quartile
of the rounds counts, and on a CPU process time is taken, since foreign load makes wall clock useless.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from bench.cell import Cell
from bench.codes import ENCODING_BATCH, code_tables
from bench.data import find_entry, open_dataset
from bench.data.base import Dataset
from bench.data.device import DeviceImages
from bench.evaluation import evaluate
from bench.metrics import Request
from bench.plan import EVALUATION_IMAGES, Work, width_of
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
from bench.roofline import Limits, gigabyte, gigaflop
from bench.scoring import score_table
from bench.stack import image_size, members_of, problem_of, settle_process
from bench.stepping import stepper_for
from bench.stopwatch import interleaved, quartile, rounds
from bench.yardstick import PlainLoop

STEPS_PER_CALL = {"cpu": 1, "cuda": UNROLLED}  # as many as one graph holds
WIDTHS = {"cpu": (1, 4, 8, 16), "cuda": (8, 16, 32, 64)}


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
    evaluation_seconds: float  # closing evaluation of a cell
    encoding_milliseconds: float  # an image's codes
    gigaflop: float  # per model-step, forward and backward
    gigabyte: float  # per model-step through memory, were all fused that can be
    bound: str  # what limits this machine at them, "products" or "memory"
    share_of_limit: float  # the least time that either takes, of the step's

    @property
    def ratio(self) -> float:
        """Times as fast as the plain loop."""
        return self.plain_milliseconds / self.milliseconds


@dataclass(frozen=True)
class BatchCost:
    """What a step's images cost on one data set: drawing what is drawn anew, and making the batch."""

    dataset: str
    source: str
    model: str
    architecture: str
    milliseconds: float  # per model-step
    share: float  # of a step that trains on them


@dataclass(frozen=True)
class Hours:
    """Time that the outstanding work takes."""

    training: float  # hours, padding included
    closing: float  # hours of closing evaluations and code tables, after training
    padding: float  # model-steps of full stacks, as a multiple of those of the cells in them


def speeds(works: Sequence[Work], device: str, width: int | None = None) -> Iterator[Speed]:
    """Measure each (model, architecture, channels) of `works` that is trained at all, at `width`."""
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
            yield _speed(cell, channels, device, width, limits[precision])


def batch_costs(
    works: Sequence[Work], device: str, folder: Path, width: int | None = None
) -> Iterator[BatchCost]:
    """Time the images of each data set of `works` that is prepared under `folder`, beside a step on them."""
    seen = set()
    for work in works:
        cell = work.pack.cells[0]
        if cell.dataset in seen or not cell.training.steps:
            continue
        seen.add(cell.dataset)
        if find_entry(cell.dataset).is_prepared(cell.source, folder):
            settle_process(device, cell.training.precision)
            yield _batch_cost(cell, open_dataset(cell.dataset, cell.source, folder), device, width)


def hours(works: Sequence[Work], measured: Iterable[Speed], images: int | None, workers: int) -> Hours:
    """Hours that the outstanding work takes `workers` at these speeds; scoring is not counted.

    A stack that is not full is padded and takes as long as a full one. Code tables are of `images` images, of
    the whole data set when None. Cells that are not trained are left out.
    """
    by_kind = {(speed.model, speed.architecture, speed.channels): speed for speed in measured}
    steps = padded = milliseconds = closing = 0.0
    for work in works:
        cell, cells = work.pack.cells[0], len(work.todo)
        if cell.training.steps:
            speed = by_kind[cell.model, cell.training.architecture, _channels(cell)]
            members = -(-cells // speed.width) * speed.width
            steps += cells * cell.training.steps
            padded += members * cell.training.steps
            milliseconds += members * cell.training.steps * speed.milliseconds
            encoded = cells * (images or find_entry(cell.dataset).size or _Factors(cell.dataset).size)
            closing += members * speed.evaluation_seconds + encoded * speed.encoding_milliseconds / 1e3
    padding = padded / steps if steps else 1.0
    return Hours(milliseconds / workers / 3.6e6, closing / workers / 3600, padding)


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


def _speed(cell: Cell, channels: int, device: str, width: int | None, limits: Limits) -> Speed:
    width = width_of(cell.training.architecture, device, width)
    problem = _problem(cell, device)
    widths = sorted({width, *WIDTHS[device]}) if width > 1 else [width]
    costs = {tried: quartile(_stepper(problem, cell, tried, device), device) / tried for tried in widths}
    ours, plain = interleaved(_stepper(problem, cell, width, device), _plain(problem, cell, device), device)
    ours /= STEPS_PER_CALL[device]
    batch = quartile(_batcher(problem, cell, width, device), device) / width
    one = _ready(problem, cell, 1, device)
    products, traffic = gigaflop(problem, *one), gigabyte(problem, *one)
    least, bound = limits.least(products, traffic)
    return Speed(
        model=cell.model,
        architecture=cell.training.architecture,
        channels=channels,
        width=width,
        best_width=min(costs, key=costs.get),
        milliseconds=1e3 * ours / width,
        plain_milliseconds=1e3 * plain,
        data_share=batch * width / ours,
        evaluation_seconds=_evaluation_seconds(problem, cell, width, device),
        encoding_milliseconds=_encoding_milliseconds(problem, cell, device),
        gigaflop=products,
        gigabyte=traffic,
        bound=bound,
        share_of_limit=least * width / ours,
    )


def _evaluation_seconds(problem: Problem, cell: Cell, width: int, device: str) -> float:
    """Seconds of one cell's closing evaluation, from a few of its batches."""
    members, state, _ = _ready(problem, cell, width, device)
    batches = EVALUATION_IMAGES / cell.training.batch_size
    few = quartile(lambda: evaluate(problem, members, state, UNROLLED), device)
    return few / UNROLLED * batches / width


def _encoding_milliseconds(problem: Problem, cell: Cell, device: str) -> float:
    """Milliseconds of one image's codes, from a batch; a cell's table is made alone."""
    parameters = _ready(problem, cell, 1, device)[1].parameters.detach()
    index = np.arange(ENCODING_BATCH)
    return 1e3 * quartile(lambda: code_tables(problem, parameters, index), device) / ENCODING_BATCH


def _batch_cost(cell: Cell, dataset: Dataset, device: str, width: int | None) -> BatchCost:
    width = width_of(cell.training.architecture, device, width)
    problem = problem_of(cell, DeviceImages(dataset, device, image_size(cell)))
    members = members_of([cell] * width, problem, torch.device(device))
    steps = torch.arange(block_length(problem, members), device=device)
    batch_size = cell.training.batch_size

    def draw() -> object:
        return draw_nuisance(problem.images, members.seeds, Stream.NUISANCE, steps, batch_size)

    calls = [_stepper(problem, cell, width, device), _batcher(problem, cell, width, device), draw]
    step, batch, drawn = (float(np.percentile(times, 25)) for times in rounds(calls, device))
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


def _channels(cell: Cell) -> int:
    return find_entry(cell.dataset).image_shape[2]

"""Cells become packs; what is committed is dropped; what is left is the work."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from bench import scoring
from bench.cell import Cell
from bench.grid import LoadedGrid

Request = tuple[str, str, str, str, int]  # representation, metric, estimator, settings, images

#: Cells trained in one stacked step, by device and architecture. On a CPU the study's network gains nothing
#: from stacking (docs/performance.md), small perceptrons are bound by dispatch and gain threefold at 8.
WIDTH = {
    "cpu": {"conv_64": 1, "conv_64_4x4": 1, "dense_16": 8, "dense_8": 8},
    "cuda": {"conv_64": 32, "conv_64_4x4": 32, "dense_16": 64, "dense_8": 64},
}

#: A study has at most about so many packs, hence files: reading more would take longer than a look.
MAX_PACKS = 800

#: Bytes of a cell's weights with three channels and ten latents, in float32; for what a disk must hold.
WEIGHT_BYTES = {"conv_64": 2_770_268, "conv_64_4x4": 3_065_180, "dense_16": 864_336, "dense_8": 140_624}

#: Milliseconds of a β-VAE's step on one core of 2.5 GHz, measured (docs/performance.md); rough elsewhere. For
#: GPUs nothing is known before `bench plan --measure`.
TYPICAL_MILLISECONDS = {"cpu": {"conv_64": 130.0, "conv_64_4x4": 150.0, "dense_16": 0.9, "dense_8": 0.45}}

#: Time of a step against a β-VAE's, to start the longest of the packs of equal seeds first.
RELATIVE_COST = {"factor_vae": 1.8, "beta_tc_vae": 2.0}


@dataclass(frozen=True)
class Pack:
    """Cells that one worker takes: one data set and source, one model, equal training settings."""

    cells: tuple[Cell, ...]

    @cached_property
    def id(self) -> str:
        """Hash of the pack's cell ids."""
        return digest(cell.id for cell in self.cells)


@dataclass(frozen=True)
class Work:
    """A pack and, by cell id, the requests that are not committed yet; settled cells are absent."""

    pack: Pack
    todo: dict[str, tuple[Request, ...]]

    @property
    def cells(self) -> list[Cell]:
        """The pack's cells that still lack a score, in the pack's order."""
        return [cell for cell in self.pack.cells if cell.id in self.todo]

    @property
    def turn(self) -> tuple[int, float]:
        """Where the work stands in the order of the work: the lowest seeds, then what takes longest.

        So all settings are there at few seeds before any is at many, whenever a run is stopped.
        """
        return min(cell.seed for cell in self.cells), -self.cost

    @property
    def cost(self) -> float:
        """Relative cost of training."""
        return sum(cell.training.steps * RELATIVE_COST.get(cell.model, 1.0) for cell in self.cells)


def typical_hours(works: Sequence[Work], device: str, workers: int) -> float | None:
    """Hours of training that `workers` need for what is left, roughly; None where nothing is known.

    A pack is one worker's: more workers than packs do not help, nor does anything shorten the longest.
    """
    if device not in TYPICAL_MILLISECONDS:
        return None
    known = TYPICAL_MILLISECONDS[device]
    milliseconds = [work.cost * known[work.pack.cells[0].training.architecture] for work in works]
    return max(sum(milliseconds) / workers, *milliseconds, 0.0) / 3.6e6


def weight_bytes(works: Sequence[Work]) -> int:
    """Bytes that the weights of what is left take once it is trained, at the most."""
    return sum(WEIGHT_BYTES[cell.training.architecture] for work in works for cell in work.cells)


def digest(ids: Iterable[str]) -> str:
    """First 16 hex digits of the SHA-256 of sorted ids."""
    return hashlib.sha256("\n".join(sorted(ids)).encode()).hexdigest()[:16]


def width_of(architecture: str, device: str, width: int | None = None) -> int:
    """Cells that `device` trains in one stacked step: `width` when it is given, else the device's own."""
    return width or WIDTH[device][architecture]


def cut(cells: Sequence[Cell], device: str, width: int | None = None) -> list[Pack]:
    """Packs of the whole plan: as many cells as one stacked step takes, more in a large plan.

    Within a kind of cells seeds vary slowest, so that some seeds of every setting, which is what one selects
    first and what a grid grows by, are whole packs, not a few cells of every pack beside padding. Width and
    pack size are two numbers: a pack trains its stacks one after another and commits them at once.
    """
    at_least = -(-len(cells) // MAX_PACKS)
    groups: dict[tuple, list[Cell]] = {}
    for cell in cells:
        groups.setdefault(_kind(cell), []).append(cell)
    packs = []
    for group in groups.values():
        stack = width_of(group[0].training.architecture, device, width)
        size = stack * -(-at_least // stack)
        group.sort(key=lambda cell: cell.seed)  # stable: within a seed the plan's order stays
        packs += [Pack(tuple(group[first : first + size])) for first in range(0, len(group), size)]
    return packs


def outstanding(
    packs: Sequence[Pack],
    requests: Sequence[Request],
    settled: set[tuple],
    selected: set[str] | None = None,
) -> list[Work]:
    """Work for every pack with a score that is not settled; `settled` has keys (cell_id, *request).

    With `selected` only the cells of these ids count.
    """
    work = []
    for pack in packs:
        todo = {}
        for cell in pack.cells:
            if selected is not None and cell.id not in selected:
                continue
            missing = tuple(request for request in requests if (cell.id, *request) not in settled)
            if missing:
                todo[cell.id] = missing
        if todo:
            work.append(Work(pack, todo))
    return work


def encodable(works: Sequence[Work]) -> set[str]:
    """Ids of the cells that need no training where their weights are kept.

    Weights alone do not give the closing evaluation, which is training's: without it a cell trains again.
    """
    return {
        cell_id
        for work in works
        for cell_id, todo in work.todo.items()
        if all(metric != "training" for _, metric, *_ in todo)
    }


def planned_requests(grid: LoadedGrid) -> list[Request]:
    """What every cell of `grid` is to be scored with, the closing evaluation of training first."""
    if grid.requests is not None:
        return list(grid.requests)
    evaluation = grid.settings.evaluation
    training = ("none", "training", "study", "", EVALUATION_IMAGES)
    asked = scoring.planned_requests(evaluation.metrics, evaluation.representations, evaluation.images or 0)
    return [training, *asked]


#: Fresh images of the study's closing evaluation (locatello2019.md §3), rounded up to whole batches.
EVALUATION_IMAGES = 64_000

#: Keys of the closing evaluation, headline first.
TRAINING_KEYS = ("elbo", "reconstruction", "kl", "loss")


def _kind(cell: Cell) -> tuple:
    """What a pack's cells must share: everything but seeds and the model's numbers."""
    words = tuple(
        (name, value) for name, value in cell.settings.model_dump().items() if isinstance(value, str)
    )
    return cell.dataset, cell.source, cell.model, words, cell.training.model_dump_json()

"""The training half of a pack: cells → weights, curves and code tables."""

from __future__ import annotations

import time
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from bench import artifacts, attempts, checkpoint
from bench.attempts import Attempt, DeviceLost
from bench.cell import Cell
from bench.codes import code_tables
from bench.context import Context, Report, Trained, codes_path
from bench.data import open_dataset
from bench.data.base import Dataset
from bench.data.device import DeviceImages
from bench.device_errors import is_out_of_memory, noticing_loss
from bench.evaluation import evaluate
from bench.keeper import Keeper
from bench.plan import EVALUATION_IMAGES, TRAINING_KEYS, Work, encodable, width_of
from bench.problem import Curve, Members, Problem, State, start
from bench.provenance import peak_memory
from bench.rows import evaluation_images, stored_images
from bench.stack import device_name, image_size, members_of, parameters_of, problem_of, settle_process
from bench.store import DamagedFile
from bench.training import train

#: Cell id -> its latest checkpoint, as they were when the training of the pack began.
Places = dict[str, checkpoint.Found]


def train_pack(work: Work, context: Context, report: Report) -> None:
    """Leave a code table and a `Trained` record for every outstanding cell of `work`.

    A cell that has them already is left alone, one whose weights are kept is encoded, any other is trained
    from its latest checkpoint or from the start.
    """
    settle_process(context.device, work.pack.cells[0].training.precision)
    with noticing_loss(context.device):
        trainer = PackTrainer.open(work, context, report)
    waiting = [cell for cell in work.cells if not trainer.is_ready(cell)]
    kept = artifacts.find_weights(context.path / "models", encodable([work]))
    for cell in waiting:
        if cell.id in kept:
            trainer.encode_kept(cell, *kept[cell.id])
    trainer.train([cell for cell in waiting if cell.id not in kept])
    report({"pack": work.pack.id, "device_seconds": trainer.device_seconds})
    if context.mirror:
        context.mirror.push_missing(work.pack.id)


@dataclass
class PackTrainer:
    """Trains the stacks of one pack and writes what they leave."""

    work: Work
    context: Context
    report: Report
    problem: Problem
    index: np.ndarray  # images of the code tables
    keeper: Keeper
    width: int  # cells in one stacked step; halved where they do not fit in memory
    device_seconds: float = 0.0  # spent on training and encoding so far, files not counted

    @staticmethod
    def open(work: Work, context: Context, report: Report) -> PackTrainer:
        first = work.pack.cells[0]
        dataset = open_dataset(first.dataset, first.source, context.data_path)
        images = context.evaluation.images
        index = np.arange(dataset.size) if images is None else evaluation_images(dataset, images)
        problem = problem_of(first, _on_device(dataset, context.device, image_size(first)))
        keeper = Keeper(context, problem, work.pack.id, stored_images(dataset, context.storage.codes))
        width = width_of(first.training.architecture, context.device, context.width)
        return PackTrainer(work, context, report, problem, index, keeper, width)

    def is_ready(self, cell: Cell) -> bool:
        """Whether an earlier go left what scoring needs: codes of the images now wanted, or a failure.

        One that is to be tried again counts only where this run made it.
        """
        record = Trained.read(self.context.work, cell.id)
        path = codes_path(self.context.work, cell.id)
        if record is None or (record.status == "ok" and not path.is_file()):
            return False
        if record.status == "failed":
            return not self.context.retry_failed or record.run_id == self.context.run_id
        try:
            return np.array_equal(artifacts.read_codes(path)[2], self.index)
        except DamagedFile:  # torn by a disk: it is made again
            return False

    def train(self, cells: Sequence[Cell]) -> None:
        """Train cells in stacks: at the same step after a resume, as many as one stacked step takes."""
        found = checkpoint.find(self.context.work / "checkpoints", [cell.id for cell in cells])
        by_step: dict[int, list[Cell]] = {}
        for cell in cells:
            by_step.setdefault(found[cell.id].step if cell.id in found else 0, []).append(cell)
        width = self.width  # of these; it may be halved on the way
        for group in by_step.values():
            for first in range(0, len(group), width):
                self._train_stack(group[first : first + width], found)

    def _train_stack(self, cells: list[Cell], found: Places) -> None:
        """Train, evaluate and encode cells that are at the same step, in groups that may die together.

        A group that does not fit in memory is halved, and so are all later ones of the pack. One that raises
        otherwise is tried again in halves (of the same width, hence with the same bits), so that one cell
        never costs its neighbours. What the disk refuses is the run's failure, not the cells'.
        """
        for group, tries in self._groups(cells, found):
            try:
                self._note(group, tries)
                error, out_of_memory = self._try_group(group, found)
            except DeviceLost:
                raise  # the note stays: this process is as good as gone
            except BaseException:  # also when a key is pressed
                self._forget(group)
                raise
            self._forget(group)
            if out_of_memory and self.width > 1:
                self.width //= 2
                self.report({"pack": self.work.pack.id, "width": self.width})
                self.train(group)
            elif error and len(group) > 1:
                self.train(group[: len(group) // 2])
                self.train(group[len(group) // 2 :])
            elif error:
                self._record(group[0], error, {}, 0.0)

    def _try_group(self, cells: list[Cell], found: Places) -> tuple[str, bool]:
        """Train a group; returns the traceback of what went wrong, if any, and whether memory was short.

        As text, since the exception itself holds all that the failed try had in memory.
        """
        try:
            with noticing_loss(self.context.device):
                self._train_group(cells, found)
        except OSError:
            raise
        except (Exception, SystemExit) as error:  # a user's model may leave by any door
            return traceback.format_exc(), is_out_of_memory(error)
        return "", False

    def _note(self, group: list[Cell], tries: list[Attempt]) -> None:
        """Write down that a try begins, for every machine to see."""
        for cell, made in zip(group, tries, strict=True):
            attempts.note(self.context.work, cell.id, made, self.context.driver)
        if self.context.mirror:
            self.context.mirror.push(*self._notes(group))

    def _forget(self, group: list[Cell]) -> None:
        for cell in group:
            attempts.forget(self.context.work, cell.id)
        if self.context.mirror:
            self.context.mirror.remove(*self._notes(group))

    def _notes(self, group: list[Cell]) -> list[Path]:
        return [attempts.note_path(self.context.work, cell.id) for cell in group]

    def _groups(self, cells: list[Cell], found: Places) -> Iterator[tuple[list[Cell], list[Attempt]]]:
        """Cells to be trained together, with their tries; a quarantined cell is recorded as failed."""
        tries = {}
        for cell in cells:
            step = found[cell.id].step if cell.id in found else 0
            made = attempts.attempt(self.context.work, cell.id, step, self.width, self.context.driver)
            if made.is_quarantined:
                self._record(
                    cell, f"quarantined: its process died {made.deaths} times at step {step}", {}, 0.0
                )
                self._forget([cell])
            else:
                tries[cell] = made
        if tries:
            size = min(self.width, *(made.size for made in tries.values()))
            left = list(tries)
            for first in range(0, len(left), size):
                group = left[first : first + size]
                yield group, [replace(tries[cell], size=len(group)) for cell in group]

    def _train_group(self, cells: list[Cell], found: Places) -> None:
        began = time.perf_counter()
        members, state, curve = self._begin(cells, found)
        with self._using_device():
            train(self.problem, members, state, curve, self._on_block(cells))
        self._save(cells, state, curve)
        batches = -(-EVALUATION_IMAGES // self.problem.training.batch_size)
        with self._using_device():
            values = evaluate(self.problem, members, state, batches)
            values = {key: value.tolist() for key, value in values.items()}
        seconds = (time.perf_counter() - began) / len(cells)
        errors = deaths(state)[: len(cells)]
        alive = [row for row, error in enumerate(errors) if error is None]
        self.keeper.keep(cells, alive, state, curve, seconds * len(cells))
        if alive:
            self._write_codes([cells[row] for row in alive], state.parameters.detach()[alive])
        for row, (cell, error) in enumerate(zip(cells, errors, strict=True)):
            scores = {key: values[key][row] for key in TRAINING_KEYS}
            self._record(cell, error, {} if error else scores, seconds)

    def encode_kept(self, cell: Cell, path, row: int) -> None:
        """Make the code table of a cell whose weights an earlier run kept; an error is this cell's alone."""
        error = None
        try:
            with noticing_loss(self.context.device):
                tensors, _ = artifacts.read_weights(path, row)
                self._write_codes([cell], parameters_of(tensors, self.problem, self.context.device))
        except OSError:
            raise
        except (Exception, SystemExit):
            error = traceback.format_exc()
        self._record(cell, error, {}, 0.0)

    def _begin(self, cells: list[Cell], found: Places) -> tuple[Members, State, Curve]:
        padded = cells + [cells[0]] * (self.width - len(cells))  # one width, one choice of kernels, same bits
        members = members_of(padded, self.problem, torch.device(self.context.device))
        if cells[0].id in found:
            try:
                places = [found[cell.id] for cell in padded]
                return members, *checkpoint.load(places, torch.device(self.context.device))
            except checkpoint.Moved:
                pass  # another run with other packs is at work on these cells: from the start it is the same
        return members, start(self.problem, members), Curve()

    def _on_block(self, cells: list[Cell]):
        last = {"saved": time.monotonic(), "said": 0.0}
        cell_ids = [cell.id for cell in cells]

        def on_block(state: State, curve: Curve) -> None:
            now = time.monotonic()
            if now - last["said"] >= 1.0:
                last["said"] = now
                self.report(
                    {
                        "pack": self.work.pack.id,
                        "cells": len(self.work.cells),
                        "stack": cell_ids[0],
                        "steps": state.step * len(cells),
                    }
                )
            if now - last["saved"] >= self.context.checkpoint_seconds:
                last["saved"] = now
                self._save(cells, state, curve)

        return on_block

    def _save(self, cells: list[Cell], state: State, curve: Curve) -> None:
        cell_ids = [cell.id for cell in cells]
        path = checkpoint.save(self.context.work / "checkpoints", self.work.pack.id, cell_ids, state, curve)
        if self.context.mirror:  # the time of a note is the sign of life that `bench status` sees in a store
            self.context.mirror.push(path, *self._notes(cells[:1]))

    def _write_codes(self, cells: list[Cell], parameters: torch.Tensor) -> None:
        with self._using_device():
            mean, log_variance = code_tables(self.problem, parameters, self.index)
        for row, cell in enumerate(cells):
            path = codes_path(self.context.work, cell.id)
            artifacts.write_codes(path, mean[row], log_variance[row], self.index)

    @contextmanager
    def _using_device(self) -> Iterator[None]:
        began = time.perf_counter()
        yield
        if self.context.device == "cuda":
            torch.cuda.synchronize()
        self.device_seconds += time.perf_counter() - began

    def _record(self, cell: Cell, error: str | None, values: dict, seconds: float) -> None:
        status = "failed" if error else "ok"
        trained = Trained(
            status=status,
            error=error,
            values=values,
            seconds=seconds,
            device=device_name(self.context.device),
            pack_width=self.width,
            cuda=torch.version.cuda or "",
            peak_memory=peak_memory(),
            run_id=self.context.run_id,
        )
        trained.write(self.context.work, cell.id)


def _on_device(dataset: Dataset, device: str, side: int) -> DeviceImages:
    """The images of a data set, resident; OSError in a sentence where they do not fit."""
    try:
        return DeviceImages(dataset, device, side)
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        raise OSError(
            f"the images of {dataset.name} do not fit into the memory of {device} beside what else it holds; "
            "give each pack more of it (--gpus-per-pack), or run fewer at a time (--cpus)"
        ) from error


def deaths(state: State) -> list[str | None]:
    """Why each member's weights are frozen, in a sentence; None while it lives."""
    sentence = "the loss or its gradient was not finite at step {}; the weights are frozen there"
    return [None if step < 0 else sentence.format(step) for step in state.died_at.tolist()]

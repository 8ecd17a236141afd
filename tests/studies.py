"""Small studies for tests: one that is really run, once, and made-up ones that are only written."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file
from tiny import TINY

from bench.cell import Cell
from bench.context import Context
from bench.grid import LoadedGrid, load_grid
from bench.metrics import parse_requests
from bench.plan import TRAINING_KEYS, cut, planned_requests
from bench.running import run
from bench.scoring import planned_keys
from bench.store import REQUEST_KEY, write_scores
from bench.study import record_plan
from bench.study_plan import Plan


@cache
def run_tiny(data_dir: Path) -> Path:
    """results/ with the tiny study, run once per session beside the data; copy it before a change."""
    folder = data_dir.with_name("tiny")
    folder.mkdir()
    (folder / "tiny.yaml").write_text(TINY)
    run(folder / "tiny.yaml", results=folder / "results", data_dir=data_dir, executor="inline", cpus=1)
    return folder / "results"


def plan_study(results: Path, text: str = TINY, **about: str) -> tuple[Path, LoadedGrid]:
    """The folder and grid of a study that is planned and not run; `about` goes into its provenance."""
    path = results.parent / "tiny.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    grid = load_grid(path)
    record_plan(results / grid.study, grid, about)
    return results / grid.study, grid


def commit(folder: Path, grid: LoadedGrid, cells: Sequence[Cell], **columns) -> list[Path]:
    """Commit made-up scores of `cells`, one file a pack; `columns` replace some of the made-up ones."""
    run_id = columns.pop("run_id", "20260101T000000-aaaaaa")
    chosen, files = {cell.id for cell in cells}, []
    for pack in cut(grid.cells, "cuda"):
        inside = [cell for cell in pack.cells if cell.id in chosen]
        rows = [row | columns for cell in inside for row in made_up(cell, pack.id, grid)]
        if rows:
            files.append(write_scores(folder / "scores", pack.id, rows, {"run_id": run_id, "host": "h"}))
    return files


def made_up(cell: Cell, pack_id: str, grid: LoadedGrid) -> list[dict]:
    """Score rows of a cell with values that are functions of the score's key."""
    evaluation = grid.settings.evaluation
    planned = planned_keys(parse_requests(evaluation.metrics), evaluation.representations)
    training = dict(zip(REQUEST_KEY[1:], planned_requests(grid)[0], strict=True))
    keys = [training | {"key": key} for key in TRAINING_KEYS]
    keys += [{"images": evaluation.images or 0} | key for key in planned]
    common = cell.columns() | {
        "pack_id": pack_id, "study": grid.study, "status": "ok", "flags": "", "device": "cpu",
        "pack_width": 8, "versions": "{}", "created_at": datetime.now(UTC),
    }  # fmt: skip
    return [common | key | {"value": _fraction(cell.id, key), "seconds": _fraction(cell.id)} for key in keys]


def write_checkpoint(folder: Path, cells: Sequence[Cell], step: int) -> Path:
    """A checkpoint file that says what bench.checkpoint.save says, with next to no tensors."""
    path = folder / "_work" / "checkpoints" / f"{cells[0].id}.safetensors"
    path.parent.mkdir(parents=True, exist_ok=True)
    counters = {"cells": [cell.id for cell in cells], "step": step, "curve_steps": []}
    save_file({"alive": np.ones(len(cells), bool)}, path, {"bench": json.dumps(counters)})
    return path


def _fraction(*of: object) -> float:
    """A number in [0, 1) that looks random and depends on `of` alone."""
    return int(hashlib.sha256(repr(of).encode()).hexdigest()[:13], 16) / 16**13


def context_of(plan: Plan, data_dir: Path) -> Context:
    """What the packs of a plan share on a CPU, as bench.running gives it to them."""
    settings = plan.grid.settings
    return Context(
        study=plan.grid.study, folder=str(plan.folder), data=str(data_dir), device="cpu",
        evaluation=settings.evaluation, storage=settings.storage, provenance={"run_id": "r"},
    )  # fmt: skip

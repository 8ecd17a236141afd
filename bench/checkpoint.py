"""Mid-training checkpoints: whole or absent, one file a stack, taken apart by member.

A file holds the state of the members trained in one stack. Since members are rows, any of them can be
resumed in another packing. No random state is kept: draws are functions of (seed, stream, step).
"""

from __future__ import annotations

import json
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file

from bench.artifacts import checkpoints, file_name
from bench.atomic import whole_file
from bench.optim import Moments
from bench.problem import Curve, State


@dataclass(frozen=True)
class Found:
    """Where a cell's latest checkpoint lies: file, row in it, and completed steps."""

    path: Path
    row: int
    step: int


def save(folder: Path, pack_id: str, cell_ids: Sequence[str], state: State, curve: Curve) -> Path:
    """Write the state of a pack's stack of `cell_ids`; padding members beyond them are left out."""
    members = len(cell_ids)
    tensors = {name: value[:members].contiguous() for name, value in _tensors(state).items()}
    for name, points in curve.points.items():
        tensors[f"curve.{name}"] = torch.stack([point[:members] for point in points])
    counters = {
        "cells": list(cell_ids),
        "step": state.step,
        "curve_steps": curve.steps,
        "host": platform.node(),  # for `bench status`
    }
    path = Path(folder) / file_name(pack_id, cell_ids, ".safetensors")
    with whole_file(path) as temporary:
        save_file(tensors, temporary, metadata={"bench": json.dumps(counters)})
    return path


def find(folder: Path, cell_ids: Sequence[str]) -> dict[str, Found]:
    """The latest checkpoint of each of `cell_ids` that has one below `folder`."""
    found: dict[str, Found] = {}
    for path, counters in checkpoints(folder):
        for row, cell_id in enumerate(counters["cells"]):
            if cell_id in cell_ids and (cell_id not in found or found[cell_id].step < counters["step"]):
                found[cell_id] = Found(path, row, counters["step"])
    return found


class Moved(Exception):
    """A checkpoint is no more what it was when it was found: another run has its cells in hand."""


def load(places: Sequence[Found], device: torch.device) -> tuple[State, Curve]:
    """State and curve of a stack put together from rows of checkpoints, all at the same step.

    Raises Moved where one was removed or replaced since it was found.
    """
    steps = {place.step for place in places}
    if len(steps) != 1:
        raise ValueError(f"members of one stack must be at one step, these are at {sorted(steps)}")
    rows, counters = zip(*map(_read_row, places), strict=True)
    tensors = {
        name: torch.cat([row[name] for row in rows]).to(device) for name in rows[0] if "curve." not in name
    }
    curve = Curve(steps=list(counters[0]["curve_steps"]))
    for name in rows[0]:
        if name.startswith("curve."):
            together = torch.cat([row[name] for row in rows], dim=1).to(device)
            curve.points[name.removeprefix("curve.")] = list(together.unbind(0))
    return _state(steps.pop(), tensors), curve


def _tensors(state: State) -> dict[str, torch.Tensor]:
    tensors = {
        "parameters": state.parameters.detach(),
        "first": state.moments.first,
        "second": state.moments.second,
        "alive": state.alive,
        "died_at": state.died_at,
    }
    if state.discriminator is not None:
        tensors["discriminator"] = state.discriminator.detach()
        tensors["discriminator_first"] = state.discriminator_moments.first
        tensors["discriminator_second"] = state.discriminator_moments.second
    return tensors


def _state(step: int, tensors: dict[str, torch.Tensor]) -> State:
    discriminator_moments = None
    if "discriminator" in tensors:
        discriminator_moments = Moments(tensors["discriminator_first"], tensors["discriminator_second"])
    return State(
        step=step,
        parameters=tensors["parameters"],
        moments=Moments(tensors["first"], tensors["second"]),
        discriminator=tensors.get("discriminator"),
        discriminator_moments=discriminator_moments,
        alive=tensors["alive"],
        died_at=tensors["died_at"],
    )


def _read_row(place: Found) -> tuple[dict[str, torch.Tensor], dict]:
    row = slice(place.row, place.row + 1)
    try:
        with safe_open(place.path, framework="pt") as file:
            counters = json.loads(file.metadata()["bench"])
            if counters["step"] != place.step:
                raise Moved(f"{place.path} is at step {counters['step']}, not {place.step}")
            tensors = {
                name: file.get_slice(name)[:, row] if name.startswith("curve.") else file.get_slice(name)[row]
                for name in file.keys()  # noqa: SIM118 - safe_open is no mapping
            }
    except FileNotFoundError as error:
        raise Moved(f"{place.path} is gone") from error
    return tensors, counters

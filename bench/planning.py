"""The words and figures of `bench plan`: what a grid holds, what is left, roughly how long that takes."""

from __future__ import annotations

import shutil

from bench.durations import duration
from bench.plan import Pack, typical_hours, weight_bytes
from bench.study_plan import Plan

LONG_HOURS = 24.0  # beyond this a run is told how to ask for less
SHOWN_PACKS = 12  # as many as fit a screen


def describe(plan: Plan, whole: bool) -> list[str]:
    """What a run would do, in lines; `whole` adds the packs and what every cell is scored with."""
    grid, settings = plan.grid, plan.grid.settings
    sources = ", ".join(f"{name} ({source.partition(':')[0]})" for name, source in grid.sources.items())
    skipped = len(grid.cells) - plan.cells_done - plan.cells_left
    lines = [
        f"{grid.study}: {len(grid.cells):,} cells in {len(plan.packs):,} packs on {plan.device}; "
        f"{plan.cells_done:,} done, {plan.cells_left:,} to do"
        + (f" ({skipped:,} not selected)" if skipped else ""),
        f"data: {sources}",
        *(f"note: {warning}" for warning in grid.warnings),
        *_time_needed(plan),
        *_room_needed(plan),
    ]
    if whole:
        metrics = [
            name if isinstance(name, str) else next(iter(name)) for name in settings.evaluation.metrics
        ]
        lines += [
            f"scored with: {', '.join(metrics)} on {', '.join(settings.evaluation.representations)} codes"
        ]
        lines += [_describe_pack(pack, plan) for pack in plan.packs[:SHOWN_PACKS]]
        if len(plan.packs) > SHOWN_PACKS:
            lines.append(f"  … and {len(plan.packs) - SHOWN_PACKS:,} packs more")
    return lines


def _time_needed(plan: Plan) -> list[str]:
    """How long training takes here, roughly, and how to ask for less where that is too long."""
    less = "less: --select model=beta_vae,dataset=dsprites,seed=0-2, --limit N, or fewer steps in the grid"
    if not plan.works:
        return []
    if not sum(work.cost for work in plan.trainings):
        return ["time: scoring only, nothing is to be trained; `bench plan GRID --measure` times it"]
    hours = typical_hours(plan.trainings, plan.device, plan.cores)
    if hours is None:
        return ["time: not known for this GPU; `bench plan GRID --measure` finds out", less]
    workers = min(plan.cores, len(plan.trainings))
    where = core_count(workers) + (", one a pack" if workers < plan.cores else "")
    line = (
        f"time: roughly {duration(3600 * hours)} of training on {where}, and scoring (--measure times both)"
    )
    return [line, less] if hours > LONG_HOURS else [line]


def _room_needed(plan: Plan) -> list[str]:
    """What to do where the disk cannot hold the weights of what is left."""
    needed = weight_bytes(plan.trainings) if plan.grid.settings.storage.weights else 0
    there = next(path for path in (plan.folder, *plan.folder.resolve().parents) if path.exists())
    free = shutil.disk_usage(there).free
    if needed <= free:
        return []
    return [
        f"disk: the weights will take about {needed / 1e9:,.1f} GB, and {there} has {free / 1e9:,.1f} GB "
        "free; `storage: {weights: false}` in the grid leaves them out"
    ]


def _describe_pack(pack: Pack, plan: Plan) -> str:
    left = {work.pack.id: len(work.todo) for work in plan.works}.get(pack.id, 0)
    first = pack.cells[0]
    is_done = plan.settled.issuperset(cell.id for cell in pack.cells)
    state = f"{left} to do" if left else "done" if is_done else "not selected"
    return (
        f"  {pack.id}  {first.dataset}, {first.model}, {first.training.architecture}, "
        f"{first.training.steps:,} steps: {len(pack.cells)} cells, {state}"
    )


def figures(plan: Plan) -> dict:
    """Counts of a plan as plain data."""
    return {
        "study": plan.grid.study,
        "cells": len(plan.grid.cells),
        "cells_done": plan.cells_done,
        "cells_left": plan.cells_left,
        "packs": len(plan.packs),
        "device": plan.device,
        "sources": plan.grid.sources,
        "model_steps_left": sum(cell.training.steps for work in plan.trainings for cell in work.cells),
        "about": describe(plan, whole=False),
    }


def core_count(count: int) -> str:
    return "1 core" if count == 1 else f"{count} cores"

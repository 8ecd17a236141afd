"""The words and figures of `bench plan`: what a grid holds, what is left, how long this machine needs."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from bench.devices import cores, gpus
from bench.durations import duration
from bench.metrics import parse_requests
from bench.plan import Pack, typical_hours, weight_bytes
from bench.study_plan import Plan

LONG_HOURS = 24.0  # beyond this a run is told how to ask for less
SHOWN_PACKS = 12  # as many as fit a screen
#: What "of limit" means in the table of speeds, by device.
LIMITS = {
    "cpu": "of limit: share of the rate of a large matrix product on this machine",
    "cuda": "of limit: least time of the step's products at a large one's rate on this GPU, or of its\n"
    "bytes (fused: 7 passes over layers' outputs, 11 over weights) at a large copy's rate, as a share\n"
    "of the step's time; the longer of the two binds",
}


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
    hours = typical_hours(plan.works, plan.device, plan.cores)
    if hours is None:
        return ["time: not known for this GPU; `bench plan GRID --measure` finds out"] if plan.works else []
    if not hours:
        return []
    lines = [
        f"time: roughly {duration(3600 * hours)} of training on {_cores(plan.cores)} (--measure times it)"
    ]
    if hours > LONG_HOURS:
        lines.append(
            "less: --select model=beta_vae,dataset=dsprites,seed=0-2, --limit N, or fewer steps in the grid"
        )
    return lines


def _room_needed(plan: Plan) -> list[str]:
    """What to do where the disk cannot hold the weights of what is left."""
    needed = weight_bytes(plan.works) if plan.grid.settings.storage.weights else 0
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
    state = f"{left} to do" if left else "done"
    return (
        f"  {pack.id}  {first.dataset}, {first.model}, {first.training.architecture}, "
        f"{first.training.steps:,} steps: {len(pack.cells)} cells, {state}"
    )


def figures(plan: Plan, measure: bool, workers: int | None, data: Path) -> dict:
    """Counts of a plan and, with `measure`, speeds, seconds per metric and hours, as plain data.

    `data` is the folder of data sets: what a batch costs is measured on those that are prepared there.
    """
    evaluation = plan.grid.settings.evaluation
    found = {
        "study": plan.grid.study,
        "cells": len(plan.grid.cells),
        "cells_done": plan.cells_done,
        "cells_left": plan.cells_left,
        "packs": len(plan.packs),
        "device": plan.device,
        "sources": plan.grid.sources,
        "model_steps_left": sum(cell.training.steps for work in plan.works for cell in work.cells),
        "about": describe(plan, whole=False),
    }
    if not measure:
        return found
    from bench import measure as measuring

    workers = workers or (gpus() if plan.device == "cuda" else cores())
    speeds = list(measuring.speeds(plan.works, plan.device))
    latent_dim = plan.grid.cells[0].training.latent_dim
    requests = parse_requests(evaluation.metrics)
    seconds = {
        name: measuring.metric_seconds(name, latent_dim, requests, evaluation.images)
        for name in plan.grid.sources
    }
    scoring = sum(sum(seconds[cell.dataset].values()) for work in plan.works for cell in work.cells)
    return found | {
        "workers": workers,
        "speeds": [asdict(speed) | {"ratio": speed.ratio} for speed in speeds],
        "batches": [asdict(cost) for cost in measuring.batch_costs(plan.works, plan.device, data)],
        "metric_seconds": seconds,
        "training_hours": measuring.hours(plan.works, speeds, workers),
        "scoring_hours": scoring / cores() / 3600,
    }


def lines(found: dict) -> Iterator[str]:
    """The figures as a person reads them."""
    yield from found["about"]
    if "speeds" not in found:
        return
    yield ""
    yield (
        f"{'model':<14}{'architecture':<14}{'channels':>8}{'width':>7}{'best':>6}{'ms/model-step':>15}"
        f"{'plain loop':>12}{'ratio':>7}{'data':>7}{'of limit':>10}{'bound':>10}"
    )
    for speed in found["speeds"]:
        yield (
            f"{speed['model']:<14}{speed['architecture']:<14}{speed['channels']:>8}{speed['width']:>7}"
            f"{speed['best_width']:>6}{speed['milliseconds']:>15.3f}{speed['plain_milliseconds']:>12.3f}"
            f"{speed['ratio']:>7.2f}{speed['data_share']:>7.1%}{speed['share_of_limit']:>10.1%}"
            f"{speed['bound']:>10}"
        )
    yield "plain loop: a β-VAE as an nn.Module with torch.optim, taking turns with the step in one process"
    yield LIMITS[found["device"]]
    yield ""
    yield from _batch_lines(found)
    for name, seconds in found["metric_seconds"].items():
        yield ""
        yield f"{name}: {sum(seconds.values()):.1f} core-seconds of metrics per cell"
        yield "  " + ", ".join(f"{metric} {value:.2f}" for metric, value in seconds.items())
    yield ""
    yield (
        f"left: {found['model_steps_left']:,} model-steps; "
        f"training {duration(3600 * found['training_hours'])} on {found['workers']} workers, "
        f"scoring {duration(3600 * found['scoring_hours'])} on {_cores(cores())}"
    )


def _batch_lines(found: dict) -> Iterator[str]:
    """What a batch costs on each data set, and which could not be asked."""
    for cost in found["batches"]:
        yield (
            f"{cost['dataset']} ({cost['source'].partition(':')[0]}): images take "
            f"{cost['milliseconds']:.2f} ms a model-step, {cost['share']:.1%} of {cost['model']} on "
            f"{cost['architecture']}"
        )
    measured = {cost["dataset"] for cost in found["batches"]}
    for name, source in found["sources"].items():
        if name not in measured and found["model_steps_left"]:
            yield (
                f"{name}: what its images cost is known once they are prepared: "
                f"bench data prepare {name} --source {source.partition(':')[0]}"
            )


def _cores(count: int) -> str:
    return "1 core" if count == 1 else f"{count} cores"

"""The figures of `bench plan`: what is left of a grid, and how long this machine needs for it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict

from bench.devices import cores, gpus
from bench.metrics import parse_requests
from bench.progress import duration
from bench.running import Plan, describe


def figures(plan: Plan, measure: bool, workers: int | None) -> dict:
    """Counts of a plan and, with `measure`, speeds, seconds per metric and hours, as plain data."""
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
        f"{'plain loop':>12}{'ratio':>7}{'data':>7}{'of limit':>10}"
    )
    for speed in found["speeds"]:
        yield (
            f"{speed['model']:<14}{speed['architecture']:<14}{speed['channels']:>8}{speed['width']:>7}"
            f"{speed['best_width']:>6}{speed['milliseconds']:>15.3f}{speed['plain_milliseconds']:>12.3f}"
            f"{speed['ratio']:>7.2f}{speed['data_share']:>7.1%}{speed['share_of_limit']:>10.1%}"
        )
    yield "plain loop: a β-VAE as an nn.Module with torch.optim, taking turns with the step in one process"
    yield "of limit: share of the rate of a large matrix product on this machine"
    for name, seconds in found["metric_seconds"].items():
        yield ""
        yield f"{name}: {sum(seconds.values()):.1f} core-seconds of metrics per cell"
        yield "  " + ", ".join(f"{metric} {value:.2f}" for metric, value in seconds.items())
    yield ""
    yield (
        f"left: {found['model_steps_left']:,} model-steps; "
        f"training {duration(3600 * found['training_hours'])} on {found['workers']} workers, "
        f"scoring {duration(3600 * found['scoring_hours'])} on {cores()} cores"
    )

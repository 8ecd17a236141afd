"""What `bench plan --measure` prints, line by line as it is measured, and keeps as plain data."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from bench import measure
from bench.data import find_entry
from bench.devices import gpus
from bench.durations import duration
from bench.measure import BatchCost, Hours, Speed
from bench.metrics import parse_requests
from bench.plan import Work
from bench.planning import core_count
from bench.study_plan import Plan

HEADER = (
    f"{'model':<14}{'architecture':<14}{'channels':>8}{'width':>7}{'best':>6}{'ms/model-step':>15}"
    f"{'plain loop':>12}{'ratio':>7}{'data':>7}{'of limit':>10}{'bound':>10}"
)
PLAIN = "plain loop: a β-VAE as an nn.Module with torch.optim, taking turns with the step in one process"
#: What "data" and "of limit" mean in the table of speeds, by device.
LIMITS = {
    "cpu": "of limit: share of the rate of a large matrix product on this machine",
    "cuda": "data: at the most, since the batch's kernels are launched one by one, the step's by a graph\n"
    "of limit: least time of the step's products at a large one's rate on this GPU, or of its\n"
    "bytes (fused: 7 passes over layers' outputs, 11 over weights) at a large copy's rate, as a share\n"
    "of the step's time; the longer of the two binds",
}


def costs(plan: Plan, data: Path, say: Callable[[str], None]) -> dict:
    """Speeds, seconds per metric and hours of what is left of a plan; each line is said once it is known.

    `data` is the folder of data sets: what a batch costs is measured on those that are prepared there.
    """
    evaluation = plan.grid.settings.evaluation
    workers = gpus() if plan.device == "cuda" else plan.cores
    say("")
    say(HEADER)
    speeds = _each(measure.speeds(plan.trainings, plan.device, plan.width), _speed_line, say)
    say(PLAIN)
    say(LIMITS[plan.device])
    say("")
    measured = measure.batch_costs(plan.trainings, plan.device, data, plan.width)
    batches = _each(measured, _batch_line, say)
    for line in _unprepared(plan, {cost.dataset for cost in batches}):
        say(line)
    seconds = {}
    for names in _of_one_shape(plan.works):
        latent_dim = plan.grid.cells[0].training.latent_dim
        requests = parse_requests(evaluation.metrics)
        found = measure.metric_seconds(names[0], latent_dim, requests, evaluation.images)
        seconds |= dict.fromkeys(names, found)
        say("")
        say(f"{', '.join(names)}: {sum(found.values()):.1f} core-seconds of metrics per cell")
        say("  " + ", ".join(f"{metric} {value:.2f}" for metric, value in found.items()))
    hours = measure.hours(plan.trainings, speeds, evaluation.images, workers)
    core_seconds = sum(sum(seconds[cell.dataset].values()) for work in plan.works for cell in work.cells)
    scoring = core_seconds / plan.cores / 3600
    say("")
    say(_left(plan, hours, scoring, workers))
    return {
        "workers": workers,
        "speeds": [asdict(speed) | {"ratio": speed.ratio} for speed in speeds],
        "batches": [asdict(cost) for cost in batches],
        "metric_seconds": seconds,
        "padding": hours.padding,
        "training_hours": hours.training,
        "closing_hours": hours.closing,
        "scoring_hours": scoring,
    }


def _each(measured: Iterator, line: Callable, say: Callable[[str], None]) -> list:
    """All that is measured, each said before the next one is."""
    kept = []
    for one in measured:
        kept.append(one)
        say(line(one))
    return kept


def _speed_line(speed: Speed) -> str:
    return (
        f"{speed.model:<14}{speed.architecture:<14}{speed.channels:>8}{speed.width:>7}"
        f"{speed.best_width:>6}{speed.milliseconds:>15.3f}{speed.plain_milliseconds:>12.3f}"
        f"{speed.ratio:>7.2f}{speed.data_share:>7.1%}{speed.share_of_limit:>10.1%}{speed.bound:>10}"
    )


def _batch_line(cost: BatchCost) -> str:
    return (
        f"{cost.dataset} ({cost.source.partition(':')[0]}): images take {cost.milliseconds:.2f} ms a "
        f"model-step, {cost.share:.1%} of {cost.model} on {cost.architecture}"
    )


def _unprepared(plan: Plan, measured: set[str]) -> Iterator[str]:
    """Which data sets could not be asked what a batch costs."""
    trained = {c.dataset: c.source for work in plan.works for c in work.cells if c.training.steps}
    for name, source in trained.items():
        if name not in measured:
            yield (
                f"{name}: what its images cost is known once they are prepared: "
                f"bench data prepare {name} --source {source.partition(':')[0]}"
            )


def _of_one_shape(works: Sequence[Work]) -> list[list[str]]:
    """The data sets of what is left: metrics see codes and factors, so equal factors cost the same."""
    alike: dict[tuple, list[str]] = {}
    for name in dict.fromkeys(cell.dataset for work in works for cell in work.cells):
        alike.setdefault(tuple(find_entry(name).factor_sizes), []).append(name)
    return list(alike.values())


def _left(plan: Plan, hours: Hours, scoring: float, workers: int) -> str:
    steps = sum(cell.training.steps for work in plan.trainings for cell in work.cells)
    parts = [f"training {duration(3600 * hours.training)}"]
    if hours.closing:
        parts.append(f"closing evaluations and code tables {duration(3600 * hours.closing)}")
    padding = f" ({hours.padding:.2f} × that with padding)" if hours.padding > 1 else ""
    where = f"{workers} GPU{'s' * (workers != 1)}" if plan.device == "cuda" else core_count(workers)
    return (
        f"left: {steps:,} model-steps{padding}; {', '.join(parts)} on {where}, "
        f"scoring {duration(3600 * scoring)} on {core_count(plan.cores)}"
    )

"""`bench run` and `bench plan`."""

from __future__ import annotations

import json
import shlex
import signal
import sys
from functools import partial

import click
from rich.console import Console

from bench.cli.common import (
    EXIT_FAILED_CELLS,
    EXIT_INTERRUPTED,
    FloatRange,
    data_option,
    device_option,
    examples,
    in_words,
    results_option,
)

width_option = click.option(
    "--width", type=click.IntRange(1, 4096), help="Cells in one stacked step; the device's own when left out."
)
select_option = click.option(
    "--select", "select_cells", metavar="WHAT", help="Only some cells: model=vae,dataset=dsprites,seed=0-9."
)
limit_option = click.option("--limit", type=click.IntRange(min=1), help="Only the first N cells of these.")
retry_option = click.option("--retry-failed", is_flag=True, help="Run failed cells again.")


@click.command(
    help="Train and score what is missing of a grid: a YAML file, or the name of one that ships with bench."
    + examples("bench run quickstart", "bench run grids/mine.yaml --cpus 8 --data-dir /data/disentanglement")
)
@click.argument("grid")
@click.option("--dry-run", is_flag=True, help="Say what would be done, and stop.")
@click.option(
    "--executor",
    type=click.Choice(["ray", "inline"]),
    default="ray",
    show_default=True,
    help="Ray Tune, or the same functions without Ray.",
)
@click.option("--cpus", type=click.IntRange(min=1), help="Cores to use; all when left out.")
@click.option(
    "--address", metavar="ADDRESS", help="A Ray cluster (auto, ray://host:10001); local when left out."
)
@click.option(
    "--gpus-per-pack",
    type=FloatRange(0.01, 1),
    default=1,
    show_default=True,
    help="A fraction shares a GPU.",
)
@click.option(
    "--checkpoint-seconds",
    type=FloatRange(min=0),
    default=60.0,
    show_default=True,
    help="Time between two checkpoints of a pack in training.",
)
@results_option
@data_option
@device_option
@width_option
@retry_option
@select_option
@limit_option
def run(grid, dry_run, executor, cpus, address, gpus_per_pack, checkpoint_seconds, **planning):
    from bench import running
    from bench.devices import cores
    from bench.study_plan import make_plan, plan_to_run

    planning |= {"cpus": cpus, "address": address}
    if dry_run:
        _print_plan(make_plan(grid, **planning), whole=True)
        return
    plan = plan_to_run(grid, on_damaged=_say_damaged, **planning)
    _print_plan(plan, whole=False)
    if plan.works:
        running.check_machine(plan, address)
        settings = {
            "data_dir": planning["data_dir"],
            "executor": executor,
            "cpus": cpus or cores(),
            "address": address,
            "gpus_per_pack": gpus_per_pack,
            "retry_failed": planning["retry_failed"],
            "checkpoint_seconds": checkpoint_seconds,
        }
        before = signal.signal(signal.SIGTERM, _as_a_key)
        try:
            _work(plan, settings)
        except KeyboardInterrupt:
            _say_interrupted(running.outcome(plan))
        finally:
            signal.signal(signal.SIGTERM, before)
    else:
        running.write_down(plan)
    _say_outcome(running.outcome(plan))


def _as_a_key(*_) -> None:
    """What a batch system or a cluster sends before it kills is answered as Ctrl-C."""
    raise KeyboardInterrupt


def _work(plan, settings: dict) -> None:
    """Prepare data and execute the plan, with a display of both."""
    from bench.cluster import is_outside
    from bench.data import data_folder
    from bench.progress import Display, preparing
    from bench.running import execute, prepare_data

    console = Console(stderr=True)
    if not is_outside(settings["address"]):
        with preparing(console) as on_progress:
            prepare_data(plan, data_folder(settings["data_dir"]), settings["cpus"], on_progress)
    with Display(plan, console) as display:
        try:
            execute(plan, on_event=display.event, **settings)
        except OSError as error:
            said = f"The run stopped: {in_words(error)}. Mend this; the same command continues."
            click.echo(said, err=True)
    if display.tally.idle_share is not None:
        click.echo(f"GPUs: no pack trained in {display.tally.idle_share:.1%} of their time.")
    busy = len(display.tally.busy)
    if busy:
        were, them = ("pack was", "it") if busy == 1 else ("packs were", "them")
        click.echo(f"{busy} {were} left to another run, which was at work on {them}.", err=True)


def _print_plan(plan, whole: bool) -> None:
    from bench.planning import describe

    for line in describe(plan, whole):
        click.echo(line)


def _say_damaged(damaged) -> None:
    name = f"{damaged.folder}/{damaged.path.name}"
    click.echo(f"{name} {damaged.problem}; moved to _work/quarantine/: {damaged.loss}.", err=True)


def _say_interrupted(outcome) -> None:
    click.echo(
        f"Interrupted: {outcome.done} of {outcome.planned} done; the same command continues.", err=True
    )
    sys.exit(EXIT_INTERRUPTED)


def _command(*more: str) -> str:
    """The command as it was typed, without what narrows it to part of the study, and with `more`."""
    from bench.study import NARROWING

    context = click.get_current_context()
    words = ["bench", context.info_name, context.params["grid"]]
    for option in context.command.params:
        typed = context.get_parameter_source(option.name) == click.core.ParameterSource.COMMANDLINE
        if isinstance(option, click.Option) and typed and option.opts[0] not in NARROWING:
            words += [option.opts[0], str(context.params[option.name])]
    return shlex.join([*words, *more])


def _say_outcome(outcome) -> None:
    click.echo(
        f"{outcome.done} of {outcome.planned} cells done, {outcome.failed} failed, {outcome.missing} missing."
    )
    click.echo(f"Scores: {outcome.place}/scores")
    if outcome.failed:
        click.echo(f"`{_command('--retry-failed')}` runs failed cells again.", err=True)
    if outcome.missing:
        click.echo(f"`{_command()}` runs what is missing.", err=True)
    if outcome.failed or outcome.unfinished:
        sys.exit(EXIT_FAILED_CELLS)


@click.command(
    help="Say what a grid holds, what is done, what is left; with --measure, how long that takes here."
    + examples("bench plan quickstart", "bench plan locatello --measure --select dataset=dsprites")
)
@click.argument("grid")
@click.option("--measure", is_flag=True, help="Time training and scoring on this machine (a few minutes).")
@click.option("--json", "as_json", is_flag=True, help="The same as JSON on standard output.")
@click.option("--cpus", type=click.IntRange(min=1), help="Cores to plan for; all when left out.")
@results_option
@data_option
@device_option
@width_option
@select_option
@limit_option
def plan(grid, measure, as_json, **planning):
    from bench.study_plan import make_plan

    made = make_plan(grid, **planning)
    if not measure and not as_json:
        _print_plan(made, whole=True)
        return
    from bench.planning import figures

    found = figures(made)
    if measure:
        found |= _measured(made, planning["data_dir"], as_json)
    if as_json:
        click.echo(json.dumps(found, indent=2))


def _measured(plan, data_dir: str | None, as_json: bool) -> dict:
    """What is measured, printed as it comes: beside JSON on standard error."""
    from bench.data import data_folder
    from bench.devices import check_device
    from bench.plan_costs import costs
    from bench.planning import describe

    check_device(plan.device, plan.found)
    say = partial(click.echo, err=as_json)
    for line in describe(plan, whole=False):
        say(line)
    return costs(plan, data_folder(data_dir), say)

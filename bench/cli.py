"""The `bench` command: verbs and their options; what they do stands elsewhere."""

from __future__ import annotations

import sys
from pathlib import Path

import click
from rich.console import Console

from bench.version import __version__

EXIT_FAILED_CELLS = 1
EXIT_BAD_INPUT = 2
EXIT_INTERRUPTED = 130


def examples(*lines: str) -> str:
    """The head of a verb's help: two examples, kept on lines of their own."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)


class BadInput(click.ClickException):
    """What was typed cannot be done: one sentence for each thing wrong, exit code 2."""

    exit_code = EXIT_BAD_INPUT

    def show(self, file=None) -> None:
        click.echo(self.format_message(), err=True)


class Bench(click.Group):
    """Turns the errors of bad input, raised anywhere below, into sentences without a traceback."""

    def invoke(self, context: click.Context):
        try:
            return super().invoke(context)
        except (ValueError, FileNotFoundError, PermissionError, NotADirectoryError) as error:
            if context.params.get("traceback"):
                raise
            raise BadInput(str(error)) from None


results_option = click.option(
    "--results", default="results", show_default=True, metavar="DIR", help="Folder of the studies."
)
data_option = click.option(
    "--data-dir", metavar="DIR", help="Folder of data sets; else $BENCH_DATA, else the user's cache."
)
device_option = click.option(
    "--device", type=click.Choice(["cpu", "cuda"]), help="Train on this; the GPU when there is one."
)
retry_option = click.option("--retry-failed", is_flag=True, help="Run failed cells again.")


@click.group(cls=Bench, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="bench")
@click.option("--traceback", is_flag=True, help="Show the Python traceback of an error in the input.")
def main(traceback: bool) -> None:
    """Rerun, and go beyond, the disentanglement study of Locatello et al. (ICML 2019).

    \b
    Examples:
      bench run quickstart && bench report quickstart
      bench plan grids/locatello.yaml
    """


@main.command(
    help="Train and score what is missing of a grid: a YAML file, or the name of one that ships with bench.\n\n"
    + examples("bench run quickstart", "bench run grids/mine.yaml --cpus 8 --data-dir /data/disentanglement")
)
@click.argument("grid")
@click.option("--dry-run", is_flag=True, help="Say what would be done, and stop.")
@click.option(
    "--executor",
    type=click.Choice(["ray", "inline"]),
    default="ray",
    show_default=True,
    help="Ray Tune, or the same functions without Ray, for debugging.",
)
@click.option("--cpus", type=click.IntRange(min=1), help="Cores to use; all when left out.")
@click.option(
    "--address", metavar="ADDRESS", help="A Ray cluster (auto, ray://host:10001); local when left out."
)
@click.option(
    "--checkpoint-seconds",
    type=click.FloatRange(min=0),
    default=60.0,
    show_default=True,
    help="Time between two checkpoints of a pack in training.",
)
@results_option
@data_option
@device_option
@retry_option
def run(grid, dry_run, executor, cpus, address, checkpoint_seconds, results, data_dir, device, retry_failed):
    from bench import running
    from bench.devices import cores
    from bench.progress import Display

    console = Console(stderr=True)
    plan = running.make_plan(
        grid, results=results, data_dir=data_dir, device=device, retry_failed=retry_failed
    )
    _print_plan(plan, dry_run)
    if dry_run:
        return
    if plan.works:
        running.check_writable(plan.folder)
        data = _prepare(plan, data_dir, cpus or cores(), console)
        with Display(plan, console) as display:
            try:
                running.execute(
                    plan,
                    data=data,
                    executor=executor,
                    cpus=cpus or cores(),
                    address=address,
                    retry_failed=retry_failed,
                    checkpoint_seconds=checkpoint_seconds,
                    on_event=display.event,
                )
            except KeyboardInterrupt:
                _say_interrupted(running.outcome(plan))
    _say_outcome(running.outcome(plan), grid)


def _prepare(plan, data_dir, cpus: int, console: Console) -> Path:
    from bench.data import data_folder
    from bench.progress import preparing
    from bench.running import prepare_data

    folder = data_folder(data_dir)
    with preparing(console) as on_progress:
        prepare_data(plan, folder, cpus, on_progress)
    return folder


def _print_plan(plan, whole: bool) -> None:
    from bench.running import describe

    for line in describe(plan, whole):
        click.echo(line)


def _say_interrupted(outcome) -> None:
    click.echo(
        f"Interrupted: {outcome.done} of {outcome.planned} done; the same command continues.", err=True
    )
    sys.exit(EXIT_INTERRUPTED)


def _say_outcome(outcome, grid: str) -> None:
    click.echo(
        f"{outcome.done} of {outcome.planned} cells done, {outcome.failed} failed, {outcome.missing} missing."
    )
    click.echo(f"Scores: {outcome.folder / 'scores'}")
    if outcome.failed or outcome.missing:
        if outcome.failed:
            click.echo(f"`bench run {grid} --retry-failed` runs failed cells again.", err=True)
        if outcome.missing:
            click.echo(f"`bench run {grid}` runs what is missing.", err=True)
        sys.exit(EXIT_FAILED_CELLS)


@main.command(
    help="Say what a grid holds, what of it is done, and what is left.\n\n"
    + examples("bench plan quickstart", "bench plan grids/locatello.yaml --device cuda")
)
@click.argument("grid")
@results_option
@data_option
@device_option
def plan(grid, results, data_dir, device):
    from bench.running import make_plan

    _print_plan(make_plan(grid, results=results, data_dir=data_dir, device=device), whole=True)


@main.command(
    help="Write the report of a study, or of every study when none is named.\n\n"
    + examples("bench report quickstart", "bench report --results results --reports reports")
)
@click.argument("study", required=False)
@results_option
@click.option("--reports", default="reports", show_default=True, metavar="DIR", help="Folder of the reports.")
@click.option("--format", "formats", default="html", show_default=True, help="html, md, or both: html,md.")
@click.option("--only", multiple=True, metavar="EXHIBIT", help="Only this exhibit; may be repeated.")
@click.option("--compare", metavar="STUDY", help="Another study, shown beside.")
def report(study, results, reports, formats, only, compare):
    from bench.reporting import build
    from bench.study import find_studies

    for folder in find_studies(Path(results), study):
        other = None if compare is None else find_studies(Path(results), compare)[0]
        page = build(folder, Path(reports), formats=tuple(formats.split(",")), only=only, compare=other)
        click.echo(f"Report: {page}")


@main.command(
    name="list",
    help="List what a grid may name.\n\n" + examples("bench list models", "bench list grids"),
)
@click.argument("what", type=click.Choice(["models", "metrics", "datasets", "grids", "architectures"]))
def list_(what):
    from bench.listing import LISTINGS

    for name, about in LISTINGS[what]():
        click.echo(f"{name:<18}{about}")

"""`bench report`, `bench card` and `bench list`."""

from __future__ import annotations

from pathlib import Path

import click

from bench.cli.common import EXIT_FAILED_CELLS, data_option, examples, results_option


def _words(text: str) -> tuple[str, ...]:
    """Words separated by commas."""
    return tuple(word.strip() for word in text.split(",") if word.strip())


reports_option = click.option(
    "--reports", default="reports", show_default=True, metavar="DIR", help="Folder of the reports."
)


@click.command(
    help="Write the report of a study, or of every study when none is named."
    + examples("bench report quickstart", "bench report --results results --reports reports")
)
@click.argument("study", required=False)
@results_option
@reports_option
@click.option("--format", "formats", default="html", show_default=True, help="html, md, or both: html,md.")
@click.option("--only", default="", metavar="EXHIBITS", help="Only these exhibits, separated by commas.")
@click.option("--compare", metavar="STUDY", help="Another study, shown beside.")
def report(study, results, reports, formats, only, compare):
    from bench.mirror import EVERYTHING, pulled_studies
    from bench.reporting import build
    from bench.store import DamagedFile, OtherVersion
    from bench.study import DamagedStudy, find_studies

    shown = [name for name in EVERYTHING if name != "models"]
    other = None
    if compare is not None:
        other = find_studies(pulled_studies(results, compare, shown), compare, results)[0]
    folders = find_studies(pulled_studies(results, study, shown), study, results)
    without, unread = [], (DamagedFile, OtherVersion, DamagedStudy)
    for folder in folders:
        try:
            page = build(folder, Path(reports), formats=_words(formats), only=_words(only), compare=other)
        except (FileNotFoundError, *unread) as error:  # stops only its own report
            without.append(error)
        else:
            click.echo(f"Report: {page}")
    if len(without) == len(folders):
        raise without[0]
    for error in without:
        click.echo(str(error), err=True)
    if any(isinstance(error, unread) for error in without):  # one without scores yet is no error
        raise SystemExit(EXIT_FAILED_CELLS)


@click.command(
    help="Write a page on one committed cell: pictures, curves, what its codes know, where its scores stand."
    + examples("bench card 62b3f4d69681fb1e", "bench card 62b3f4 --results /shared/results")
)
@click.argument("cell_id")
@results_option
@reports_option
@data_option
def card(cell_id, results, reports, data_dir):
    from bench.card import card as write_card
    from bench.data import data_folder
    from bench.mirror import EVERYTHING, pulled_studies

    folder = pulled_studies(results, None, EVERYTHING)
    path, record = write_card(folder, Path(reports), cell_id, data_folder(data_dir), results)
    click.echo(f"Card: {path}")
    if not record.pictures:
        click.echo(f"without pictures: {record.absent['pictures']}", err=True)


@click.command(
    name="list",
    help="List what a grid may name.\n\n" + examples("bench list models", "bench list grids"),
)
@click.argument("what", type=click.Choice(["models", "metrics", "datasets", "grids", "architectures"]))
def list_(what):
    from bench.listing import LISTINGS

    for name, about in LISTINGS[what]():
        click.echo(f"{name:<18}{about}")

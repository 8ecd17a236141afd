"""`bench data`: what exists and is there, fetch, verify, prepare, show."""

from __future__ import annotations

import sys
from pathlib import Path

import click
from rich.console import Console

from bench.cli.common import data_option, examples

source_option = click.option(
    "--source", type=click.Choice(["auto", "real", "rendered"]), default="auto", show_default=True
)


@click.group(
    help="Data sets: the published files, and renderings made here."
    + examples("bench data list", "bench data show dsprites --out dsprites.png")
)
def data() -> None: ...


@data.command(
    name="list",
    help="Every data set: what of it is there, its size, licence and where it comes from."
    + examples("bench data list", "bench data list --data-dir /data/disentanglement"),
)
@data_option
def list_(data_dir):
    from bench.data import data_folder, find_entry
    from bench.data.commands import listings

    folder = data_folder(data_dir)
    click.echo(f"Data folder: {folder}")
    for entry in listings(folder):
        factors = ", ".join(f"{name} {size}" for name, size in entry.factors.items())
        size = f"{entry.download_bytes / 1e6:,.0f} MB" if entry.download_bytes else "size not recorded"
        click.echo(f"{entry.name}: published {entry.real} ({size}), rendered {entry.rendered}")
        click.echo(f"    {factors}; images {'×'.join(map(str, entry.image_shape))}")
        click.echo(f"    licence: {entry.licence or 'none stated'}")
        for file in find_entry(entry.name).files:
            click.echo(f"    {file.urls[0]}")
        if entry.note:
            click.echo(f"    {entry.note}")


@data.command(
    help="Fetch the published files of a data set, or of all: resumed where they stopped, checked, whole."
    + examples("bench data fetch dsprites", "bench data fetch all --data-dir /data/disentanglement")
)
@click.argument("name")
@data_option
def fetch(name, data_dir):
    from bench.data import data_folder
    from bench.data.commands import fetch as fetch_lines
    from bench.data.fetch import FetchError
    from bench.progress import preparing

    try:
        with preparing(Console(stderr=True), unit="bytes") as on_progress:
            lines = fetch_lines(
                name, data_folder(data_dir), lambda done, total: on_progress(name, done, total)
            )
            for line in lines:
                click.echo(line)
    except FetchError as error:
        click.echo(str(error), err=True)
        sys.exit(1)


@data.command(
    help="Check the files and prepared tables of a data set against what is recorded of them."
    + examples("bench data verify dsprites", "bench data verify shapes3d --data-dir /data/disentanglement")
)
@click.argument("name")
@data_option
def verify(name, data_dir):
    from bench.data import data_folder
    from bench.data.commands import verify as checks

    wrong = False
    for check in checks(name, data_folder(data_dir)):
        wrong |= check.state == "wrong"
        click.echo(f"{check.state:<8} {check.path}  {check.detail}")
    sys.exit(1 if wrong else 0)


@data.command(
    help="Make the fast tables of a data set now; `bench run` makes what it needs by itself."
    + examples("bench data prepare dsprites", "bench data prepare shapes3d --source rendered")
)
@click.argument("name")
@source_option
@data_option
def prepare(name, source, data_dir):
    from bench.data import data_folder, resolve_source
    from bench.data import prepare as prepare_tables
    from bench.progress import preparing

    folder = data_folder(data_dir)
    chosen = resolve_source(name, source, folder)
    with preparing(Console(stderr=True)) as on_progress:
        prepare_tables(name, chosen, folder, lambda done, total: on_progress(name, done, total))
    click.echo(f"{name} ({chosen}) is ready in {folder}")


@data.command(
    help="Write a contact sheet: random images, and one row per factor moving alone."
    + examples("bench data show dsprites", "bench data show cars3d --source rendered --out cars.png")
)
@click.argument("name")
@click.option("--out", type=click.Path(path_type=Path), help="The PNG to write; NAME.png when left out.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Which random images.")
@source_option
@data_option
def show(name, out, seed, source, data_dir):
    from bench.data import data_folder, resolve_source
    from bench.data.commands import show as write_sheet

    folder = data_folder(data_dir)
    chosen = resolve_source(name, source, folder)
    click.echo(f"Contact sheet: {write_sheet(name, chosen, folder, out or Path(f'{name}.png'), seed)}")

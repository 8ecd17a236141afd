"""`bench data`: what exists and is there, fetch, verify, prepare, show."""

from __future__ import annotations

import sys
from pathlib import Path

import click
from rich.console import Console

from bench.cli.common import EXIT_INTERRUPTED, data_option, examples

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
    help="Data sets, all or those named: what of each is there and where, its size, licence and address."
    + examples("bench data list", "bench data list shapes3d my_images:MyImages --data-dir /data/sets"),
)
@click.argument("names", nargs=-1)
@data_option
def list_(names, data_dir):
    from bench.data import data_folder
    from bench.data.commands import listings

    folder = data_folder(data_dir)
    click.echo(f"Data folder: {folder}")
    for entry in listings(folder, names):
        factors = ", ".join(f"{name} {size}" for name, size in entry.factors.items())
        size = f" ({entry.size})" if entry.addresses else ""
        click.echo(f"{entry.name}: published {entry.real}{size}, rendered {entry.rendered}")
        click.echo(f"    {factors}; images {'×'.join(map(str, entry.image_shape))}")
        click.echo(f"    licence: {entry.licence or 'none stated'}")
        for address in entry.addresses:
            click.echo(f"    {address}")
        for path, length in entry.present:
            click.echo(f"    here: {path} ({length / 1e6:,.1f} MB)")
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
    from bench.progress import fetching

    try:
        with fetching(Console(stderr=True)) as on_progress:
            for line in fetch_lines(name, data_folder(data_dir), on_progress):
                click.echo(line)
    except FetchError as error:
        click.echo(str(error), err=True)
        sys.exit(1)
    except KeyboardInterrupt:
        click.echo("Interrupted; the same command goes on from there.", err=True)
        sys.exit(EXIT_INTERRUPTED)


@data.command(
    help="Check every byte of the files and prepared tables of a data set, or of all, against what is "
    "recorded of them; exit code 1 where something is wrong or nothing is there."
    + examples("bench data verify dsprites", "bench data verify all --data-dir /data/disentanglement")
)
@click.argument("name")
@data_option
def verify(name, data_dir):
    from bench.data import data_folder
    from bench.data.commands import verify as checks

    states = set()
    for check in checks(name, data_folder(data_dir)):
        states.add(check.state)
        click.echo(f"{check.state:<8} {check.path}  {check.detail}")
    sys.exit(1 if "wrong" in states or states == {"missing"} else 0)


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
    try:
        with preparing(Console(stderr=True)) as on_progress:
            prepare_tables(name, chosen, folder, lambda done, total: on_progress(name, done, total))
    except KeyboardInterrupt:
        click.echo("Interrupted; nothing half-made is kept, the same command begins again.", err=True)
        sys.exit(EXIT_INTERRUPTED)
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
    path = write_sheet(name, chosen, folder, out or Path(f"{name.replace(':', '.')}.png"), seed)
    click.echo(f"Contact sheet of {name} ({chosen}): {path}")

"""`bench status`, `bench verify`, `bench export`, `bench merge` and `bench reproduce`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from bench.cli.common import (
    EXIT_FAILED_CELLS,
    EXIT_INTERRUPTED,
    data_option,
    device_option,
    examples,
    results_option,
)


def _folder(results: str, study: str, whole: bool = False) -> Path:
    """The folder of a study; of one in a store, after fetching its state, or with `whole` all of it."""
    return _place(results, study, whole)[0]


def _place(results: str, study: str, whole: bool = False):
    """The folder of a study and, where it stands for one in a store, the mirror that keeps them alike."""
    from bench.mirror import EVERYTHING, STATE, is_address, mirror_at, mirror_of, pulled_studies
    from bench.study import find_studies

    names = EVERYTHING if whole else STATE
    if is_address(study):
        mirror = mirror_at(study)
        mirror.follow()
        mirror.pull(*names)
        return find_studies(mirror.folder.parent, mirror.folder.name, study)[0], mirror
    folder = find_studies(pulled_studies(results, study, names), study, results)[0]
    mirror = mirror_of(results, folder.name)
    return folder, mirror if mirror and mirror.folder == folder else None


@click.command(
    help="Say how far a study is, or every study when none is named: while a run goes on, too."
    + examples("bench status quickstart", "bench status --json")
)
@click.argument("study", required=False)
@results_option
@click.option("--errors", is_flag=True, help="The whole error of every failed cell, and nothing else.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object per study and line.")
def status(study, results, errors, as_json):
    from bench.mirror import pulled_studies
    from bench.status import study_status
    from bench.status_text import as_dict, error_lines, lines
    from bench.study import find_studies

    if study:
        folders = [_folder(results, study)]
    else:
        folders = find_studies(pulled_studies(results, None), None, results)
    unread = []
    for folder in folders:
        try:
            found = study_status(folder)
        except ValueError as error:  # a damaged study.json stops only its own study
            unread.append(error)
            continue
        if as_json:
            click.echo(json.dumps(as_dict(found)))
        else:
            click.echo("\n".join(error_lines(found) if errors else lines(found)))
    if unread:
        raise ValueError("\n".join(map(str, unread)))


@click.command(
    help="Find damaged and foreign files of a study, move them to _work/quarantine/, say what to run again."
    + examples("bench verify quickstart", "bench verify locatello --results /shared/results")
)
@click.argument("study")
@results_option
def verify(study, results):
    from bench.study import load_plan, run_command
    from bench.verify import cells_to_rerun, set_aside

    folder, mirror = _place(results, study, whole=True)
    grid = load_plan(folder)
    found = set_aside(folder, grid, mirror)
    for one in found.damaged:
        click.echo(f"{one.folder}/{one.path.name} {one.problem}: {one.loss}.")
    for path, cells in found.unplanned.items():
        click.echo(
            f"{path.parent.name}/{path.name} is whole; {len(cells)} of its cells are no part of the newest "
            f"grid, as {min(cells)}. It stays."
        )
    click.echo(f"{found.files:,} files read, {len(found.damaged)} damaged.")
    if found.damaged:
        click.echo(f"Moved to {folder / '_work' / 'quarantine'}.")
        again = cells_to_rerun(folder, grid, found.damaged)
        if again:
            shown = " ".join(again[:10]) + (" …" if len(again) > 10 else "")
            click.echo(f"{len(again)} cells lack scores now: {shown}")
            click.echo(f"`{run_command(folder)}` makes them again.")
        sys.exit(EXIT_FAILED_CELLS)


@click.command(
    help="Write all scores of a study, with where they come from, as one compact Parquet file."
    + examples("bench export quickstart", "bench export locatello --out locatello-2026.parquet")
)
@click.argument("study")
@results_option
@click.option("--out", metavar="FILE", help="The file to write; STUDY.parquet here when left out.")
def export(study, results, out):
    from bench.export import export as write

    folder = _folder(results, study)
    path = Path(out or f"{folder.resolve().name}.parquet")
    rows = write(folder, path)
    size = path.stat().st_size
    click.echo(f"{path}: {rows:,} scores, {size:,} bytes ({size / rows:.1f} a score)")


@click.command(
    help="Copy what other copies of a study have and it lacks, after checking that they belong together."
    + examples("bench merge quickstart /mnt/other/results/quickstart", "bench merge s copy1 copy2 --dry-run")
)
@click.argument("study")
@click.argument("copies", nargs=-1, required=True, metavar="FROM...")
@results_option
@click.option("--dry-run", is_flag=True, help="Check, say what would be copied, and stop.")
def merge(study, copies, results, dry_run):
    from bench.merge import merge as copy
    from bench.merge import plan_merge

    folder, mirror = _place(results, study, whole=True)
    planned = plan_merge(folder, [_folder(results, name, whole=True) for name in copies])
    if planned.differing:
        click.echo(
            f"note: {planned.differing:,} scores are there more than once with different values, made at "
            "different times; the newest counts"
        )
    if dry_run:
        for source, target in planned.copies:
            click.echo(f"{source} -> {target}")
    count = len(planned.copies) if dry_run else copy(planned)
    if mirror and not dry_run:
        mirror.push_missing()
    scores = sum(target.parent.name == "scores" for _, target in planned.copies)
    click.echo(f"{count:,} files {'to copy' if dry_run else 'copied'}, {scores:,} of them scores.")


@click.command(
    help="Train and score one committed cell again, alone, and compare every score with the committed one."
    + examples("bench reproduce 62b3f4d69681fb1e", "bench reproduce 62b3f4d69681fb1e --results /shared")
)
@click.argument("cell_id")
@results_option
@data_option
@device_option
def reproduce(cell_id, results, data_dir, device):
    from bench.committed import find_committed
    from bench.data import data_folder
    from bench.devices import check_device, find_device
    from bench.mirror import pulled_studies
    from bench.reproduce import begin_line, lines
    from bench.reproduce import reproduce as run_again

    committed = find_committed(pulled_studies(results, None), cell_id, results)
    device = device or committed.device
    check_device(device, find_device())
    click.echo(begin_line(committed, device))
    try:
        table = run_again(committed, data_folder(data_dir), device)
    except KeyboardInterrupt:
        click.echo("Interrupted; nothing is kept.", err=True)
        sys.exit(EXIT_INTERRUPTED)
    click.echo("\n".join(lines(table)))
    if not table["equal"].all():
        sys.exit(EXIT_FAILED_CELLS)

"""What `bench data list | fetch | verify | show` do; the command line only words and prints it.

`bench data prepare` is `bench.data.prepare` itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.data import DATASETS, find_entry, open_dataset
from bench.data.base import Entry, Progress
from bench.data.contact_sheet import contact_sheet
from bench.data.fetch import fetch_file, flaw


@dataclass(frozen=True)
class Listing:
    """A line of `bench data list`."""

    name: str
    factors: dict[str, int]
    image_shape: tuple[int, int, int]
    real: str
    """The published files: "there", "prepared", "missing", or "part of it"."""
    rendered: str
    """The rendering: "prepared", "to be made", or "none"."""
    download_bytes: int | None
    """Length of all its files, None where nobody recorded it."""
    licence: str
    note: str


@dataclass(frozen=True)
class Check:
    """One thing that `bench data verify` looked at."""

    path: Path
    state: str
    """"right", "missing", "wrong" or "unknown" (nobody recorded what it should be)."""
    detail: str


def listings(folder: Path) -> list[Listing]:
    """Every data set: what it has, what of it is under `folder`, and on what terms."""
    return [_listing(entry, folder) for entry in DATASETS.values()]


def fetch(name: str, folder: Path, progress: Progress) -> Iterator[str]:
    """Fetch the published files of a data set, or of "all", and say so line by line.

    `progress` gets bytes done and in all (0 if unknown) of the file named in the line before. Raises
    `bench.data.fetch.FetchError` at the first file that no address gives.
    """
    entries = list(DATASETS.values()) if name == "all" else [find_entry(name)]
    done = set()
    for entry in entries:
        if not entry.files:
            yield f"{entry.name} has no published files to fetch."
            continue
        yield f"{entry.name}. Licence: {entry.licence}. Please cite: {entry.citation}"
        for file in entry.files:
            if file.path in done:
                continue  # the variants of dSprites share its file
            done.add(file.path)
            yield f"{file.urls[0]} -> {folder / file.path}"
            fetched = fetch_file(file, folder, progress)
            yield f"{Path(file.path).name}: {'fetched and checked' if fetched else 'already there'}."


def verify(name: str, folder: Path) -> Iterator[Check]:
    """Check the published files and the prepared tables of a data set; hashing takes a few seconds per GB."""
    entry = find_entry(name)
    for file in entry.files:
        path = folder / file.path
        if not path.is_file():
            yield Check(path, "missing", f"type `bench data fetch {name}`")
        elif problem := flaw(path, file):
            yield Check(path, "wrong", f"{problem}; delete it and type `bench data fetch {name}`")
        elif file.md5 or file.sha256:
            yield Check(path, "right", "as published")
        else:
            yield Check(path, "unknown", "nobody recorded its checksum")
    for source in entry.caches:
        if entry.caches[source] and entry.is_prepared(source, folder):
            yield _check_table(entry, source, folder)


def show(name: str, source: str, folder: Path, path: Path, seed: int = 0) -> Path:
    """Write the contact sheet of a prepared data set to `path` (PNG): random images, each factor alone."""
    rng = np.random.Generator(np.random.Philox(seed))
    contact_sheet(open_dataset(name, source, folder), rng).save(path, format="PNG")
    return path


def _listing(entry: Entry, folder: Path) -> Listing:
    missing = entry.missing_files(folder)
    if entry.is_prepared("real", folder):
        real = "prepared"
    elif not missing:
        real = "there"
    else:
        real = "missing" if len(missing) == len(entry.files) else "part of it"
    rendered = "none"
    if entry.renderer:
        rendered = "prepared" if entry.is_prepared(entry.renderer, folder) else "to be made"
    lengths = [file.bytes for file in entry.files]
    return Listing(
        name=entry.name,
        factors=dict(zip(entry.factor_names, entry.factor_sizes, strict=True)),
        image_shape=entry.image_shape,
        real=real,
        rendered=rendered,
        download_bytes=None if None in lengths else sum(lengths),
        licence=entry.licence,
        note=entry.note,
    )


def _check_table(entry: Entry, source: str, folder: Path) -> Check:
    """Whether the prepared table opens, is as long as the grid, and gives its last image."""
    path = folder / entry.caches[source][0]
    try:
        dataset = entry.opener(source, folder)
        dataset.images(np.array([dataset.size - 1]), np.random.Generator(np.random.Philox(0)))
    except (ValueError, IndexError) as error:
        return Check(path, "wrong", f"{error}; delete it and type `bench data prepare {entry.name}`")
    return Check(path, "right", f"prepared ({source})")

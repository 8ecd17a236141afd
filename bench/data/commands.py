"""What `bench data list | fetch | verify | show` do; the command line only words and prints it.

`bench data prepare` is `bench.data.prepare` itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from bench.atomic import whole_file
from bench.data import DATASETS, find_entry, open_dataset, typed
from bench.data.base import Dataset, Entry, File
from bench.data.contact_sheet import contact_sheet
from bench.data.fetch import FetchError, fetch_file, flaw
from bench.data.record import recorded, sha256


@dataclass(frozen=True)
class Listing:
    """A line of `bench data list`."""

    name: str
    factors: dict[str, int]
    image_shape: tuple[int, int, int]
    real: str
    """The published files: "there" (themselves, or the table of another set that holds them), "prepared" (and
    whether they are still there), "missing", "part of it", or "none" (a user's own set)."""
    rendered: str
    """The rendering: "prepared", "to be made", or "none"."""
    size: str
    """Length of all its files in words."""
    present: tuple[tuple[Path, int], ...]
    """Its files and prepared tables that are there, and their bytes."""
    addresses: tuple[str, ...]
    licence: str
    note: str


@dataclass(frozen=True)
class Check:
    """One thing that `bench data verify` looked at."""

    path: Path
    state: str
    """"right", "missing", "wrong" or "unknown" (nobody recorded what it should be)."""
    detail: str


def listings(folder: Path, names: Sequence[str] = ()) -> list[Listing]:
    """What the data sets `names`, or all, have, what of it is under `folder`, and on what terms."""
    return [_listing(find_entry(name), folder) for name in names or DATASETS]


def fetch(name: str, folder: Path, progress: Callable[[str, int, int], None]) -> Iterator[str]:
    """Fetch the published files of a data set, or of "all", and say so line by line.

    `progress` gets a file's name, bytes done and in all (0 if unknown). What no address gives is passed over;
    at the end a `bench.data.fetch.FetchError` says of each such file why.
    """
    entries = list(DATASETS.values()) if name == "all" else [find_entry(name)]
    done, failures = set(), []
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
            told = Path(file.path).name
            try:
                fetched = fetch_file(file, folder, partial(progress, told))
            except FetchError as error:
                failures.append(str(error))
                yield f"{told}: not fetched."
            else:
                yield f"{told}: {'fetched' if fetched else 'already there'}, {_checked(file, fetched)}."
    if failures:
        raise FetchError("\n".join(failures))


def verify(name: str, folder: Path) -> Iterator[Check]:
    """Check all bytes of the published files and prepared tables of a data set, or of "all".

    Hashing takes a few seconds per GB. What data sets share is checked once.
    """
    done: dict[Path, Check] = {}
    for entry in DATASETS.values() if name == "all" else [find_entry(name)]:
        for file in entry.files:
            path = folder / file.path
            if path not in done:
                done[path] = _check_file(path, file, typed("fetch", entry.name, folder))
                yield done[path]
        for source, caches in entry.caches.items():
            prepare = typed("prepare", entry.name, folder, f" --source {source.partition(':')[0]}")
            for table in (folder / cache for cache in caches):
                if table.is_file() and table not in done:
                    done[table] = _check_table(table, source, done, prepare)
                    yield done[table]
            if all(folder / cache in done and done[folder / cache].state == "right" for cache in caches):
                yield from _check_images(entry, source, folder, prepare)


def show(name: str, source: str, folder: Path, path: Path, seed: int = 0) -> Path:
    """Write the contact sheet of a prepared data set to `path` (PNG): random images, each factor alone."""
    rng = np.random.Generator(np.random.Philox(seed))
    sheet = contact_sheet(open_dataset(name, source, folder), rng)
    try:
        with whole_file(path) as temporary:
            sheet.save(temporary, format="PNG")
    except OSError as error:
        raise ValueError(
            f"{path} cannot be written ({error.strerror or error}). Name another PNG file with --out."
        ) from error
    return path


def _checked(file: File, fetched: bool) -> str:
    """How far a file that is not known to be wrong was checked, in words."""
    if file.has_checksum:
        return "as published"
    checked = "only its size checked" if fetched or file.bytes else "unchecked"
    return f"{checked}: nobody recorded its checksum"


def _listing(entry: Entry, folder: Path) -> Listing:
    missing, lacking = entry.missing_files(folder), entry.lacking_files(folder)
    if not entry.files:
        real = "none"
    elif entry.is_prepared("real", folder):
        real = "prepared, its file no longer there" if missing else "prepared"
    elif not lacking:
        real = f"there, as {', '.join(file.table for file in missing)}" if missing else "there"
    else:
        real = "missing" if len(lacking) == len(entry.files) else "part of it"
    rendered = "none"
    if entry.renderer:
        rendered = "prepared" if entry.is_prepared(entry.renderer, folder) else "to be made"
    caches = [path for paths in entry.caches.values() for path in paths]
    kept = [folder / path for path in (*(file.path for file in entry.files), *caches)]
    return Listing(
        name=entry.name,
        factors=dict(zip(entry.factor_names, entry.factor_sizes, strict=True)),
        image_shape=entry.image_shape,
        real=real,
        rendered=rendered,
        size=_size(entry),
        present=tuple((path, path.stat().st_size) for path in dict.fromkeys(kept) if path.is_file()),
        addresses=tuple(file.urls[0] for file in entry.files),
        licence=entry.licence,
        note=entry.note,
    )


def _size(entry: Entry) -> str:
    """Length of an entry's published files, in words."""
    exact = [file.bytes for file in entry.files]
    told = [file.bytes or file.roughly for file in entry.files]
    if None not in exact:
        return f"{sum(exact) / 1e6:,.0f} MB"
    known = sum(length for length in told if length)
    rest = " and a file of unrecorded size" if None in told else ""
    return f"about {known / 1e6:,.0f} MB{rest}" if known else "size not recorded"


def _check_file(path: Path, file: File, fetch: str) -> Check:
    """Whether a published file is there and is the published one; `fetch` is the command that gets it."""
    if not path.is_file():
        return Check(path, "missing", f"type {fetch}")
    if problem := flaw(path, file):
        return Check(path, "wrong", f"{problem}; delete it and type {fetch}")
    return Check(path, "right" if file.has_checksum else "unknown", _checked(file, fetched=False))


def _check_table(table: Path, source: str, done: Mapping[Path, Check], prepare: str) -> Check:
    """Whether a prepared table is what was recorded when it was made; `prepare` makes it anew."""
    record = recorded(table)
    if record is None:
        return Check(table, "unknown", f"without a record of its checksum it is not used; type {prepare}")
    if sha256(table) != record.sha256:
        return Check(table, "wrong", f"its sha256 is not the one recorded; delete it and type {prepare}")
    origins = []
    for name, checksum in record.made_from.items():
        path = table.with_name(name)
        state = done[path].state if path in done else "unknown"
        # What has a published checksum was checked against it before the table was made.
        if state == "unknown" and path.is_file() and sha256(path) != checksum:
            return Check(table, "wrong", f"made from another {name}; delete it and type {prepare}")
        since = {"missing": ", no longer there", "wrong": " when that was right"}.get(state, "")
        origins.append(f" from {name}{since}")
    return Check(table, "right", f"as prepared ({source}{','.join(origins)})")


def _check_images(entry: Entry, source: str, folder: Path, prepare: str) -> Iterator[Check]:
    """Whether a data set opens, and its first and last image are what the entry promises."""
    caches = entry.caches[source]
    try:
        problem = _flaw(entry, entry.opener(source, folder))
    except Exception as error:  # a user's own data set may raise anything
        problem = f"{type(error).__name__}: {error}"
    if problem:
        mend = f"; delete it and type {prepare}" if caches else ""
        yield Check(folder / caches[0] if caches else folder, "wrong", problem + mend)
    elif not caches:
        yield Check(folder, "right", f"{entry.name} opens")


def _flaw(entry: Entry, dataset: Dataset) -> str | None:
    """What is wrong with the first and the last image, as a clause."""
    index = np.array([0, dataset.size - 1])
    images = dataset.images(index, np.random.Generator(np.random.Philox(0)))
    if images.shape != (2, *entry.image_shape) or images.dtype != np.uint8:
        return (
            f"two images are {images.dtype} of shape {images.shape}, not uint8 of {(2, *entry.image_shape)}"
        )
    factors = np.asarray(dataset.factors(index))
    if (
        factors.shape != (2, len(entry.factor_sizes))
        or not ((factors >= 0) & (factors < entry.factor_sizes)).all()
    ):
        return f"the factors {factors.tolist()} are no classes of sizes {entry.factor_sizes}"
    dataset.tables()
    return None

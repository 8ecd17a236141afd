"""The data sets: what they are called, which source is there, and how each is prepared and opened.

Adding one is a file beside these and a line in DATASETS, at the foot.
"""

from __future__ import annotations

import difflib
import math
import os
import tarfile
import zipfile
import zlib
from pathlib import Path

from bench.atomic import remove_orphans
from bench.data import (
    cars3d,
    color_dsprites,
    dsprites,
    dsprites_quick,
    mpi3d,
    noisy_dsprites,
    scream_dsprites,
    shapes3d,
    smallnorb,
)
from bench.data.base import Dataset, Entry, Progress
from bench.data.fetch import flaw
from bench.data.record import DamagedTable
from bench.load import own_object


def data_folder(given: str | Path | None = None) -> Path:
    """Where published files and prepared tables are kept: `given`, $BENCH_DATA, or the user's cache."""
    chosen = given or os.environ.get("BENCH_DATA")
    if chosen:
        return Path(chosen).expanduser()
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "disentanglement-bench"


def find_entry(name: str) -> Entry:
    """The entry of a data set by name; `package.module:NAME` is a user's own Entry or Dataset class."""
    if ":" in name:
        return _own_entry(name)
    if name not in DATASETS:
        near = difflib.get_close_matches(name, DATASETS, n=1, cutoff=0.4)
        hint = f"Did you mean {near[0]!r}? " if near else ""
        raise ValueError(
            f"There is no data set {name!r}. {hint}Known: {', '.join(DATASETS)}; or name your own as "
            "package.module:NAME."
        )
    return DATASETS[name]


def resolve_source(name: str, wanted: str, folder: Path) -> str:
    """The source that `wanted` ("auto", "real", "rendered") means on this machine: "real" or "rendered:1".

    Only asks which files exist. `auto` is real where the published file, or the table made from it, is there,
    also where that is another data set's (dSprites'); a table's record tells which file that was
    (bench/data/record.py).
    """
    if wanted not in ("auto", "real", "rendered"):
        raise ValueError(f"source is {wanted!r}; allowed are auto, real and rendered.")
    entry = find_entry(name)
    lacking = entry.lacking_files(folder)
    is_real = not lacking or entry.is_prepared("real", folder)
    if wanted == "rendered" or (wanted == "auto" and not is_real and entry.renderer):
        if entry.renderer is None:
            fetch = f"type {typed('fetch', name, folder)} and " if entry.files else ""
            raise ValueError(f"{name} has no renderer: {fetch}use `source: real`.")
        return entry.renderer
    if not is_real:
        names = ", ".join(str(folder / file.path) for file in lacking)
        hint = " or use `source: rendered`" if entry.renderer else ""
        raise FileNotFoundError(
            f"{name}: the published data is not there ({names}). Type {typed('fetch', name, folder)}{hint}."
        )
    return "real"


def prepare(
    name: str,
    source: str,
    folder: Path,
    progress: Progress | None = None,
    processes: int | None = None,
) -> None:
    """Make the fast tables of a data set's `source` under `folder`, unless they are there.

    Each appears whole or not at all, so it may be interrupted, and two processes may do it at once. Published
    files are checked first: a ValueError names the one that is not what was published.
    `progress` is called with rows done and rows in all; `processes` is how many cores, all unless given.
    """
    entry = _entry_with_source(name, source)
    if entry.is_prepared(source, folder):
        return
    if source == "real":
        _check_published(entry, folder)
    for table in (folder / cache for cache in entry.caches[source]):  # the folder may hold others' files
        remove_orphans(table.parent.glob(f".{table.name}.*.tmp"))
    try:
        entry.preparer(source, folder, processes or os.cpu_count() or 1, progress or _silent)
    except UNREADABLE as error:
        if isinstance(error, OSError) and error.errno:  # the disk's own, not a reader's
            raise PermissionError(
                f"{name}: {folder} cannot be written ({error.strerror}). Make room, or choose another folder "
                "with --data-dir or BENCH_DATA."
            ) from error
        names = ", ".join(str(folder / file.path) for file in entry.files)
        raise ValueError(
            f"{name}: the published data ({names}) cannot be read ({error}). "
            f"Delete what is damaged and type {typed('fetch', name, folder)}."
        ) from error
    if not entry.is_prepared(source, folder):
        raise ValueError(
            f"{name}: its preparer did not write {' and '.join(entry.caches[source])} by "
            "bench.data.cache.write_table, which records what is whole."
        )


def open_dataset(name: str, source: str, folder: Path) -> Dataset:
    """The prepared data set `name` from `source`; opening prepares nothing, and reads a sample of the tables.

    DamagedTable, an OSError, says which table is not what was recorded, and what to type.
    """
    entry = _entry_with_source(name, source)
    prepare = typed("prepare", name, folder, f" --source {source.partition(':')[0]}")
    if not entry.is_prepared(source, folder):
        raise FileNotFoundError(f"{name} ({source}) is not prepared in {folder}. Type {prepare}.")
    try:
        return entry.opener(source, folder)
    except DamagedTable as error:
        raise DamagedTable(
            f"{name}: {error}. Delete it and type {prepare}; "
            f"{typed('verify', name, folder)} checks every byte."
        ) from error


def typed(verb: str, name: str, folder: Path, options: str = "") -> str:
    """The command that does `verb` to a data set in `folder`, as a message quotes it."""
    where = "" if folder == data_folder() else f" --data-dir {folder}"
    return f"`bench data {verb} {name}{options}{where}`"


def _entry_with_source(name: str, source: str) -> Entry:
    entry = find_entry(name)
    if source not in entry.caches:
        raise ValueError(f"{name} has no source {source!r}; it has {' and '.join(entry.caches)}.")
    return entry


def _check_published(entry: Entry, folder: Path) -> None:
    lacking = ", ".join(str(folder / file.path) for file in entry.lacking_files(folder))
    fetch = typed("fetch", entry.name, folder)
    if lacking:
        raise FileNotFoundError(f"{entry.name}: {lacking} is needed and not there. Type {fetch}.")
    for file in entry.files:
        path = folder / file.path
        if path.is_file() and (problem := flaw(path, file)):
            raise ValueError(
                f"{entry.name}: {path} is not the published file ({problem}). Delete it and type {fetch}."
            )


def _own_entry(name: str) -> Entry:
    found = own_object(name)
    if isinstance(found, Entry):
        return found
    if isinstance(found, type) and issubclass(found, Dataset):
        needed = ("name", "factor_names", "factor_sizes", "image_shape")
        lacking = [word for word in needed if not hasattr(found, word)]
        if lacking:
            raise ValueError(
                f"{name!r} does not say its {', '.join(lacking)}; docs/datasets.md shows a class."
            )
        if len(found.factor_names) != len(found.factor_sizes):
            raise ValueError(
                f"{name!r} has {len(found.factor_names)} factor_names and {len(found.factor_sizes)} "
                "factor_sizes; each factor has a name and a size."
            )
        return Entry(
            name=name,
            factor_names=found.factor_names,
            factor_sizes=found.factor_sizes,
            image_shape=found.image_shape,
            size=_own_size(found),
            caches={"real": ()},
            opener=lambda source, folder: found(folder),
            preparer=lambda source, folder, processes, progress: None,
        )
    raise ValueError(f"{name!r} must name a bench.data.base.Dataset class or an Entry; it is {found!r}.")


def _own_size(found: type[Dataset]) -> int | None:
    """Images of a user's class: of its grid, or as it says; None where it has to be opened for that."""
    if found.size is Dataset.size:
        return math.prod(found.factor_sizes) * found.hidden_size
    return found.size if isinstance(found.size, int) else None


#: What readers of published files raise when one is damaged, and, with an errno, a disk that is full.
UNREADABLE = (OSError, EOFError, KeyError, zipfile.BadZipFile, tarfile.TarError, zlib.error)


def _silent(done: int, total: int) -> None:
    """Progress that nobody asked to see."""


DATASETS: dict[str, Entry] = {
    "dsprites": dsprites.ENTRY,
    "color_dsprites": color_dsprites.ENTRY,
    "noisy_dsprites": noisy_dsprites.ENTRY,
    "scream_dsprites": scream_dsprites.ENTRY,
    "smallnorb": smallnorb.ENTRY,
    "cars3d": cars3d.ENTRY,
    "shapes3d": shapes3d.ENTRY,
    "mpi3d_toy": mpi3d.TOY,
    "mpi3d_realistic": mpi3d.REALISTIC,
    "mpi3d_real": mpi3d.REAL,
    "mpi3d_toy_2019": mpi3d.TOY_2019,
    "dsprites_quick": dsprites_quick.ENTRY,
}

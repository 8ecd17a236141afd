"""A status as text for a person and as plain data for a program."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from bench.durations import duration
from bench.status import STATES, Status
from bench.study import cell_label


def lines(found: Status) -> Iterator[str]:
    """A status as a person reads it."""
    totals = found.totals
    counted = ", ".join(f"{totals[state]:,} {state}" for state in STATES)
    yield f"{found.study}: {len(found.cells):,} cells: {counted}"
    widths = [max(map(len, names)) for names in zip(("data set", "model"), *found.counts.index, strict=True)]
    yield f"  {'data set':<{widths[0]}}  {'model':<{widths[1]}}" + "".join(f"{state:>9}" for state in STATES)
    for (dataset, model), counts in found.counts.iterrows():
        numbers = "".join(f"{counts[state]:>9,}" for state in STATES)
        yield f"  {dataset:<{widths[0]}}  {model:<{widths[1]}}{numbers}"
    yield from _progress_lines(found)
    sizes = ", ".join(f"{name} {_bytes(size)}" for name, size in found.disk.items())
    yield f"disk: {_bytes(sum(found.disk.values()))} ({sizes}), {_bytes(found.free)} free"
    if found.unplanned:
        yield f"note: {found.unplanned:,} cells with scores are no part of the newest grid"
    if found.folder.resolve().name != found.study:
        yield (
            f"note: this folder is named {found.folder.resolve().name}, its study {found.study}: `bench run` "
            f"continues it where it is named {found.study}"
        )
    for path in found.damaged:
        yield f"damaged: {path}; `bench verify {found.study}` moves it away and says what to run again"
    for error in found.errors[:SHOWN_ERRORS]:
        where = f"({error.metric}, {error.path.name})"
        yield f"failed: {cell_label(error.cell)}: {last_line(error.text)} {where}"
    if found.errors:
        more = len(found.errors) - SHOWN_ERRORS
        yield (
            (f"and {more:,} failed cells more. " if more > 0 else "")
            + f"`bench status {found.study} --errors` shows whole tracebacks; `--retry-failed` with the same "
            "`bench run` tries again"
        )


SHOWN_ERRORS = 5


def _progress_lines(found: Status) -> Iterator[str]:
    """What runs, how fast, and until when."""
    totals = found.totals
    if totals["running"]:
        trained = len(found.signs.trained)
        yield f"running: {totals['running'] - trained:,} in training, {trained:,} trained and to be scored"
    elif totals["missing"]:
        begun = found.signs.begun & set(found.cells.index[found.cells["state"] == "missing"])
        resumed = f" from where {len(begun):,} of the cells were left" if begun else ""
        yield f"no run seems to go on; `{found.command}` continues{resumed}"
    if found.last_write is not None:
        ago = duration((datetime.now(UTC) - found.last_write).total_seconds())
        pace = f"; {_rounded(found.rate)} cells an hour in the latest run" if found.rate else ""
        left = f", about {duration(found.seconds_left)} left" if found.seconds_left else ""
        yield f"last written {ago} ago{pace}{left}"


def error_lines(found: Status) -> Iterator[str]:
    """The whole error of every failed cell, newest first."""
    for error in found.errors:
        yield f"{cell_label(error.cell)}: {error.metric}, {error.at:%Y-%m-%d %H:%M} UTC, {error.path}"
        yield error.text.rstrip() + "\n"
    if not found.errors:
        yield f"{found.study}: no failed cell"


def as_dict(found: Status) -> dict:
    """A status as plain data for JSON."""
    return {
        "study": found.study,
        "folder": str(found.folder),
        "planned": len(found.cells),
        **found.totals,
        "by_dataset_and_model": found.counts.reset_index().to_dict("records"),
        "cells_per_hour": found.rate,
        "seconds_left": found.seconds_left,
        "last_write": found.last_write and found.last_write.isoformat(),
        "disk_bytes": found.disk,
        "free_bytes": found.free,
        "unplanned": found.unplanned,
        "damaged": [str(path) for path in found.damaged],
        "errors": [
            {"cell_id": error.cell.id, "metric": error.metric, "error": error.text, "file": str(error.path)}
            for error in found.errors
        ],
    }


def last_line(text: str) -> str:
    """What a traceback says last."""
    return (text.strip().splitlines() or ["no reason is recorded"])[-1]


def _bytes(size: float) -> str:
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:,.3g} TB"


def _rounded(rate: float) -> str:
    """Three digits at most below a thousand, whole numbers above."""
    return f"{rate:,.0f}" if rate >= 1000 else f"{rate:.3g}"

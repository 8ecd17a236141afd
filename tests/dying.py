"""Halves of packs for real pools of processes: they compute nothing, note their tries, and wait or die."""

import json
import os
import signal
import time
from pathlib import Path

from bench.attempts import attempt, forget, note, note_path

SECONDS = 60  # after which a process that ought to have been stopped goes on


def _begin(work, context) -> int:
    """Note a try at the first cell of a pack; returns the deaths that it was told of."""
    cell_id = work.cells[0].id
    made = attempt(context.work, cell_id, 0, 1, context.driver)
    note(context.work, cell_id, made, context.driver)
    return made.deaths


def _end(work, context, report, deaths: int) -> None:
    forget(context.work, work.cells[0].id)
    report({"pack": work.pack.id, "committed": len(work.cells), "failed": 0, "deaths": deaths})


def _deadly(work) -> bool:
    return len(work.cells) == 4  # the first pack of the tiny grid


def die_beside_another(work, context, report) -> None:
    """The first pack's process dies once another has begun, which waits for that; then both end well."""
    tried = note_path(context.work, work.cells[0].id).exists()
    deaths = _begin(work, context)
    if not tried and _deadly(work):
        _wait_for_another(context)
        os.kill(os.getpid(), signal.SIGKILL)
    if not tried:
        time.sleep(SECONDS)
    _end(work, context, report, deaths)


def train_beside_scoring(work, context, report) -> None:
    """The second pack's training waits for ever the first time."""
    if not _deadly(work):
        again = note_path(context.work, work.cells[0].id).exists()
        deaths = _begin(work, context)
        if not again:
            time.sleep(SECONDS)
        forget(context.work, work.cells[0].id)
        report({"pack": work.pack.id, "deaths": deaths})


def die_in_scoring(cell_id, work, context) -> None:
    """The first process that scores dies once the other pack is in training."""
    died = Path(context.folder) / "died"
    if not died.exists():
        _wait_for_another(context)
        died.touch()
        os.kill(os.getpid(), signal.SIGKILL)


def commit(work, context, report) -> None:
    report({"pack": work.pack.id, "committed": len(work.cells), "failed": 0})


def wait_long(work, context, report) -> None:
    """Note a try, and end it long after; for a process that is to be stopped."""
    deaths = _begin(work, context)
    time.sleep(SECONDS)
    _end(work, context, report, deaths)


def _wait_for_another(context) -> None:
    def others() -> list[int]:
        notes = (context.work / "attempts").glob("[!.]*.json")
        return [pid for pid in (json.loads(path.read_text())["pid"] for path in notes) if pid != os.getpid()]

    deadline = time.monotonic() + SECONDS
    while not others() and time.monotonic() < deadline:
        time.sleep(0.01)

"""Halves of packs for real pools of processes: they compute nothing, note their tries, and wait or die."""

import json
import os
import signal
import time

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


def die_beside_another(work, context, report) -> None:
    """Of two processes the one that was made last dies, once both have begun; then both packs end well."""
    tried = note_path(context.work, work.cells[0].id).exists()
    deaths = _begin(work, context)
    if not tried:
        if os.getpid() > _another(context):
            (context.work / "died").write_text(work.pack.id)
            os.kill(os.getpid(), signal.SIGKILL)
        _wait_to_be_stopped()
    _end(work, context, report, deaths)


def train_beside_scoring(work, context, report) -> None:
    """The first pack, of four cells, is trained at once; the second waits to be stopped the first time."""
    if len(work.cells) == 4:
        return
    tried = note_path(context.work, work.cells[0].id).exists()
    deaths = _begin(work, context)
    if not tried:
        _wait_to_be_stopped()
    forget(context.work, work.cells[0].id)
    report({"pack": work.pack.id, "deaths": deaths})


def die_in_scoring(cell_id, work, context) -> None:
    """The first process that scores dies once the other pack is in training."""
    died = context.work / "died"
    if not died.exists():
        _another(context)
        died.write_text(work.pack.id)
        os.kill(os.getpid(), signal.SIGKILL)


def commit(work, context, report) -> None:
    report({"pack": work.pack.id, "committed": len(work.cells), "failed": 0})


def wait_long(work, context, report) -> None:
    """A half whose process is to be stopped."""
    _wait_to_be_stopped()


def _wait_to_be_stopped() -> None:
    time.sleep(SECONDS)
    raise TimeoutError("nobody stopped this process")


def _another(context) -> int:
    """The process that has noted a try beside this one, once there is one."""
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        notes = [json.loads(path.read_text()) for path in (context.work / "attempts").glob("[!.]*.json")]
        for made in notes:
            if made["pid"] != os.getpid():
                return made["pid"]
        time.sleep(0.01)
    raise TimeoutError("no other process has begun")

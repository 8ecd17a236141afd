"""Which cells' processes died: noted before the risky work, so that even a kill without warning counts.

A stack whose process died without getting any further is tried again in halves (padded to the same width,
hence with the same bits), down to single cells; a cell that died three times alone is quarantined. So one
deadly cell never costs its neighbours, and neither does a machine that goes away now and then.
"""

from __future__ import annotations

import json
import os
import platform
import sys
import traceback
from collections.abc import Collection
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import NoReturn

from bench.atomic import read_record, write_text

DEATHS_ALONE = 3
BYSTANDER = "stopped beside another"  # in place of a driver: this process did not die by itself
LOST = 75  # exit code of a worker whose device is lost: sysexits' temporary failure


class DeviceLost(OSError):
    """The device fails every call of this process from now on: only a new process can go on.

    The notes of its cells stay, so that one which breaks the device again and again is quarantined. It is an
    OSError since it ends a run as a full disk does: the machine is to blame, and the same command continues.
    """


@dataclass(frozen=True)
class Attempt:
    """One try at a cell: the step it began at, cells it was tried with, and deaths at that step before.

    `host`, where it is made, is written with the note: `bench status` sees the locks of its own machine only.
    `driver` is the run of the process that made this one and would outlive it, '' where there is none,
    BYSTANDER once that run has stopped the process since another one had died.
    `pid` is the process that tries.
    """

    step: int
    size: int
    deaths: int
    deaths_alone: int
    host: str = field(default="", compare=False)
    driver: str = field(default="", compare=False)
    pid: int = field(default=0, compare=False)

    @property
    def is_quarantined(self) -> bool:
        return self.deaths_alone >= DEATHS_ALONE

    @property
    def goes_on(self) -> bool:
        """Whether another driver of this machine, which trains by itself, is at it: with other packs, say.

        Not asked of a driver's workers: one that died and was not buried yet would seem to live.
        """
        if self.driver or self.host != platform.node() or self.pid in (0, os.getpid()):
            return False
        try:
            os.kill(self.pid, 0)  # nothing is sent
        except ProcessLookupError:
            return False
        except PermissionError:  # somebody else's
            pass
        return True


def attempt(work: Path, cell_id: str, step: int, width: int, driver: str = "") -> Attempt:
    """The try that comes next for a cell at `step`, after what is left of the last one.

    A note that was not removed is a process that died; one from an earlier step is forgiven. So is one whose
    driver is not this run's: a key was pressed, or the whole machine went, and no cell is to blame for that.
    One of a process that goes on is none of ours.
    """
    last = read_record(note_path(work, cell_id), Attempt)
    if last is None or last.step != step:
        return Attempt(step, width, 0, 0)
    if last.driver not in ("", driver) or last.goes_on:
        return Attempt(step, max(1, width >> last.deaths), last.deaths, last.deaths_alone)
    deaths = last.deaths + 1
    return Attempt(step, max(1, width >> deaths), deaths, last.deaths_alone + (last.size == 1))


def note(work: Path, cell_id: str, made: Attempt, driver: str = "") -> None:
    """Write down that a try begins."""
    begun = replace(made, host=platform.node(), driver=driver, pid=os.getpid())
    write_text(note_path(work, cell_id), json.dumps(asdict(begun)))


def forgive(work: Path, driver: str, pids: Collection[int]) -> list[Path]:
    """Let the tries of a run's processes count as no deaths: they were stopped since another process died.

    Returns the notes that were written anew, which a store may have as well.
    """
    forgiven = []
    for path in sorted((work / "attempts").glob("[!.]*.json")):
        made = read_record(path, Attempt)
        if made and made.driver == driver and made.pid in pids:
            write_text(path, json.dumps(asdict(replace(made, driver=BYSTANDER))))
            forgiven.append(path)
    return forgiven


def forget(work: Path, cell_id: str) -> None:
    """The try ended in this process's hands, well or with an error."""
    note_path(work, cell_id).unlink(missing_ok=True)


def note_path(work: Path, cell_id: str) -> Path:
    """Where the note of a try at a cell lies."""
    return work / "attempts" / f"{cell_id}.json"


def end_process() -> NoReturn:
    """Die as a killed worker does, so that whoever made it makes a new one; say on stderr what stopped it."""
    traceback.print_exc()
    sys.stderr.flush()
    os._exit(LOST)

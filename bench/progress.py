"""How far a run is: a live display in a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from bench.durations import duration
from bench.study_plan import Plan

PLAIN_SECONDS = 15.0  # between lines where nobody watches a display


@dataclass
class Tally:
    """Counts of a run, kept from the events that packs report."""

    cells: int
    steps: int  # model-steps that are still to be trained at the start
    done: int = 0
    failed: int = 0
    trained: dict[tuple[str, str], int] = field(default_factory=dict)  # model-steps by pack and stack
    cells_of: dict[str, int] = field(default_factory=dict)  # cells of the packs that are running
    began: float = field(default_factory=time.monotonic)
    slots: float = 0.0  # packs that the GPUs of a run train at once; 0 without GPUs
    slots_since: float = 0.0
    busy: set[str] = field(default_factory=set)  # packs that another run holds
    device_seconds: float = 0.0  # that packs spent on training and encoding

    def take(self, event: dict) -> None:
        """Count one event of a pack: steps trained, or cells committed."""
        if "steps" in event:
            self.trained[event["pack"], event["stack"]] = event["steps"]
        if "cells" in event:
            self.cells_of[event["pack"]] = event["cells"]
        if "committed" in event:
            self.done += event["committed"]
            self.failed += event["failed"]
            self.cells_of.pop(event["pack"], None)
        if "slots" in event:
            self.slots, self.slots_since = event["slots"], time.monotonic()
        if "busy" in event:  # in its training half, and maybe again in its scoring half
            self.busy.add(event["pack"])
        self.device_seconds += event.get("device_seconds", 0.0)

    @property
    def running(self) -> int:
        return sum(self.cells_of.values())

    @property
    def model_steps(self) -> int:
        return sum(self.trained.values())

    @property
    def rate(self) -> float:
        """Model-steps per second since the start."""
        return self.model_steps / max(1e-9, time.monotonic() - self.began)

    @property
    def seconds_left(self) -> float | None:
        """Time left at the rate so far; None before there is one."""
        return (self.steps - self.model_steps) / self.rate if self.model_steps else None

    @property
    def idle_share(self) -> float | None:
        """Share of the GPUs' time since the run had them in which no pack trained; None without GPUs.

        It holds once the run is over: a pack's seconds are counted when it has trained.
        """
        if not self.slots:
            return None
        return max(0.0, 1.0 - self.device_seconds / (self.slots * (time.monotonic() - self.slots_since)))

    def short(self) -> str:
        """As much as leaves room for a bar in a terminal of 80 columns."""
        left = f", {duration(self.seconds_left)} left" if self.seconds_left is not None else ""
        return (
            f"{self.done}/{self.cells} cells, {self.failed} failed, {self.running} running, "
            f"{self.rate:,.0f} steps/s{left}"
        )

    def line(self) -> str:
        """One line for a log."""
        left = f", about {duration(self.seconds_left)} left" if self.seconds_left is not None else ""
        return (
            f"{self.done} of {self.cells} cells done, {self.failed} failed, {self.running} running; "
            f"{self.rate:,.0f} model-steps/s{left}"
        )


class Display:
    """Shows a Tally while a run goes on; use as a context manager and hand it events."""

    def __init__(self, plan: Plan, console: Console):
        steps = sum(cell.training.steps for work in plan.works for cell in work.cells)
        self.tally = Tally(len(plan.grid.cells), steps, done=plan.cells_done)
        self.console = console
        self._said = time.monotonic()
        self._bar = None

    def __enter__(self) -> Display:
        if self.console.is_terminal:
            columns = (TextColumn("{task.description}"), BarColumn(bar_width=None))
            self._bar = Progress(
                *columns, console=self.console, transient=True, refresh_per_second=2, expand=True
            )
            self._task = self._bar.add_task(self.tally.short(), total=max(1, self.tally.steps))
            self._bar.start()
        return self

    def __exit__(self, *error: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def event(self, event: dict) -> None:
        """Take an event of a pack and show what changed."""
        self.tally.take(event)
        if "error" in event:
            self.console.print(
                f"pack {event['pack']} stopped:\n{event['error']}", highlight=False, markup=False
            )
        if self._bar is not None:
            self._bar.update(self._task, completed=self.tally.model_steps, description=self.tally.short())
        elif time.monotonic() - self._said >= PLAIN_SECONDS:
            self._said = time.monotonic()
            self.console.print(self.tally.line(), highlight=False)


@contextmanager
def preparing(console: Console) -> Iterator[Callable[[str, int, int], None]]:
    """A callable(name, done, total) that shows how far the making of a data set's tables is."""
    columns = (
        TextColumn("preparing {task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    tasks: dict[str, int] = {}
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:

        def on_progress(name: str, done: int, total: int) -> None:
            if name not in tasks:
                tasks[name] = bar.add_task(name, total=total)
                if not console.is_terminal:
                    console.print(f"preparing {name}: {total:,} images", highlight=False)
            bar.update(tasks[name], completed=done)

        yield on_progress


@contextmanager
def fetching(console: Console) -> Iterator[Callable[[str, int, int], None]]:
    """A callable(name, done, total) with a bar for each file that is fetched; total 0 where nobody knows."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    tasks: dict[str, int] = {}
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:

        def on_progress(name: str, done: int, total: int) -> None:
            if name not in tasks:
                # what came of an earlier call was not fetched at this one's speed
                tasks[name] = bar.add_task(name, total=total or None, completed=done)
            bar.update(tasks[name], completed=done)

        yield on_progress

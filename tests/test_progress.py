import io
import time

import pytest
from rich.console import Console

from bench import progress
from bench.durations import duration
from bench.progress import Display, Tally
from bench.study_plan import make_plan


def test_a_tally_counts_events_of_packs():
    tally = Tally(cells=12, steps=1000, done=2, began=time.monotonic() - 100)
    tally.take({"pack": "p", "cells": 4, "stack": "a", "steps": 100})
    tally.take({"pack": "p", "cells": 4, "stack": "a", "steps": 300})
    tally.take({"pack": "q", "cells": 6, "stack": "b", "steps": 200})
    assert (tally.running, tally.model_steps, tally.done) == (10, 500, 2)
    tally.take({"pack": "p", "committed": 3, "failed": 1})
    assert (tally.running, tally.done, tally.failed) == (6, 5, 1)
    assert tally.rate == pytest.approx(5, rel=0.1)
    assert tally.seconds_left == pytest.approx(100, rel=0.1)
    assert "5 of 12 cells done, 1 failed, 6 running" in tally.line()


def test_idle_time_is_what_packs_did_not_train_of_all_slots_time(monkeypatch):
    now = 50.0
    monkeypatch.setattr(progress.time, "monotonic", lambda: now)
    tally = Tally(cells=12, steps=1000)
    assert tally.idle_share is None
    tally.take({"slots": 4.0})  # two GPUs, half a GPU a pack
    now = 150.0
    for seconds in (60.0, 90.0, 90.0, 40.0, 80.0):
        tally.take({"pack": "p", "device_seconds": seconds})
    assert tally.idle_share == pytest.approx(0.1)
    on_cpu = Tally(cells=12, steps=1000)
    on_cpu.take({"pack": "p", "device_seconds": 60.0})
    assert on_cpu.idle_share is None


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (42, "42 s"), (89, "89 s"), (120, "2 min"), (5400, "1.5 h"), (36_000, "10 h"), (864_000, "10 days"),
        (3.2e8, "10.1 years"),
    ],
)  # fmt: skip
def test_durations_are_said_as_people_say_them(seconds, said):
    assert duration(seconds) == said


@pytest.mark.parametrize("terminal", [True, False])
def test_a_terminal_gets_a_bar_within_its_width_and_a_log_plain_lines(
    terminal, tiny_grid, tmp_path, monkeypatch
):
    monkeypatch.setattr(progress, "PLAIN_SECONDS", 0)
    out = io.StringIO()
    console = Console(file=out, force_terminal=terminal, width=80, no_color=True)
    with Display(make_plan(tiny_grid, results=tmp_path, device="cpu"), console) as display:
        display.event({"pack": "p", "cells": 4, "stack": "a", "steps": 120})
        display.event({"pack": "p", "committed": 4, "failed": 0})
    shown = out.getvalue()
    if terminal:
        assert "4/6 cells, 0 failed, 0 running" in shown
        assert "━" in shown
        assert "…" not in shown
    else:
        assert shown.splitlines()[-1].startswith("4 of 6 cells done, 0 failed, 0 running; ")
        assert "\x1b" not in shown


def test_every_file_that_is_fetched_has_a_bar_of_its_own():
    console = Console(file=io.StringIO(), force_terminal=True, width=100)
    with progress.fetching(console) as on_progress:
        on_progress("one.bin", 1_000_000, 4_000_000)
        on_progress("two.bin", 500, 0)  # of unknown length
        on_progress("one.bin", 4_000_000, 4_000_000)
    shown = console.file.getvalue()
    assert "one.bin" in shown
    assert "4.0/4.0 MB" in shown
    assert "two.bin" in shown

"""Real processes of pools: whose death counts, and that no key leaves one of them behind."""

import multiprocessing
import os
import signal
import time
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from types import SimpleNamespace

import dying
import pytest

from bench import attempts, inline, workers
from bench.context import Context, scoring_folder
from bench.inline import run_inline

SECONDS = 30  # that a thread of a test waits for another before it gives up


@pytest.fixture
def made(monkeypatch) -> list[multiprocessing.Process]:
    """The processes of all pools."""
    made = []

    class Told(inline.Spawn):
        def Process(self, *arguments, **named):  # noqa: N802
            made.append(super().Process(*arguments, **named))
            return made[-1]

    monkeypatch.setattr(inline, "Spawn", Told)
    return made


def codes(processes: list[multiprocessing.Process]) -> list[int]:
    """Exit codes of processes that are about to end."""
    deadline = time.monotonic() + SECONDS
    while any(process.exitcode is None for process in processes) and time.monotonic() < deadline:
        time.sleep(0.01)
    return [process.exitcode for process in processes]


@pytest.mark.parametrize("on_gpus", [[], ["0"]])
def test_a_process_that_dies_blames_its_own_cells_and_not_those_of_its_neighbours(
    monkeypatch, planned, on_gpus
):
    works, context = planned
    second = works[1]
    monkeypatch.setattr(inline, "run_pack", dying.die_beside_another)
    monkeypatch.setattr(inline, "train_half", dying.train_beside_scoring)
    monkeypatch.setattr(inline, "score_ahead", dying.die_in_scoring)
    monkeypatch.setattr(inline, "score_half", dying.commit)
    events: list[dict] = []
    run_inline(works, context, 2, events.append, on_gpus)
    deaths = {event["pack"]: event["deaths"] for event in events if "deaths" in event}
    died = (context.work / "died").read_text()
    assert deaths == {work.pack.id: int(work.pack.id == died) for work in ([second] if on_gpus else works)}
    assert sum(event.get("committed", 0) for event in events) == 6


def test_the_end_of_a_process_is_seen_where_its_pool_does_not_watch_it(monkeypatch, planned, made):
    class Blind(ThreadPoolExecutor):
        def __init__(self, _, spawn, **__):
            super().__init__(1)
            self.spawn = spawn

        def submit(self, *_):
            self.spawn.Process(target=int).start()
            return Future()

    def waits(*_, **__):
        assert time.monotonic() < deadline
        time.sleep(0.01)
        return set(), set()

    deadline = time.monotonic() + SECONDS
    monkeypatch.setattr(inline, "ProcessPoolExecutor", Blind)
    monkeypatch.setattr(inline, "MAX_DEATHS", 1)
    monkeypatch.setattr(inline, "wait", waits)
    run_inline(*planned, 2, print)
    assert len(made) == 4  # two pools of two: one death for each of two workers is borne


def test_notes_of_neighbours_are_forgiven_in_a_store_too(monkeypatch, planned):
    _, context = planned
    sent = []
    store = SimpleNamespace(folder=context.path, push=lambda *paths: sent.extend(paths))
    monkeypatch.setattr(Context, "mirror", store)
    bystander = SimpleNamespace(pid=os.getpid(), join=lambda: None)
    attempts.note(context.work, "a", attempts.Attempt(0, 1, 0, 0), context.driver)
    attempts.note(scoring_folder(context.work), "a", attempts.Attempt(0, 1, 0, 0), context.driver)
    inline._forgive([bystander], context)
    assert sent == [attempts.note_path(context.work, "a")]
    for place in (context.work, scoring_folder(context.work)):
        assert attempts.attempt(place, "a", 0, 1, context.driver) == attempts.Attempt(0, 1, 0, 0)


def test_a_key_that_is_pressed_while_a_process_is_made_stops_them_all(monkeypatch, planned, made, capfd):
    real = multiprocessing.util.spawnv_passfds
    monkeypatch.setattr(inline, "run_pack", dying.wait_long)

    def pressed(*arguments):
        began = real(*arguments)
        if made:  # not the process that watches over semaphores
            signal.raise_signal(signal.SIGINT)
        return began

    before = signal.getsignal(signal.SIGINT)
    monkeypatch.setattr(multiprocessing.util, "spawnv_passfds", pressed)
    with pytest.raises(KeyboardInterrupt):
        run_inline(*planned, 2, print)
    assert codes(made) == [-signal.SIGKILL] * 2
    assert "EOFError" not in capfd.readouterr().err
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.parametrize("on_gpus", [[], ["0"]])
def test_what_interrupts_the_giving_of_tasks_stops_the_processes(monkeypatch, planned, made, on_gpus):
    class Interrupted(inline.ProcessPoolExecutor):
        def submit(self, *arguments):
            if made:
                raise KeyboardInterrupt
            return super().submit(*arguments)

    monkeypatch.setattr(inline, "ProcessPoolExecutor", Interrupted)
    for half in ("run_pack", "train_half"):
        monkeypatch.setattr(inline, half, dying.wait_long)
    with pytest.raises(KeyboardInterrupt):
        run_inline(*planned, 2, print, on_gpus)
    assert codes(made) == [-signal.SIGKILL]


@pytest.mark.parametrize("first", [KeyboardInterrupt, BrokenProcessPool])
def test_a_key_that_is_pressed_while_the_processes_are_stopped_leaves_none(monkeypatch, planned, made, first):
    real = workers._died
    monkeypatch.setattr(inline, "run_pack", dying.wait_long)

    def stopped(*_, **__):
        raise first

    def pressed(process):
        signal.raise_signal(signal.SIGINT)
        return real(process)

    monkeypatch.setattr(inline, "wait", stopped)
    monkeypatch.setattr(workers, "_died", pressed)
    with pytest.raises(KeyboardInterrupt):
        run_inline(*planned, 2, print)
    assert codes(made) == [-signal.SIGKILL] * 2

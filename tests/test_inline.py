"""Packs on GPUs without Ray, on a CPU: processes that train beside processes that score."""

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from queue import SimpleQueue
from types import SimpleNamespace

import dying
import pandas as pd
import pytest
from filelock import Timeout
from studies import run_tiny
from test_running import scores, weights

from bench import attempts, inline
from bench.context import Context, scoring_folder
from bench.inline import gpu_names, run_inline
from bench.leftovers import lock_of
from bench.pack import score_ahead
from bench.plan import Work
from bench.progress import Tally
from bench.running import execute
from bench.scored import Scored
from bench.study_plan import make_plan

SECONDS = 30  # that a thread of a test waits for another before it gives up


@pytest.fixture
def planned(tiny_grid, tmp_path, data_dir) -> tuple[list[Work], Context]:
    """The two packs of the tiny grid, of four cells and of two, and their context, on a CPU."""
    plan = make_plan(tiny_grid, results=tmp_path / "r", data_dir=data_dir)
    settings = plan.grid.settings
    context = Context(
        study="tiny", folder=str(plan.folder), data=str(data_dir), device="cpu",
        evaluation=settings.evaluation, storage=settings.storage, provenance={"run_id": "r"},
    )  # fmt: skip
    return plan.works, context


def test_scores_and_weights_are_those_of_one_process(planned, tmp_path, data_dir):
    works, context = planned
    tally = Tally(cells=6, steps=360)
    run_inline(works, context, 3, tally.take, ["0"])
    assert (tally.done, tally.failed) == (6, 0)
    assert tally.slots == 1
    assert 0 < tally.idle_share < 1
    pd.testing.assert_frame_equal(scores(tmp_path / "r"), scores(run_tiny(data_dir)))
    assert weights(tmp_path / "r") == weights(run_tiny(data_dir))
    left = [path.name for path in context.work.rglob("*") if path.is_file() and path.suffix != ".lock"]
    assert not left


class Halves:
    """Halves of packs that compute nothing: what began where, and what each waits for."""

    def __init__(self):
        self.began: list[tuple] = []  # what, whom, in which thread

    def note(self, *what: str) -> None:
        self.began.append((*what, threading.current_thread().name))

    def train(self, work: Work, context: Context, report) -> None:
        self.note("train", work.pack.id)

    def ahead(self, cell_id: str, work: Work, context: Context) -> None:
        self.note("score", cell_id)

    def commit(self, work: Work, context: Context, report) -> None:
        self.note("commit", work.pack.id)
        with lock_of(context.work, work.pack):  # raises where the driver has kept it
            report({"pack": work.pack.id, "committed": len(work.cells), "failed": 0})

    def run(self, monkeypatch, planned, cpus: int, on_gpus: Sequence[str]) -> Tally:
        """Run packs with these halves, in threads in place of processes."""
        tally, events = Tally(cells=6, steps=360), SimpleQueue()
        monkeypatch.setattr(inline, "_events", events)
        monkeypatch.setattr(inline, "ProcessPoolExecutor", lambda size, *_, **__: ThreadPoolExecutor(size))
        for name, half in (("train_half", self.train), ("score_ahead", self.ahead)):
            monkeypatch.setattr(inline, name, half)
        monkeypatch.setattr(inline, "score_half", self.commit)
        run_inline(*planned, cpus, tally.take, on_gpus)
        while not events.empty():
            tally.take(events.get())
        return tally


def test_the_next_pack_trains_while_one_is_scored_whose_cells_are_scored_side_by_side(monkeypatch, planned):
    (first, second), context = planned
    second_began, four = threading.Event(), threading.Barrier(4)

    class Waiting(Halves):
        def train(self, work, context, report):
            super().train(work, context, report)
            if work is second:
                second_began.set()

        def ahead(self, cell_id, work, context):
            super().ahead(cell_id, work, context)
            with pytest.raises(Timeout):
                lock_of(context.work, work.pack).acquire()
            if work is first:
                assert second_began.wait(SECONDS)
                four.wait(SECONDS)

    halves = Waiting()
    tally = halves.run(monkeypatch, planned, 5, ["0"])
    assert (tally.done, tally.busy) == (6, set())
    assert len({thread for what, _, thread in halves.began if what == "train"}) == 1
    done = [(what, whom) for what, whom, _ in halves.began]
    for work in (first, second):
        assert done.index(("commit", work.pack.id)) > max(done.index(("score", one)) for one in work.todo)
    assert len(done) == 2 + 6 + 2


@pytest.mark.parametrize(("cpus", "trainers", "scorers"), [(2, 2, 1), (5, 2, 3)])
def test_every_gpu_trains_and_the_other_cores_score(monkeypatch, planned, cpus, trainers, scorers):
    both, sizes = threading.Barrier(2), []

    class Waiting(Halves):
        def train(self, *given):
            super().train(*given)
            both.wait(SECONDS)

    halves = Waiting()
    monkeypatch.delenv("OMP_NUM_THREADS")
    real = ThreadPoolExecutor
    monkeypatch.setattr(f"{__name__}.ThreadPoolExecutor", lambda size: sizes.append(size) or real(size))
    tally = halves.run(monkeypatch, planned, cpus, ["0", "1"])
    assert (tally.done, tally.slots, sizes) == (6, 2, [trainers, scorers])
    assert os.environ["OMP_NUM_THREADS"] == "1", "fifteen processes that score must not take all cores each"


def test_what_goes_wrong_with_a_cell_ahead_is_left_to_the_scoring_half_but_for_a_full_disk(
    monkeypatch, planned
):
    def raises(error):
        def score_cell(*_):
            raise error

        return score_cell

    (work, _), context = planned
    monkeypatch.setattr("bench.score_pack.score_cell", raises(ArithmeticError("no such number")))
    score_ahead("cell", work, context)
    monkeypatch.setattr("bench.score_pack.score_cell", raises(OSError(28, "No space left on device")))
    with pytest.raises(OSError, match="No space left"):
        score_ahead("cell", work, context)


def test_a_process_that_dies_gives_its_packs_to_new_ones(monkeypatch, planned):
    class Dying(Halves):
        def ahead(self, *given):
            super().ahead(*given)
            if len(self.began) < 4:
                raise BrokenProcessPool

    assert Dying().run(monkeypatch, planned, 2, ["0"]).done == 6


@pytest.fixture
def made(monkeypatch) -> list[multiprocessing.Process]:
    """The processes of all pools."""
    made = []

    class Told(inline._Spawn):
        def Process(self, *arguments, **named):  # noqa: N802
            made.append(super().Process(*arguments, **named))
            return made[-1]

    monkeypatch.setattr(inline, "_Spawn", Told)
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
    real = inline._died
    monkeypatch.setattr(inline, "run_pack", dying.wait_long)

    def stopped(*_, **__):
        raise first

    def pressed(process):
        signal.raise_signal(signal.SIGINT)
        return real(process)

    monkeypatch.setattr(inline, "wait", stopped)
    monkeypatch.setattr(inline, "_died", pressed)
    with pytest.raises(KeyboardInterrupt):
        run_inline(*planned, 2, print)
    assert codes(made) == [-signal.SIGKILL] * 2


def test_many_cells_of_a_pack_may_end_their_process_until_each_is_quarantined(monkeypatch, planned):
    """Six deaths of each are more than MAX_DEATHS in a row, but not without a cell scored."""
    deaths: dict[str, int] = {}

    class Dying(Halves):
        def ahead(self, cell_id, work, context):
            deaths.setdefault(cell_id, 0)
            if deaths[cell_id] < 6:
                deaths[cell_id] += 1
                raise BrokenProcessPool
            Scored("q", [], {}, {}, 0.0, 0, "r").write(context.work, cell_id)

    assert Dying().run(monkeypatch, planned, 2, ["0"]).done == 6
    assert list(deaths.values()) == [6] * 6


@pytest.mark.parametrize(("cpus", "rounds"), [(2, 2 * 6 + 1), (3, 3 * 6 + 1)])
def test_every_worker_may_be_at_a_cell_that_ends_it(monkeypatch, planned, cpus, rounds):
    """Cells that die in turn, six times each, are that often no progress."""
    made: list[int] = []

    def dying(left, *_):
        made.append(1)
        if len(made) < rounds:
            raise BrokenProcessPool
        left.clear()

    monkeypatch.setattr(inline, "_run_pools", dying)
    run_inline(*planned, cpus, print)
    assert len(made) == rounds


def test_a_worker_that_dies_again_and_again_with_nothing_done_ends_the_run(monkeypatch, planned):
    class Dying(Halves):
        def ahead(self, *given):
            super().ahead(*given)
            raise BrokenProcessPool

    halves = Dying()
    assert halves.run(monkeypatch, planned, 2, ["0"]).done == 0
    assert sum(what == "score" for what, *_ in halves.began) >= inline.MAX_DEATHS


def test_a_pack_that_stops_in_training_is_told_and_the_other_goes_on(monkeypatch, planned):
    (first, _), _ = planned

    class Stopping(Halves):
        def train(self, work, context, report):
            super().train(work, context, report)
            if work is first:
                raise ValueError("a published file cannot be read")

    halves = Stopping()
    assert halves.run(monkeypatch, planned, 2, ["0"]).done == 2
    assert not any(whom in first.todo for _, whom, _ in halves.began)


def test_a_pack_that_another_run_took_after_its_training_is_left_to_it(monkeypatch, planned):
    (first, _), context = planned

    class Told(Halves):
        def commit(self, work, context, report):
            try:
                super().commit(work, context, report)
            except Timeout:
                report({"pack": work.pack.id, "busy": True})

    with lock_of(context.work, first.pack):
        tally = Told().run(monkeypatch, planned, 2, ["0"])
    assert (tally.done, tally.busy) == (2, {first.pack.id})


def test_each_training_process_sees_one_gpu(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4, GPU-8f, 6")
    monkeypatch.setattr(inline, "_events", None)
    monkeypatch.setattr(inline.signal, "signal", lambda *_: None)
    monkeypatch.setattr(inline, "_end_with_driver", lambda: None)
    assert gpu_names() == ["4", "GPU-8f", "6"]
    names = SimpleQueue()
    names.put("GPU-8f")
    inline._begin_worker("queue", names)
    assert gpu_names() == ["GPU-8f"]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert gpu_names() == []
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES")
    monkeypatch.setattr(inline, "gpus", lambda: 3)
    assert gpu_names() == ["0", "1", "2"]


@pytest.mark.parametrize(("device", "names"), [("cuda", ["2", "5"]), ("cpu", [])])
def test_a_run_gives_its_gpus_to_the_pools_and_none_on_a_cpu(tiny_grid, tmp_path, monkeypatch, device, names):
    given = {}

    def kept(works, context, cpus, on_event, on_gpus):
        given.update(cpus=cpus, on_gpus=list(on_gpus))

    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2,5")
    monkeypatch.setattr("bench.running.run_inline", kept)
    plan = replace(make_plan(tiny_grid, results=tmp_path / "r", device="cpu"), device=device)
    execute(
        plan, data_dir=None, executor="inline", cpus=16, address=None, gpus_per_pack=1, retry_failed=False,
        checkpoint_seconds=60, on_event=print,
    )  # fmt: skip
    assert given == {"cpus": 16, "on_gpus": names}
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "2,5"

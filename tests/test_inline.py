"""Packs on GPUs without Ray, on a CPU: processes that train beside processes that score."""

import os
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from queue import SimpleQueue

import pandas as pd
import pytest
from filelock import Timeout
from studies import run_tiny
from test_running import scores, weights

from bench import inline
from bench.context import Context
from bench.inline import gpu_names, run_inline
from bench.leftovers import lock_of
from bench.pack import score_ahead
from bench.plan import Work
from bench.progress import Tally
from bench.running import execute
from bench.scored import Scored
from bench.study_plan import make_plan

SECONDS = 30  # that a thread of a test waits for another before it gives up


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

"""Packs on Ray Tune: one trial is one pack. Only this file and cluster.py import ray.

Tune places packs, restarts dead workers and counts; its own state is disposable. What is done is asked of
scores/ afterwards, never of Tune (docs/design.md §4).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Literal

from bench.attempts import DeviceLost, end_process
from bench.cluster import ENVIRONMENT, connect, is_outside, set_environment
from bench.context import Context
from bench.pack import run_pack, score_half, train_half, what_stopped
from bench.plan import Work

REPORT_SECONDS = 2.0  # a report stops its worker until the driver has seen it
#: Deaths of a pack's worker: per cell of the largest pack, and at the most. A cell that keeps dying, in
#: training or while it is scored, is quarantined before (bench.attempts); Ray counts the whole pack's, never
#: those in a row. Where more than four cells of a pack are deadly, or the machine is, the command goes on.
MAX_FAILURES, MOST_FAILURES = 12, 48


def run_on_ray(
    works: Sequence[Work],
    context: Context,
    cpus: int,
    on_event: Callable[[dict], None],
    *,
    scoring: Literal["within", "beside"],
    gpus_per_pack: float = 0,
    address: str | None = None,
) -> None:
    """Run every pack as a Tune trial on `cpus` local cores and all GPUs, or on the cluster at `address`.

    At a ray:// address this machine is no part of the cluster: then a task there does the same and tells
    its events. `scoring` within: a trial trains and scores its pack. Beside: a trial only trains, and its
    pack is scored by a Ray task on another core meanwhile, so that a GPU never waits for trees. Returns when
    no pack can go on; what was committed is for the caller to ask of scores/. OSError when the disk is full:
    then every pack would only compute what it cannot keep, so all stop.
    """
    ray = connect(cpus, address)
    try:
        if is_outside(address):
            _fit_there(ray, (list(works), context, scoring, gpus_per_pack), on_event)
        else:
            _fit(works, context, scoring, gpus_per_pack, on_event)
    finally:
        ray.shutdown()


def _fit_there(ray, arguments: tuple, on_event: Callable[[dict], None]) -> None:
    """`_fit` in a task of the cluster, its events passed on as they come."""
    inbox = ray.remote(num_cpus=0)(_Inbox).remote()
    task = ray.remote(num_cpus=0, max_retries=0)(_fit_with_inbox).remote(*arguments, inbox)
    is_done = False
    while not is_done:
        is_done = bool(ray.wait([task], timeout=1.0)[0])
        for event in ray.get(inbox.take.remote()):
            on_event(event)
    ray.get(task)  # raises what stopped it


class _Inbox:
    """Events on their way from a cluster to the machine that asked for the run."""

    def __init__(self):
        self.events: list[dict] = []

    def put(self, event: dict) -> None:
        self.events.append(event)

    def take(self) -> list[dict]:
        """The events since the last call."""
        taken, self.events = self.events, []
        return taken


def _fit_with_inbox(works, context, scoring, gpus_per_pack, inbox) -> None:
    set_environment(ENVIRONMENT)
    _fit(works, context, scoring, gpus_per_pack, inbox.put.remote)


def _fit(
    works: Sequence[Work],
    context: Context,
    scoring: str,
    gpus_per_pack: float,
    on_event: Callable[[dict], None],
) -> None:
    """Run every pack with the Ray that this process is connected to."""
    import ray
    from ray import tune

    if gpus_per_pack:
        on_event({"slots": ray.cluster_resources().get("GPU", 0) / gpus_per_pack})
    full = _full_disk(tune)
    scorer = _Scorer(ray, works, context, on_event) if scoring == "beside" else None
    half = train_half if scorer else run_pack
    trainable = tune.with_parameters(_trial, half=half, works=list(works), context=context)
    tuner = tune.Tuner(
        tune.with_resources(trainable, {"cpu": 1, "gpu": gpus_per_pack}),
        param_space={"work": tune.grid_search(list(range(len(works))))},
        tune_config=tune.TuneConfig(reuse_actors=True, trial_dirname_creator=lambda trial: trial.trial_id),
        run_config=tune.RunConfig(
            name=context.provenance["run_id"],
            **_storage(context),
            verbose=0,
            stop=full,
            failure_config=tune.FailureConfig(max_failures=_max_failures(works)),
            callbacks=[_listener(tune, on_event, scorer)],
        ),
    )
    tuner.fit()
    if scorer:
        scorer.finish()
    if full.error or (scorer and scorer.full):
        raise OSError(full.error or scorer.full)


def _max_failures(works: Sequence[Work]) -> int:
    return min(MOST_FAILURES, MAX_FAILURES * max(len(work.cells) for work in works))


def _storage(context: Context) -> dict:
    """Where Tune keeps its state: every node checks that it can write there."""
    if context.mirror is None:
        return {"storage_path": str(context.work / "ray")}
    file_system, path = context.mirror.opened()
    return {"storage_filesystem": file_system, "storage_path": f"{path}/_work/ray"}


def _trial(config: dict, half: Callable, works: list[Work], context: Context) -> None:
    """One pack on a Tune worker. The worker serves many packs, so nothing is kept between them.

    An error is reported, not raised: Tune tries again what it sees fail, and only deaths deserve that.
    """
    import ray
    from ray import tune

    last = {"at": 0.0}

    def report(event: dict) -> None:
        now = time.monotonic()
        is_due = now - last["at"] >= REPORT_SECONDS
        if is_due or event.keys() & {"committed", "error", "full", "busy", "device_seconds"}:
            last["at"] = now
            tune.report(event)

    work = works[config["work"]]
    try:
        half(work, context, report)
        tune.report({"pack": work.pack.id, "node": ray.get_runtime_context().get_node_id()})
    except DeviceLost:
        end_process()
    except Exception as error:
        report(what_stopped(work, error))


def _full_disk(tune):
    """A Tune stopper that ends the whole run once a pack reports a full disk; `error` is what it said."""

    class FullDisk(tune.Stopper):
        error = ""

        def __call__(self, trial_id, result) -> bool:
            self.error = self.error or result.get("full", "")
            return False

        def stop_all(self) -> bool:
            return bool(self.error)

    return FullDisk()


def _listener(tune, on_event: Callable[[dict], None], scorer: _Scorer | None):
    """A Tune callback that hands what workers report to `on_event`, and trained packs to `scorer`."""

    class Listener(tune.Callback):
        def on_trial_result(self, iteration, trials, trial, result, **info) -> None:
            self.on_event(result)

        def on_trial_complete(self, iteration, trials, trial, **info) -> None:
            if self.scorer and "node" in trial.last_result:
                self.scorer.submit(trial.config["work"], trial.last_result["node"])

        def __getstate__(self) -> dict:
            return {}  # Tune pickles callbacks to restore them, which we never do; a display does not pickle

    listener = Listener()
    listener.on_event, listener.scorer = on_event, scorer
    return listener


class _Scorer:
    """Scores trained packs as Ray tasks beside the training of the next."""

    def __init__(self, ray, works: Sequence[Work], context: Context, on_event: Callable[[dict], None]):
        self.ray, self.works, self.on_event = ray, works, on_event
        self.context = ray.put(context)
        self.score = ray.remote(num_cpus=1, max_retries=_max_failures(works))(_score)
        self.waiting: dict = {}  # task -> pack id
        self.is_local = context.mirror is not None
        self.full = ""  # what a task said of a full disk

    def submit(self, number: int, node: str) -> None:
        """Begin to score pack `number`, trained on `node`, and pass on what finished meanwhile.

        Code tables are not sent to a store, they are as large as the data: then the same node scores.
        """
        score = self.score
        if self.is_local:
            from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

            score = score.options(scheduling_strategy=NodeAffinitySchedulingStrategy(node, soft=False))
        task = score.remote(self.works[number], self.context)
        self.waiting[task] = self.works[number].pack.id
        self._collect(timeout=0)

    def finish(self) -> None:
        """Wait until every submitted pack is scored."""
        while self.waiting:
            self._collect(timeout=1.0)

    def _collect(self, timeout: float) -> None:
        waiting = list(self.waiting)
        done, _ = self.ray.wait(waiting, num_returns=len(waiting), timeout=timeout)
        for task in done:
            pack_id = self.waiting.pop(task)
            try:
                event = self.ray.get(task)
            except self.ray.exceptions.RayError as error:  # its node, or one process after another, is gone
                event = {"pack": pack_id, "error": str(error)}
            self.full = self.full or event.get("full", "")
            self.on_event(event)


def _score(work: Work, context: Context) -> dict:
    """The last event of scoring one pack."""
    events: list[dict] = [{"pack": work.pack.id}]
    try:
        score_half(work, context, events.append)
    except Exception as error:
        return what_stopped(work, error)
    return events[-1]

"""`bench run` from grid to outcome: plan, prepare data, execute what is missing, count what is committed."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bench.cluster import is_outside
from bench.context import Context
from bench.data import data_folder, prepare
from bench.devices import check_gpu_works, cores
from bench.grid import LoadedGrid
from bench.inline import gpu_names, run_inline
from bench.mirror import PLAN, SCORES
from bench.provenance import grid_provenance, provenance
from bench.study import record_plan, settled_cells, study_file
from bench.study_plan import Plan, plan_to_run

EXECUTORS = ("ray", "inline")


@dataclass(frozen=True)
class Outcome:
    """What a study holds after a run, counted from the committed files."""

    folder: Path
    place: str  # the folder, or the address that it stands for
    planned: int
    done: int  # cells with every planned score committed, failed ones not counted
    failed: int
    unfinished: int  # cells that this run was to finish and did not, failed ones not counted

    @property
    def missing(self) -> int:
        return self.planned - self.done - self.failed


def run(
    grid: str | Path | LoadedGrid,
    *,
    results: str | Path = "results",
    data_dir: str | Path | None = None,
    executor: str = "ray",
    cpus: int | None = None,
    address: str | None = None,
    gpus_per_pack: float = 1,
    device: str | None = None,
    width: int | None = None,
    retry_failed: bool = False,
    select_cells: str | None = None,
    limit: int | None = None,
    checkpoint_seconds: float = 60.0,
    on_event: Callable[[dict], None] = lambda event: None,
    on_prepare: Callable[[str, int, int], None] = lambda name, done, total: None,
) -> Outcome:
    """Run what is missing of a grid and return what its study then holds.

    `executor` is "ray" (Ray Tune) or "inline" (this process, or pools with `cpus` > 1). The same call
    continues an interrupted study. Raises GridError, ValueError or OSError before any work starts.
    """
    if executor not in EXECUTORS:
        raise ValueError(f"executor is {executor!r}; allowed are {' and '.join(EXECUTORS)}")
    plan = plan_to_run(
        grid,
        results=results,
        data_dir=data_dir,
        device=device,
        cpus=cpus,
        address=address,
        width=width,
        retry_failed=retry_failed,
        select_cells=select_cells,
        limit=limit,
    )
    if plan.works:
        check_machine(plan, address)
        if not is_outside(address):
            prepare_data(plan, data_folder(data_dir), cpus or cores(), on_prepare)
        execute(
            plan,
            data_dir=data_dir,
            executor=executor,
            cpus=cpus or cores(),
            address=address,
            gpus_per_pack=gpus_per_pack,
            retry_failed=retry_failed,
            checkpoint_seconds=checkpoint_seconds,
            on_event=on_event,
        )
    else:
        write_down(plan)
    return outcome(plan)


def write_down(plan: Plan) -> dict[str, str]:
    """Write the plan into the study, where it is another than before; returns the provenance of this run.

    Also where nothing is left to do: a grid that shrank to what is committed is the study's plan from now on.
    """
    about = provenance(f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(3)}")
    if plan.mirror:
        plan.mirror.pull(PLAN)  # another machine may have written to it while data were prepared here
    is_new = record_plan(plan.folder, plan.grid, about)
    if plan.mirror and is_new:
        plan.mirror.push(study_file(plan.folder))
    return about


def prepare_data(plan: Plan, data: Path, cpus: int, on_prepare: Callable[[str, int, int], None]) -> None:
    """Make the tables of the data sets that the outstanding work needs, where they are missing.

    Where that fails, a folder of the study in which nothing is yet goes, too.
    """
    sources = {work.pack.cells[0].dataset: work.pack.cells[0].source for work in plan.works}
    try:
        for name, source in sources.items():
            prepare(name, source, data, lambda done, total, name=name: on_prepare(name, done, total), cpus)
    except BaseException:
        with suppress(OSError):  # not empty
            plan.folder.rmdir()
        raise


def execute(
    plan: Plan,
    *,
    data_dir: str | Path | None,
    executor: str,
    cpus: int,
    address: str | None,
    gpus_per_pack: float,
    retry_failed: bool,
    checkpoint_seconds: float,
    on_event: Callable[[dict], None],
) -> None:
    """Write the plan down and run the outstanding work on prepared data."""
    about = write_down(plan)
    settings = plan.grid.settings
    context = Context(
        study=plan.grid.study,
        folder=str(plan.folder.resolve()),
        # a machine outside the cluster knows no path in it
        data="" if data_dir is None and is_outside(address) else str(data_folder(data_dir).resolve()),
        device=plan.device,
        evaluation=settings.evaluation,
        storage=settings.storage,
        provenance=about | grid_provenance(plan.grid.raw),
        checkpoint_seconds=checkpoint_seconds,
        retry_failed=retry_failed,
        width=plan.width,
        picture_seed=plan.grid.cells[0].seed,
        store=plan.mirror.address if plan.mirror else "",
        in_driver=executor == "inline" and cpus == 1,
    )
    on_gpu = plan.device == "cuda"
    if executor == "inline":
        run_inline(plan.works, context, cpus, on_event, gpu_names() if on_gpu else ())
    else:
        from bench.schedule import run_on_ray

        run_on_ray(
            plan.works,
            context,
            cpus,
            on_event,
            scoring="beside" if on_gpu else "within",
            gpus_per_pack=gpus_per_pack if on_gpu else 0,
            address=address,
        )


def outcome(plan: Plan) -> Outcome:
    """Count what the plan's study holds now."""
    if plan.mirror:
        plan.mirror.push_missing()
        plan.mirror.pull(SCORES)
    complete, failed = settled_cells(plan.folder, plan.grid)
    return Outcome(
        folder=plan.folder,
        place=plan.place,
        planned=len(plan.grid.cells),
        done=len(complete) - len(failed),
        failed=len(failed),
        unfinished=sum(cell.id not in complete for work in plan.works for cell in work.cells),
    )


def check_machine(plan: Plan, address: str | None) -> None:
    """OSError in a sentence where this machine cannot do what a plan needs: write there, use its GPU."""
    _check_writable(plan.folder)
    if plan.device == "cuda" and not address:
        check_gpu_works()


def _check_writable(folder: Path) -> None:
    """Make `folder`; PermissionError with a sentence when it cannot be made or written."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        reason = "" if os.access(folder, os.W_OK | os.X_OK) else "you may not write there"
    except OSError as error:
        reason = error.strerror or str(error)
    if reason:
        raise PermissionError(f"{folder} cannot be written ({reason}); use --results DIR")

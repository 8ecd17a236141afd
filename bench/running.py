"""`bench run` from grid to outcome: plan, prepare data, execute what is missing, count what is committed."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bench.cluster import is_outside
from bench.context import Context
from bench.data import data_folder, prepare
from bench.devices import cores, find_device
from bench.grid import LoadedGrid, grid_from, load_grid
from bench.inline import run_inline
from bench.leftovers import sweep
from bench.mirror import PLAN, SCORES, Mirror, local_results, mirror_of, pulled_studies
from bench.plan import Pack, Work, cut, outstanding, planned_requests
from bench.provenance import grid_provenance, provenance
from bench.selection import select
from bench.store import DamagedFile, committed_requests
from bench.study import fixed_sources, record_plan, settled_cells, study_file
from bench.verify import Damaged, set_aside

EXECUTORS = ("ray", "inline")


@dataclass(frozen=True)
class Plan:
    """What a run would do: the grid, its study's folder, all packs and the outstanding work."""

    grid: LoadedGrid
    folder: Path
    device: str
    packs: list[Pack]
    works: list[Work]
    settled: frozenset[str]  # ids of cells that need nothing more, selected or not; failed ones are settled
    finished: frozenset[str]  # those of them without a failed score
    width: int | None = None  # cells in one stacked step, the device's own when None
    cores: int = 1  # CPU cores that the work is spread over
    mirror: Mirror | None = None  # where the study lies in an object store, `folder` standing for it here

    @property
    def place(self) -> str:
        """Where the study is, as its user names it."""
        return self.mirror.address if self.mirror else str(self.folder)

    @property
    def cells_done(self) -> int:
        return len(self.settled)

    @property
    def cells_left(self) -> int:
        return sum(len(work.todo) for work in self.works)


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


def make_plan(
    grid: str | Path | LoadedGrid,
    *,
    results: str | Path = "results",
    data_dir: str | Path | None = None,
    device: str | None = None,
    cpus: int | None = None,
    address: str | None = None,
    width: int | None = None,
    retry_failed: bool = False,
    select_cells: str | None = None,
    limit: int | None = None,
) -> Plan:
    """Read and check a grid, cut its packs, drop what is committed or not selected. Writes nothing.

    Where `results` is an address (see bench.mirror), what its store has of the study is fetched first. The
    device, unless given, is a GPU where there is one: on this machine, or in the Ray cluster at `address`.
    Packs are cut from the whole plan first, so their ids do not depend on what is selected or done.
    """
    if not isinstance(grid, LoadedGrid):
        grid = load_grid(grid, data_dir=data_dir)
    folder = pulled_studies(results, grid.study) / grid.study
    fixed = fixed_sources(folder)
    if any(fixed.get(name, source) != source for name, source in grid.sources.items()):
        grid = grid_from(grid.raw, grid.origin, data_dir=data_dir, sources=fixed)
    if address:
        from bench.cluster import cluster_resources

        found, there = cluster_resources(address)
    else:
        found, there = find_device(), cores()
    device = device or found
    check_precision(grid, device)
    packs = cut(grid.cells, device, width)
    committed = committed_requests(folder / "scores")
    settled = committed.settled(retry_failed)
    failed = {cell_id for cell_id, *_ in committed.failed}
    selected = {cell.id for cell in select(grid.cells, select_cells, limit)}
    requests = planned_requests(grid)
    works = outstanding(packs, requests, settled, selected)
    left = {cell_id for work in outstanding(packs, requests, settled) for cell_id in work.todo}
    works = sorted(works, key=lambda work: -work.cost)
    done = frozenset(cell.id for cell in grid.cells) - left
    return Plan(
        grid=grid,
        folder=folder,
        device=device,
        packs=packs,
        works=works,
        settled=done,
        finished=done - failed,
        width=width,
        cores=cpus or there,
        mirror=mirror_of(results, grid.study),
    )


def plan_to_run(
    grid: str | Path | LoadedGrid,
    *,
    on_damaged: Callable[[Damaged], None] = lambda damaged: None,
    **planning,
) -> Plan:
    """The plan of a run (see make_plan), once what is damaged or left over in the study is out of its way.

    A score file that cannot be read is moved to _work/quarantine/ with all else that is damaged, and told to
    `on_damaged`; the cells that it held are outstanding again.
    """
    try:
        plan = make_plan(grid, **planning)
    except DamagedFile:
        loaded = grid if isinstance(grid, LoadedGrid) else load_grid(grid, data_dir=planning.get("data_dir"))
        results = planning.get("results", "results")
        folder = local_results(results) / loaded.study
        for one in set_aside(folder, loaded, mirror_of(results, loaded.study)).damaged:
            on_damaged(one)
        plan = make_plan(grid, **planning)
    sweep(plan.folder, plan.packs, plan.finished)
    if plan.mirror:
        plan.mirror.push_missing()  # what an earlier run committed here and was killed before it could send
        packs = {pack.id for pack in plan.packs if plan.finished.issuperset(cell.id for cell in pack.cells)}
        plan.mirror.remove_work(packs, plan.finished)
    return plan


def check_precision(grid: LoadedGrid, device: str) -> None:
    """ValueError in a sentence for a precision that `device` does not have."""
    asked = {cell.training.precision for cell in grid.cells}
    if device == "cpu" and "tf32" in asked:
        raise ValueError(
            "precision tf32 needs an NVIDIA GPU; a CPU has float32, float64 and (slowly) bfloat16"
        )


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

    `executor` is "ray" (Ray Tune) or "inline" (this process, or a pool with `cpus` > 1). The same call
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
        check_writable(plan.folder)
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
    return outcome(plan)


def prepare_data(plan: Plan, data: Path, cpus: int, on_prepare: Callable[[str, int, int], None]) -> None:
    """Make the tables of the data sets that the outstanding work needs, where they are missing."""
    sources = {work.pack.cells[0].dataset: work.pack.cells[0].source for work in plan.works}
    for name, source in sources.items():
        prepare(name, source, data, lambda done, total, name=name: on_prepare(name, done, total), cpus)


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
    run_id = f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(3)}"
    about = provenance(run_id)
    if plan.mirror:
        plan.mirror.pull(PLAN)  # another machine may have written to it while data were prepared here
    record_plan(plan.folder, plan.grid, about)
    if plan.mirror:
        plan.mirror.push(study_file(plan.folder))
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
    )
    if executor == "inline":
        run_inline(plan.works, context, cpus, on_event)
    else:
        from bench.schedule import run_on_ray

        on_gpu = plan.device == "cuda"
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


def check_writable(folder: Path) -> None:
    """PermissionError with a sentence when `folder` cannot be made or written."""
    existing = next(path for path in (folder, *folder.resolve().parents) if path.exists())
    if not existing.is_dir() or not os.access(existing, os.W_OK | os.X_OK):
        raise PermissionError(
            f"{folder} cannot be written ({existing} is not a folder you may write); use --results DIR"
        )

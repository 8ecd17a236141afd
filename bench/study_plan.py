"""What a run of a grid would do in its study: sources kept, device checked, packs cut, done work dropped."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bench.artifacts import find_weights
from bench.devices import check_device, cores, find_device
from bench.grid import LoadedGrid, grid_from, load_grid
from bench.leftovers import sweep
from bench.mirror import Mirror, local_results, mirror_of, pulled_studies
from bench.plan import Pack, Work, cut, encodable, outstanding, planned_requests
from bench.selection import select
from bench.store import DamagedFile, committed_requests
from bench.study import fixed_sources
from bench.verify import Damaged, set_aside


@dataclass(frozen=True)
class Plan:
    """What a run would do: the grid, its study's folder, all packs and the outstanding work."""

    grid: LoadedGrid
    folder: Path
    device: str
    found: str  # the device that is there: a plan may be made for another
    packs: list[Pack]
    works: list[Work]
    settled: frozenset[str]  # ids of cells that need nothing more, selected or not; failed ones are settled
    finished: frozenset[str]  # those of them without a failed score
    kept: frozenset[str] = (
        frozenset()
    )  # ids of outstanding cells that need scores only: their weights are kept
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
    def trainings(self) -> list[Work]:
        """The outstanding work without the cells that need scores only."""
        left = [{c: todo for c, todo in work.todo.items() if c not in self.kept} for work in self.works]
        return [Work(work.pack, todo) for work, todo in zip(self.works, left, strict=True) if todo]

    @property
    def cells_left(self) -> int:
        return sum(len(work.todo) for work in self.works)


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
    grid = _keep_sources(grid, fixed_sources(folder), data_dir)
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
    works = sorted(works, key=lambda work: work.turn)
    done = frozenset(cell.id for cell in grid.cells) - left
    return Plan(
        grid=grid,
        folder=folder,
        device=device,
        found=found,
        packs=packs,
        works=works,
        settled=done,
        finished=done - failed,
        kept=frozenset(find_weights(folder / "models", encodable(works))),
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
    address = planning.get("address")
    check_device(plan.device, plan.found, f"the Ray cluster at {address}" if address else "this machine")
    sweep(plan.folder, plan.packs, plan.finished)
    if plan.mirror:
        plan.mirror.push_missing()  # what an earlier run committed here and was killed before it could send
        packs = {pack.id for pack in plan.packs if plan.finished.issuperset(cell.id for cell in pack.cells)}
        plan.mirror.remove_work(packs, plan.finished)
    return plan


def _keep_sources(grid: LoadedGrid, fixed: dict[str, str], data_dir: str | Path | None) -> LoadedGrid:
    """The grid on the sources that its study began with; ValueError where it asks for another by name.

    `auto` means what the study has, whatever lies in the data folder by now (design.md §4).
    """
    changed = [name for name, source in grid.sources.items() if fixed.get(name, source) != source]
    if not changed:
        return grid
    wanted = grid.settings.source
    other = [name for name in changed if wanted not in ("auto", fixed[name].partition(":")[0])]
    if other:
        raise ValueError(
            f"{grid.origin}: source is {wanted}, but the study {grid.study} began {other[0]} on "
            f"{fixed[other[0]]}, and a study keeps its sources. Leave `source` out, or give the grid another "
            "name with `study: NAME`."
        )
    return grid_from(grid.raw, grid.origin, data_dir=data_dir, sources=fixed)


def check_precision(grid: LoadedGrid, device: str) -> None:
    """ValueError in a sentence for a precision that `device` does not have."""
    asked = {cell.training.precision for cell in grid.cells}
    if device == "cpu" and "tf32" in asked:
        raise ValueError(
            "precision tf32 needs an NVIDIA GPU; a CPU has float32, float64 and (slowly) bfloat16"
        )

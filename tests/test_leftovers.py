"""What a kill leaves behind is swept up, and nothing that another run may still need."""

import os
import time
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file
from studies import commit, plan_study, write_checkpoint

from bench.atomic import ORPHAN_SECONDS
from bench.data import find_entry, prepare
from bench.leftovers import lock_of, sweep
from bench.plan import cut
from bench.study_plan import plan_to_run

ALL = {"codes", "trained", "scored", "attempts", "scoring", "checkpoints"}


@pytest.fixture
def left(tmp_path):
    """A study whose first pack is committed and was not cleaned up; the second is in training."""
    folder, grid = plan_study(tmp_path / "results")
    packs = cut(grid.cells, "cpu")
    commit(folder, grid, packs[0].cells)
    for cell in grid.cells:
        for name in ("codes", "trained", "scored", "attempts", "scoring/attempts"):
            (folder / "_work" / name).mkdir(parents=True, exist_ok=True)
            suffix = ".safetensors" if name == "codes" else ".json"
            (folder / "_work" / name / f"{cell.id}{suffix}").write_text("{}")
    write_checkpoint(folder, packs[0].cells, 60)
    write_checkpoint(folder, packs[1].cells, 60)
    return folder, packs


def work_of(folder: Path, pack) -> set[str]:
    """Folders of _work/ that hold something of a pack's cells."""
    ids = {cell.id for cell in pack.cells}
    work = folder / "_work"
    return {path.relative_to(work).parts[0] for path in work.rglob("*") if path.stem in ids}


def test_work_of_committed_cells_goes_and_that_of_others_stays(left, tmp_path):
    folder, packs = left
    plan_to_run(tmp_path / "tiny.yaml", results=tmp_path / "results")
    assert work_of(folder, packs[0]) == set()
    assert work_of(folder, packs[1]) == ALL


def test_a_pack_that_another_run_holds_is_left_alone(left):
    folder, packs = left
    with lock_of(folder / "_work", packs[0]):
        sweep(folder, packs, {cell.id for cell in packs[0].cells})
    assert work_of(folder, packs[0]) == ALL


def test_a_checkpoint_with_an_unfinished_cell_stays(left):
    folder, packs = left
    first = packs[0].cells[0]
    sweep(folder, packs, {first.id})
    assert work_of(folder, packs[0]) == ALL
    assert not (folder / "_work" / "trained" / f"{first.id}.json").exists()


@pytest.mark.parametrize("said", ["torn", "[]", '{"cells": 5, "step": 1}', '{"cells": []}', "{}"])
def test_a_checkpoint_that_says_nothing_of_itself_is_passed_over(left, said):
    folder, packs = left
    path = write_checkpoint(folder, packs[0].cells, 60)
    save_file({"alive": np.ones(1, bool)}, path, {"bench": said})
    sweep(folder, packs, {cell.id for cell in packs[0].cells})
    assert path.is_file()
    assert work_of(folder, packs[0]) == {"checkpoints"}


def test_temporary_files_go_once_no_writer_can_be_alive(left):
    folder, _ = left
    _assert_only_old_ones_go(folder / "scores", lambda: sweep(folder, [], set()))


def test_so_do_those_of_a_killed_rendering(tmp_path):
    (table,) = (tmp_path / cache for cache in find_entry("dsprites_quick").caches["rendered:1"])
    table.parent.mkdir()
    others = table.with_name(".somebody-elses.77.tmp")
    others.write_bytes(b"")
    os.utime(others, (0, 0))
    _assert_only_old_ones_go(
        table.parent,
        lambda: prepare("dsprites_quick", "rendered:1", tmp_path, processes=2),
        table.name,
    )
    assert others.exists()


def _assert_only_old_ones_go(folder: Path, act, name: str = "x.parquet") -> None:
    young, old = (folder / f".{name}.{process}.tmp" for process in (77, 78))
    for path in (young, old):
        path.write_bytes(b"PAR1")
    long_ago = time.time() - ORPHAN_SECONDS - 60
    os.utime(old, (long_ago, long_ago))
    act()
    assert (young.exists(), old.exists()) == (True, False)

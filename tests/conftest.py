"""Fixtures shared by all tests: one thread, one prepared data folder, small grids."""

from __future__ import annotations

import os
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before torch is imported: workers share two cores

import pytest
from studies import context_of
from tiny import TINY

from bench.context import Context
from bench.data import prepare
from bench.plan import Work
from bench.study_plan import make_plan


@pytest.fixture(scope="session")
def data_dir(tmp_path_factory) -> Path:
    """A data folder with the quick start's images, rendered once for the whole run."""
    folder = tmp_path_factory.mktemp("data")
    prepare("dsprites_quick", "rendered:1", folder, processes=2)
    return folder


@pytest.fixture
def tiny_grid(tmp_path) -> Path:
    """A grid of six cells that trains and scores in about a second."""
    path = tmp_path / "tiny.yaml"
    path.write_text(TINY)
    return path


@pytest.fixture
def planned(tiny_grid, tmp_path, data_dir) -> tuple[list[Work], Context]:
    """The two packs of the tiny grid, of four cells and of two, and their context, on a CPU."""
    plan = make_plan(tiny_grid, results=tmp_path / "r", data_dir=data_dir)
    return plan.works, context_of(plan, data_dir)

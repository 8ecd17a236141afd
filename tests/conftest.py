"""Fixtures shared by all tests: one thread, one prepared data folder, small grids."""

from __future__ import annotations

import os
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before torch is imported: workers share two cores

import pytest
from tiny import TINY

from bench.data import prepare


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

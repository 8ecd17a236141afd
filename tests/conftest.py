"""Fixtures shared by all tests: one thread, one prepared data folder, small grids."""

from __future__ import annotations

import os
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before torch is imported: workers share two cores

import pytest

from bench.data import prepare


@pytest.fixture(scope="session")
def data_dir(tmp_path_factory) -> Path:
    """A data folder with the quick start's images, rendered once for the whole run."""
    folder = tmp_path_factory.mktemp("data")
    prepare("dsprites_quick", "rendered:1", folder, processes=2)
    return folder


TINY = """
study: tiny
datasets: [dsprites_quick]
source: rendered
models:
  beta_vae: {beta: [1, 4], reconstruction_weight: 8}
  factor_vae: {gamma: 6, discriminator: fc_64x2, reconstruction_weight: 8}
seeds: 2
training: {architecture: dense_8, latent_dim: 4, steps: 60, learning_rate: 4e-3}
evaluation: {images: 600, metrics: [mig, modularity, unsupervised]}
storage: {codes: 50}
"""


@pytest.fixture
def tiny_grid(tmp_path) -> Path:
    """A grid of six cells that trains and scores in about a second."""
    path = tmp_path / "tiny.yaml"
    path.write_text(TINY)
    return path

"""Pictures of a cell whose weights were kept: what training draws only for the first seed of each setting."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from bench.artifacts import read_weights
from bench.cell import Cell
from bench.codes import code_tables, kl_per_latent
from bench.data import open_dataset
from bench.data.device import DeviceImages
from bench.pictures import pictures
from bench.rows import stored_images
from bench.stack import image_size, parameters_of, problem_of, settle_process

#: Images over which a latent's KL is taken: as many as training keeps codes of by default.
KL_IMAGES = 1000


def redraw(weights: Path, row: int, cell: Cell, data: Path) -> dict[str, np.ndarray]:
    """The pictures of bench.pictures and `kl` (d,) of the cell whose weights are `row` of a file, on the CPU.

    Raises FileNotFoundError, in a sentence, where the images are not in `data`.
    """
    settle_process("cpu", cell.training.precision)
    dataset = open_dataset(cell.dataset, cell.source, data)
    # pictures need the network alone; a user's own objective is not imported for them
    plain = replace(cell, model="vae")
    problem = problem_of(plain, DeviceImages(dataset, "cpu", image_size(cell)))
    tensors, _ = read_weights(weights, row)
    parameters = parameters_of(tensors, problem, "cpu")
    index = stored_images(dataset, KL_IMAGES)
    mean, log_variance = code_tables(problem, parameters, index)
    return {**pictures(problem, parameters, index), "kl": kl_per_latent(mean, log_variance)[0]}

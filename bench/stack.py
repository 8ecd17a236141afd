"""What a stack of cells is trained as: the process it runs in, its problem, its members and their weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch

from bench.cell import Cell
from bench.data.device import DeviceImages
from bench.heap import keep_freed_memory
from bench.load import own_object
from bench.models import MODELS, Model
from bench.nets import ARCHITECTURES
from bench.nets import discriminator as discriminators
from bench.problem import Members, Problem, activation_dtype
from bench.settings import IMAGE_SIZE


def settle_process(device: str, precision: str = "float32") -> None:
    """Set what is kept per process, the same for every pack of a precision.

    One thread: two on a shared CPU wait for each other. Denormals, which dead units breed, are flushed, and
    freed memory is kept. On a GPU float32 means float32, and kernels are chosen by shape alone, so that equal
    shapes give equal bits.
    """
    keep_freed_memory()
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    if device == "cuda":
        # under bfloat16, dense layers: 4.5 GFLOP a step of FactorVAE's discriminator, slow in float32
        torch.backends.cuda.matmul.allow_tf32 = precision in ("tf32", "bfloat16")
        torch.backends.cudnn.allow_tf32 = precision == "tf32"
        torch.backends.cudnn.benchmark = False
        torch.backends.cudnn.deterministic = True


def image_size(cell: Cell) -> int:
    """Side in pixels of the images that a cell's network takes."""
    return IMAGE_SIZE[cell.training.architecture]


def problem_of(cell: Cell, images: DeviceImages) -> Problem:
    """What the members of a cell's pack share."""
    model: Model = MODELS[cell.model] if cell.model in MODELS else own_object(cell.model)
    discriminator = None
    if model.adversarial:
        discriminator = discriminators.layout(cell.settings.discriminator, cell.training.latent_dim)
    training = cell.training
    activations = activation_dtype(training.precision)
    network = ARCHITECTURES[training.architecture](images.channels, training.latent_dim, activations)
    return Problem(network, model, cell.training, cell.settings.reconstruction, discriminator, images)


def members_of(cells: Sequence[Cell], problem: Problem, device: torch.device) -> Members:
    """Seeds and numeric settings of the cells of one stack, as tensors (E,)."""
    settings = [cell.settings.model_dump() for cell in cells]
    names = [name for name, value in settings[0].items() if isinstance(value, int | float)]
    hyper = {
        name: torch.tensor([float(values[name]) for values in settings], dtype=problem.dtype, device=device)
        for name in names
    }
    return Members(torch.tensor([cell.seed for cell in cells], dtype=torch.int64, device=device), hyper)


def parameters_of(tensors: Mapping[str, np.ndarray], problem: Problem, device: str) -> torch.Tensor:
    """Kept weights, each (E, …), as the flat rows (E, width) that the network takes."""
    named = {name: torch.from_numpy(value).to(device) for name, value in tensors.items()}
    return problem.network.layout.join(named)


def device_name(device: str) -> str:
    """What the rows of scores call the device."""
    return torch.cuda.get_device_name() if device == "cuda" else "cpu"

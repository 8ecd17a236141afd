"""Small training problems for tests: a data set of noise images and packs of any model."""

from __future__ import annotations

import numpy as np
import torch

from bench.data.base import Dataset
from bench.data.device import DeviceImages
from bench.models import MODELS
from bench.nets import ARCHITECTURES, discriminator
from bench.problem import Members, Problem, activation_dtype
from bench.settings import IMAGE_SIZE, Training

SETTINGS = {
    "untrained": [{}, {}, {}],
    "vae": [{}, {}, {}],
    "beta_vae": [{"beta": 1.0}, {"beta": 4.0}, {"beta": 16.0}],
    "annealed_vae": [{"c_max": c, "gamma": 10.0, "iteration_threshold": 30} for c in (1.0, 2.0, 4.0)],
    "factor_vae": [{"gamma": g, "discriminator_learning_rate": 1e-3} for g in (5.0, 10.0, 40.0)],
    "beta_tc_vae": [{"beta": 1.0}, {"beta": 4.0}, {"beta": 8.0}],
    "dip_vae_i": [{"lambda_od": v, "lambda_d_factor": 10.0} for v in (1.0, 5.0, 50.0)],
    "dip_vae_ii": [{"lambda_od": v, "lambda_d_factor": 1.0} for v in (1.0, 5.0, 50.0)],
}
"""Three members' settings per model."""


class NoiseImages(Dataset):
    """Forty grey 64×64 images, smooth enough that block averages differ."""

    name = "noise"
    factor_names = ("row", "column")
    factor_sizes = (5, 8)
    image_shape = (64, 64, 1)

    def __init__(self, folder=None):
        rng = np.random.default_rng(0)
        coarse = rng.integers(0, 256, size=(self.size, 8, 8, 1), dtype=np.uint8)
        self.table = coarse.repeat(8, axis=1).repeat(8, axis=2)

    def images(self, index, rng=None):
        return self.table[index]

    def tables(self):
        return {"images": self.table}


def problem(model: str, reconstruction: str = "bernoulli", device: str = "cpu", **training) -> Problem:
    """A problem of `model` with the small discriminator; settings of training override small defaults."""
    defaults = {
        "architecture": "dense_8", "latent_dim": 3, "batch_size": 8, "steps": 60,
        "learning_rate": 1e-3, "precision": "float64",
    }  # fmt: skip
    settings = Training(**{**defaults, **training})
    network = ARCHITECTURES[settings.architecture](
        1, settings.latent_dim, activation_dtype(settings.precision)
    )
    critic = discriminator.layout("fc_64x2", settings.latent_dim) if MODELS[model].adversarial else None
    images = DeviceImages(NoiseImages(), device, IMAGE_SIZE[settings.architecture])
    return Problem(network, MODELS[model], settings, reconstruction, critic, images)


def members(problem: Problem, settings: list[dict], seeds: list[int] | None = None) -> Members:
    """Members with these model settings; seeds 0, 1, … unless given."""
    common = {"reconstruction_scale": 0.7, "reconstruction_weight": 2.0}
    filled = [common | values for values in settings]
    device = problem.images.device
    hyper = {
        name: torch.tensor([values[name] for values in filled], dtype=problem.dtype, device=device)
        for name in filled[0]
    }
    chosen = list(range(len(settings))) if seeds is None else seeds
    return Members(torch.tensor(chosen, device=device), hyper)

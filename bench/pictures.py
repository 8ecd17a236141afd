"""A few pictures per setting: reconstructions and latent traversals, for the report and for eyes."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from bench.codes import fixed_images
from bench.problem import Problem

IMAGES = 8
#: Values of a traversed latent. The released code takes [−1, 1]; two prior standard deviations show more.
TRAVERSED = torch.linspace(-2.0, 2.0, 11)


@torch.no_grad()
def pictures(problem: Problem, parameters: Tensor, index: np.ndarray) -> dict[str, np.ndarray]:
    """Pictures of one member, parameters (1, P), uint8.

    `images` and `reconstructions` (8, H, W, C) of the first images of `index`; `traversals`
    (d, 11, H, W, C): the first image's mean code with one latent moved at a time.
    """
    named = problem.network.layout.split(parameters)
    images = fixed_images(problem, torch.from_numpy(index[:IMAGES].copy()).to(parameters.device))
    mean, _ = problem.network.encode(named, images[None])
    latents = mean.shape[2]
    moved = mean[:, :1, None, :].repeat(1, latents, len(TRAVERSED), 1)  # (1, d, 11, d)
    which = torch.arange(latents, device=mean.device)
    moved[0, which, :, which] = TRAVERSED.to(moved)
    traversals = _decoded(problem, named, moved.flatten(1, 2))
    return {
        "images": _pixels(images),
        "reconstructions": _decoded(problem, named, mean),
        "traversals": traversals.reshape(latents, len(TRAVERSED), *traversals.shape[1:]),
    }


def _decoded(problem: Problem, named: dict[str, Tensor], z: Tensor) -> np.ndarray:
    """Codes (1, n, d) → images (n, H, W, C) uint8: the mean of the decoder's likelihood."""
    output = problem.network.decode(named, z)[0]
    return _pixels(output.sigmoid() if problem.reconstruction == "bernoulli" else output)


def _pixels(images: Tensor) -> np.ndarray:
    return (255 * images.clamp(0, 1)).round().byte().permute(0, 2, 3, 1).cpu().numpy()

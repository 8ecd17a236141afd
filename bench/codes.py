"""Images become code tables: mean and log-variance of every image, made once per cell in large batches."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from bench.problem import Problem, draw_nuisance
from bench.randomness import Stream

ENCODING_BATCH = 512
_EVALUATION_SEED = 0  # nuisance of the code tables is drawn once for all cells of a data set


@torch.no_grad()
def code_tables(problem: Problem, parameters: Tensor, index: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Codes of the images `index` (N,) under each member's encoder: mean and log-variance (E, N, d), float32.

    Where a data set has nuisance, image i always carries the same draw, a function of i alone, so that all
    cells see the same pictures (design.md §4). Members are encoded one at a time: a cell's codes then depend
    on nobody beside it, whoever died, and batches are large enough for that to be the faster way on a CPU.
    """
    members = len(parameters)
    alone = [problem.network.layout.split(row) for row in parameters.split(1)]
    everything = torch.from_numpy(np.ascontiguousarray(index)).to(parameters.device)
    # written in place: of 32 members on dSprites they take 2 GB, which pieces put together would double
    means, log_variances = np.empty((2, members, len(index), problem.training.latent_dim), np.float32)
    for first in range(0, len(index), ENCODING_BATCH):
        chunk = everything[first : first + ENCODING_BATCH]
        images = fixed_images(problem, chunk)[None]
        codes = [torch.cat(problem.network.encode(named, images), dim=-1) for named in alone]
        mean, log_variance = torch.cat(codes).cpu().chunk(2, dim=-1)
        means[:, first : first + len(chunk)] = mean
        log_variances[:, first : first + len(chunk)] = log_variance
    return means, log_variances


def fixed_images(problem: Problem, index: Tensor) -> Tensor:
    """Images (n, C, H, W) of `index` (n,), each with the nuisance that it has in every code table."""
    seed = torch.tensor([_EVALUATION_SEED], device=index.device)
    nuisance = draw_nuisance(problem.images, seed, Stream.CODE_NUISANCE, index, batch=1)
    nuisance = None if nuisance is None else nuisance[:, 0, 0]  # one draw an image: the index is the step
    return problem.images.batch(index, nuisance).to(problem.dtype)


def kl_per_latent(mean: np.ndarray, log_variance: np.ndarray) -> np.ndarray:
    """KL divergence (E, d) in nats of each latent's posterior from the prior, mean over N images."""
    return 0.5 * (mean**2 + np.exp(log_variance) - log_variance - 1.0).mean(1)

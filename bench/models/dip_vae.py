"""DIP-VAE I and II (Kumar et al. 2018): the aggregate posterior's covariance is pulled to the identity."""

from __future__ import annotations

import torch
from torch import Tensor

from bench.models.statistics import Statistics


def dip_vae_i(statistics: Statistics, hyper: dict[str, Tensor]) -> Tensor:
    """K + λ_od Σ_{a≠b} S_ab² + λ_d Σ_a (S_aa − 1)², S the covariance of the means: (E,)."""
    return statistics.kl + _penalty(batch_covariance(statistics.mean), hyper)


def dip_vae_ii(statistics: Statistics, hyper: dict[str, Tensor]) -> Tensor:
    """The same with the batch mean of the posterior variances added to S's diagonal: (E,)."""
    variance = statistics.log_variance.exp().mean(1)
    return statistics.kl + _penalty(batch_covariance(statistics.mean) + torch.diag_embed(variance), hyper)


def batch_covariance(mean: Tensor) -> Tensor:
    """Biased covariance (divided by B, as released): (E, B, d) → (E, d, d)."""
    centred = mean - mean.mean(1, keepdim=True)
    return centred.transpose(1, 2) @ centred / mean.shape[1]


def _penalty(covariance: Tensor, hyper: dict[str, Tensor]) -> Tensor:
    diagonal = covariance.diagonal(dim1=1, dim2=2)
    off_diagonal = covariance - torch.diag_embed(diagonal)  # each pair counts twice
    lambda_od = hyper["lambda_od"]
    lambda_d = hyper["lambda_d_factor"] * lambda_od
    return lambda_od * off_diagonal.square().sum((1, 2)) + lambda_d * (diagonal - 1.0).square().sum(1)

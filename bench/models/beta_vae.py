"""β-VAE (Higgins et al. 2017); the plain VAE is β = 1."""

from __future__ import annotations

from torch import Tensor

from bench.models.statistics import Statistics


def vae(statistics: Statistics, hyper: dict[str, Tensor]) -> Tensor:
    """K: (E,)."""
    return statistics.kl


def beta_vae(statistics: Statistics, hyper: dict[str, Tensor]) -> Tensor:
    """β·K: (E,)."""
    return hyper["beta"] * statistics.kl

"""β-TCVAE (Chen et al. 2018) with minibatch-weighted sampling."""

from __future__ import annotations

from torch import Tensor

from bench.models.statistics import Statistics, pairwise_log_density


def beta_tc_vae(statistics: Statistics, hyper: dict[str, Tensor]) -> Tensor:
    """K + (β − 1)·T: (E,)."""
    return statistics.kl + (hyper["beta"] - 1.0) * total_correlation(statistics)


def total_correlation(statistics: Statistics) -> Tensor:
    """T = mean_j [logsumexp_i Σ_l q_jil − Σ_l logsumexp_i q_jil]: (E,), never positive.

    As released, without the log(N·B) constants: T lies (d − 1)·log(N·B) below the proper weighted estimate,
    which changes the logged loss but no gradient.
    """
    pairs = pairwise_log_density(statistics.z, statistics.mean, statistics.log_variance)
    return (pairs.sum(1).logsumexp(2) - pairs.logsumexp(3).sum(1)).mean(1)

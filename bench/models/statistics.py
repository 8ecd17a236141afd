"""What an objective sees of one step, and the terms all objectives share."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F


@dataclass(frozen=True)
class Statistics:
    """One step of a pack: E members, B images, d latents. All losses are in nats, averaged over the batch."""

    mean: Tensor  # (E, B, d)
    log_variance: Tensor  # (E, B, d)
    z: Tensor  # (E, B, d), one sample per image
    reconstruction: Tensor  # (E,), summed over pixels and channels
    kl_per_latent: Tensor  # (E, d)
    step: Tensor  # completed updates before this one, a scalar
    critic_logits: Tensor | None = None  # (E, B, 2), FactorVAE's discriminator on z, its weights held

    @property
    def kl(self) -> Tensor:
        """KL divergence to the prior, summed over latents: (E,)."""
        return self.kl_per_latent.sum(1)


def sample_posterior(mean: Tensor, log_variance: Tensor, noise: Tensor) -> Tensor:
    """z = μ + e^{ℓ/2}·ε, shapes (E, B, d)."""
    return mean + (0.5 * log_variance).exp() * noise


def kl_per_latent(mean: Tensor, log_variance: Tensor) -> Tensor:
    """½(μ² + e^ℓ − ℓ − 1), averaged over the batch: (E, B, d) → (E, d)."""
    return 0.5 * (mean.square() + log_variance.exp() - log_variance - 1.0).mean(1)


def bernoulli(output: Tensor, images: Tensor, scale: Tensor) -> Tensor:
    """Cross-entropy with logits; targets lie in [0, 1], nothing is subtracted (locatello2019.md §3)."""
    return F.binary_cross_entropy_with_logits(output, images, reduction="none").sum((2, 3, 4)).mean(1)


def gaussian(output: Tensor, images: Tensor, scale: Tensor) -> Tensor:
    """−log N(x; output, scale²): squared error over 2·scale² plus the normalising constant."""
    scale = scale[:, None, None, None, None]
    nats = 0.5 * ((images - output) / scale).square() + scale.log() + 0.5 * math.log(2.0 * math.pi)
    return nats.sum((2, 3, 4)).mean(1)


def laplace(output: Tensor, images: Tensor, scale: Tensor) -> Tensor:
    """−log Laplace(x; output, scale): absolute error over scale plus the normalising constant."""
    scale = scale[:, None, None, None, None]
    return ((images - output).abs() / scale + (2.0 * scale).log()).sum((2, 3, 4)).mean(1)


#: `reconstruction` in a grid -> loss of output and images (E, B, C, H, W) with scale (E,): (E,) in nats.
RECONSTRUCTION = {"bernoulli": bernoulli, "gaussian": gaussian, "laplace": laplace}


def pairwise_log_density(z: Tensor, mean: Tensor, log_variance: Tensor) -> Tensor:
    """log N(z_j; μ_i, e^{ℓ_i}) per latent for all pairs of the batch: (E, B, d)×3 → (E, d, B_j, B_i).

    Latents lead, so that the sums over i run along memory. The squares are not expanded into a matrix
    product: that is faster and loses digits where a posterior is narrow.
    """
    z, mean, log_variance = (values.transpose(1, 2) for values in (z, mean, log_variance))
    precision = math.sqrt(0.5) * (-0.5 * log_variance).exp()
    constant = -0.5 * (log_variance + math.log(2.0 * math.pi))
    distance = (z[..., None] - mean[..., None, :]) * precision[..., None, :]
    return constant[..., None, :] - distance.square()


@torch.no_grad()
def kl_decomposition(statistics: Statistics) -> dict[str, Tensor]:
    """Index-code mutual information + total correlation + dimension-wise KL of the batch, each (E,), nats.

    Chen et al. 2018, eq. 2, with the batch itself as the population: q(z) is the mixture of its B posteriors.
    (With the data set's size N in place of B a batch says log(N·B) whatever the model does.) The sum is the
    KL at the sampled z exactly, and the mutual information never exceeds log B.
    """
    z, batch = statistics.z, statistics.z.shape[1]
    pairs = pairwise_log_density(z, statistics.mean, statistics.log_variance)
    conditional = pairs.diagonal(dim1=2, dim2=3).sum(1)  # log q(z_j | x_j): (E, B)
    joint = pairs.sum(1).logsumexp(2) - math.log(batch)
    marginals = (pairs.logsumexp(3) - math.log(batch)).sum(1)
    prior = -0.5 * (z.square() + math.log(2.0 * math.pi)).sum(2)
    return {
        "mutual_information": (conditional - joint).mean(1),
        "total_correlation": (joint - marginals).mean(1),
        "dimension_wise_kl": (marginals - prior).mean(1),
    }

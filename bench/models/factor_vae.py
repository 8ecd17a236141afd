"""FactorVAE (Kim & Mnih 2018): a discriminator estimates the total correlation."""

from __future__ import annotations

import torch
from torch import Tensor

from bench.models.statistics import Statistics

_CLIP = 1e-6


def factor_vae(statistics: Statistics, hyper: dict[str, Tensor]) -> Tensor:
    """K + γ·mean(logit_0 − logit_1) of the discriminator on z, logits not clipped: (E,)."""
    logits = statistics.critic_logits
    return statistics.kl + hyper["gamma"] * (logits[..., 0] - logits[..., 1]).mean(1)


def discriminator_loss(joint_logits: Tensor, permuted_logits: Tensor) -> Tensor:
    """−½ mean log p_0(z) − ½ mean log p_1(z_perm), logits (E, B, 2) → (E,).

    Probabilities are clipped to [1e-6, 1 − 1e-6]; a clipped sample gives no gradient, as released.
    """
    joint = joint_logits.softmax(2)[..., 0].clamp(_CLIP, 1.0 - _CLIP)
    permuted = permuted_logits.softmax(2)[..., 1].clamp(_CLIP, 1.0 - _CLIP)
    return -0.5 * (joint.log().mean(1) + permuted.log().mean(1))


def permute_codes(z: Tensor, permutation: Tensor) -> Tensor:
    """Each column of z (E, B, d) reordered on its own across the same batch (locatello2019.md §3)."""
    return torch.gather(z, 1, permutation)

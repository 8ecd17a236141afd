"""AnnealedVAE (Burgess et al. 2017): the KL is held at a capacity that grows with the steps."""

from __future__ import annotations

import torch
from torch import Tensor

from bench.models.statistics import Statistics


def annealed_vae(statistics: Statistics, hyper: dict[str, Tensor]) -> Tensor:
    """γ·|K − C(t)|, C(t) = min(c_max, c_max·t/threshold), t the completed steps: (E,).

    The absolute value is of the batch mean K, as released; capacity is in nats.
    """
    progress = statistics.step / hyper["iteration_threshold"]
    capacity = torch.minimum(hyper["c_max"], hyper["c_max"] * progress)
    return hyper["gamma"] * (statistics.kl - capacity).abs()

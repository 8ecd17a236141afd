"""Objectives. Each is R + regularizer: the reconstruction loss is common, a model is its regularizer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from bench.models.annealed_vae import annealed_vae
from bench.models.beta_tc_vae import beta_tc_vae
from bench.models.beta_vae import beta_vae, vae
from bench.models.dip_vae import dip_vae_i, dip_vae_ii
from bench.models.factor_vae import factor_vae
from bench.models.statistics import Statistics
from bench.settings import ModelSettings


@dataclass(frozen=True)
class Model:
    """A model of the study, or a user's own.

    `regularizer(statistics, hyper)` gives everything but the reconstruction loss, (E,) in nats; `hyper` holds
    each number among the model's settings as a tensor (E,). `adversarial` models train a discriminator
    beside the VAE and find its logits in `statistics.critic_logits`. On a GPU steps are replayed as a graph:
    a regularizer works on tensors alone and never waits for one's value (no `.item()`, no `if` on it; use
    `torch.where`). A user's own model, named in a grid as
    package.module:NAME, brings its `settings` class; those of the models below stand in bench.settings.
    """

    regularizer: Callable[[Statistics, dict[str, Tensor]], Tensor]
    adversarial: bool = False
    settings: type[ModelSettings] | None = None


#: model name in a grid -> model; its settings of the same name stand in bench.settings.MODEL_SETTINGS.
MODELS: dict[str, Model] = {
    "untrained": Model(vae),
    "vae": Model(vae),
    "beta_vae": Model(beta_vae),
    "annealed_vae": Model(annealed_vae),
    "factor_vae": Model(factor_vae, adversarial=True),
    "beta_tc_vae": Model(beta_tc_vae),
    "dip_vae_i": Model(dip_vae_i),
    "dip_vae_ii": Model(dip_vae_ii),
}

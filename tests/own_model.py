"""A user's own model, as a grid names it: own_model:SCALED."""

from typing import ClassVar

from bench.models import Model
from bench.settings import ModelSettings


class ScaledSettings(ModelSettings):
    """A β-VAE under another name."""

    hyperparameter: ClassVar[str] = "weight"
    weight: float = 1.0
    """Weight of the KL divergence."""


def scaled(statistics, hyper):
    return hyper["weight"] * statistics.kl


SCALED = Model(scaled, settings=ScaledSettings)


def diverging(statistics, hyper):
    """NaN from step 20 on where the weight is 13."""
    struck = (hyper["weight"] == 13.0) & (statistics.step >= 20)
    return hyper["weight"].masked_fill(struck, float("nan")) * statistics.kl


DIVERGING = Model(diverging, settings=ScaledSettings)

"""A user's own model, as a grid names it: own_model:SCALED."""

import os
import signal
import sys
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


def deadly(statistics, hyper):
    """Kills its own process at step 20 if a weight is 13."""
    if statistics.step >= 20 and (hyper["weight"] == 13.0).any():
        os.kill(os.getpid(), signal.SIGKILL)
    return hyper["weight"] * statistics.kl


DEADLY = Model(deadly, settings=ScaledSettings)


def raising(statistics, hyper):
    """Raises at step 20 if a weight is 13; hence so does the stack that it is in."""
    if statistics.step >= 20 and (hyper["weight"] == 13.0).any():
        raise ArithmeticError("13 brings bad luck")
    return hyper["weight"] * statistics.kl


RAISING = Model(raising, settings=ScaledSettings)


def leaving(statistics, hyper):
    """Leaves Python at step 20 if a weight is 13."""
    if statistics.step >= 20 and (hyper["weight"] == 13.0).any():
        sys.exit(0)
    return hyper["weight"] * statistics.kl


LEAVING = Model(leaving, settings=ScaledSettings)

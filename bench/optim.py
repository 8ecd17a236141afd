"""Adam in TensorFlow's form on a pack's flat parameters, with frozen members."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

EPSILON = 1e-8


@dataclass
class Moments:
    """Adam's running moments of a pack, each (E, P) like the parameters."""

    first: Tensor
    second: Tensor

    @staticmethod
    def zeros_like(parameters: Tensor) -> Moments:
        return Moments(torch.zeros_like(parameters), torch.zeros_like(parameters))


def adam_rate(step: int, learning_rate: float, beta1: float, beta2: float) -> float:
    """Step size of the update that follows `step` completed ones, both bias corrections folded in."""
    t = step + 1
    return learning_rate * math.sqrt(1.0 - beta2**t) / (1.0 - beta1**t)


def adam_step(
    parameters: Tensor,
    gradient: Tensor,
    moments: Moments,
    rate: Tensor,
    alive: Tensor,
    beta1: float,
    beta2: float,
) -> None:
    """Update `parameters` (E, P) in place: p ← p − rate · m/(√v + ε), v not bias corrected.

    TensorFlow adds ε to the uncorrected √v, torch to the corrected one (locatello2019.md §2.5). `rate` (E,)
    is that of adam_rate, zero for members that are not `alive` (E,). These keep their parameters' bits
    whatever their gradient holds: it is replaced, not multiplied (NaN·0 is NaN). `gradient` is overwritten.
    """
    gradient.masked_fill_(~alive[:, None], 0.0)
    moments.first.lerp_(gradient, 1.0 - beta1)
    moments.second.mul_(beta2).addcmul_(gradient, gradient, value=1.0 - beta2)
    torch.sqrt(moments.second, out=gradient)
    gradient.add_(EPSILON).reciprocal_().mul_(moments.first)
    parameters.sub_(gradient.mul_(rate[:, None]))


def half_cosine(step: int, steps: int, start: float, end: float | None) -> float:
    """Learning rate of update `step` (0-based) of `steps`: constant, or a half cosine from start to end."""
    if end is None or steps <= 1:
        return start
    return end + 0.5 * (start - end) * (1.0 + math.cos(math.pi * step / (steps - 1)))

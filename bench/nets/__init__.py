"""Architectures: how many parameters, how images become codes and codes become logits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from bench.nets import conv_64, dense
from bench.nets.parameters import Layout


@dataclass(frozen=True)
class Network:
    """An encoder and a decoder over stacked members; functions of named parameters (E, …)."""

    layout: Layout
    encode: Callable[[dict[str, Tensor], Tensor], tuple[Tensor, Tensor]]
    decode: Callable[[dict[str, Tensor], Tensor], Tensor]


def _conv_64(inner_kernel: int, channels: int, latent_dim: int, activations: torch.dtype) -> Network:
    decode = partial(conv_64.decode, activations=activations)
    encode = partial(conv_64.encode, activations=activations)
    return Network(conv_64.layout(channels, latent_dim, inner_kernel), encode, decode)


def _dense(
    side: int, hidden: tuple[int, int], channels: int, latent_dim: int, activations: torch.dtype
) -> Network:
    # no convolutions, hence nothing that runs in another precision than the parameters
    decode = partial(dense.decode, channels=channels, side=side)
    return Network(dense.layout(channels, latent_dim, side, hidden), dense.encode, decode)


#: architecture name -> function of (channels, latent_dim, dtype of the convolutions' activations);
#: the sides of the images stand in bench.settings.IMAGE_SIZE.
ARCHITECTURES: dict[str, Callable[[int, int, torch.dtype], Network]] = {
    "conv_64": partial(_conv_64, 2),
    "conv_64_4x4": partial(_conv_64, 4),
    "dense_16": partial(_dense, 16, (128, 64)),
    "dense_8": partial(_dense, 8, (64, 64)),
}

"""Architectures: how many parameters, how images become codes and codes become logits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from torch import Tensor

from bench.nets import conv_64, dense
from bench.nets.parameters import Layout


@dataclass(frozen=True)
class Network:
    """An encoder and a decoder over stacked members; functions of named parameters (E, …)."""

    layout: Layout
    encode: Callable[[dict[str, Tensor], Tensor], tuple[Tensor, Tensor]]
    decode: Callable[[dict[str, Tensor], Tensor], Tensor]


def _conv_64(inner_kernel: int, channels: int, latent_dim: int) -> Network:
    return Network(conv_64.layout(channels, latent_dim, inner_kernel), conv_64.encode, conv_64.decode)


def _dense(side: int, hidden: tuple[int, int], channels: int, latent_dim: int) -> Network:
    decode = partial(dense.decode, channels=channels, side=side)
    return Network(dense.layout(channels, latent_dim, side, hidden), dense.encode, decode)


#: architecture name -> function of (channels, latent_dim); image sides stand in bench.settings.IMAGE_SIZE.
ARCHITECTURES: dict[str, Callable[[int, int], Network]] = {
    "conv_64": partial(_conv_64, 2),
    "conv_64_4x4": partial(_conv_64, 4),
    "dense_16": partial(_dense, 16, (128, 64)),
    "dense_8": partial(_dense, 8, (64, 64)),
}

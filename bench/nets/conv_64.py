"""The study's convolutional encoder and decoder for 64×64 images (locatello2019.md §2.1, §2.2)."""

from __future__ import annotations

import torch
from torch import Tensor

from bench.nets.layers import conv, deconv, deconv_to_images, dense, merge_members, split_members
from bench.nets.parameters import Layout, conv_shapes, deconv_shapes, dense_shapes


def layout(channels: int, latent_dim: int, inner_kernel: int) -> Layout:
    """Parameters; `inner_kernel` is 2 in the released code (e3, e4), 4 in the paper's Table 2."""
    return Layout(
        {
            **conv_shapes("e1", channels, 32, 4),
            **conv_shapes("e2", 32, 32, 4),
            **conv_shapes("e3", 32, 64, inner_kernel),
            **conv_shapes("e4", 64, 64, inner_kernel),
            **dense_shapes("e5", 1024, 256),
            **dense_shapes("mean", 256, latent_dim),
            **dense_shapes("log_variance", 256, latent_dim),
            **dense_shapes("d1", latent_dim, 256),
            **dense_shapes("d2", 256, 1024),
            **deconv_shapes("d3", 64, 64, 4),
            **deconv_shapes("d4", 64, 32, 4),
            **deconv_shapes("d5", 32, 32, 4),
            **deconv_shapes("d6", 32, channels, 4),
        }
    )


def encode(p: dict[str, Tensor], images: Tensor, activations: torch.dtype) -> tuple[Tensor, Tensor]:
    """Images (E, B, C, 64, 64) → mean and log-variance, each (E, B, d).

    Convolutions run in `activations` (bfloat16, say), dense layers and heads in the parameters' precision.
    """
    members, precision = len(images), p["e5.weight"].dtype
    inner_padding = 0 if p["e3.weight"].shape[-1] == 2 else 1
    hidden = merge_members(images.to(activations))
    for name, padding in (("e1", 1), ("e2", 1), ("e3", inner_padding), ("e4", inner_padding)):
        hidden = conv(hidden, p[f"{name}.weight"], p[f"{name}.bias"], padding).relu_()
    # torch flattens (C, H, W), TensorFlow (H, W, C): a permutation of i.i.d. initial weights, no other effect
    hidden = split_members(hidden, members).flatten(2).to(precision)
    hidden = dense(hidden, p["e5.weight"], p["e5.bias"]).relu()
    return (
        dense(hidden, p["mean.weight"], p["mean.bias"]),
        dense(hidden, p["log_variance.weight"], p["log_variance.bias"]),
    )


def decode(p: dict[str, Tensor], z: Tensor, activations: torch.dtype) -> Tensor:
    """Codes (E, B, d) → logits (E, B, C, 64, 64) in the parameters' precision."""
    hidden = dense(z, p["d1.weight"], p["d1.bias"]).relu()
    hidden = dense(hidden, p["d2.weight"], p["d2.bias"]).relu()
    hidden = merge_members(hidden.unflatten(2, (64, 4, 4)).to(activations))
    for name in ("d3", "d4", "d5"):
        hidden = deconv(hidden, p[f"{name}.weight"], p[f"{name}.bias"]).relu_()
    return deconv_to_images(hidden, p["d6.weight"], p["d6.bias"]).to(z.dtype)

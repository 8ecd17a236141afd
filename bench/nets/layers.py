"""Stacked layers: the same layer of E members in one call.

Images travel as (B, E·channels, height, width) between convolutions, member by member along the channels,
which is what a grouped convolution wants; at E = 1 that is an ordinary batch and takes the ordinary kernels.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def dense(inputs: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """(E, B, in) · (E, in, out) + (E, out) → (E, B, out)."""
    return torch.baddbmm(bias[:, None, :], inputs, weight)


def merge_members(images: Tensor) -> Tensor:
    """(E, B, C, H, W) → (B, E·C, H, W), channels last in memory."""
    members, batch, channels, height, width = images.shape
    merged = images.transpose(0, 1).reshape(batch, members * channels, height, width)
    return merged.contiguous(memory_format=torch.channels_last)


def split_members(images: Tensor, members: int) -> Tensor:
    """(B, E·C, H, W) → (E, B, C, H, W)."""
    return images.unflatten(1, (members, -1)).transpose(0, 1)


def conv(images: Tensor, weight: Tensor, bias: Tensor, padding: int) -> Tensor:
    """Convolution of stride 2: (B, E·in, H, W) with weights (E, out, in, k, k) → (B, E·out, H/2, W/2).

    Like all layers on images it computes in the images' precision, whatever the weights'.
    """
    kernel = weight.flatten(0, 1).to(images.dtype, memory_format=torch.channels_last)
    bias = bias.flatten().to(images.dtype)
    return F.conv2d(images, kernel, bias, stride=2, padding=padding, groups=len(weight))


def deconv(images: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Transposed 4×4 convolution of stride 2, padding 1: (B, E·in, H, W) → (B, E·out, 2H, 2W)."""
    kernel = weight.flatten(0, 1).to(images.dtype, memory_format=torch.channels_last)
    bias = bias.flatten().to(images.dtype)
    return F.conv_transpose2d(images, kernel, bias, stride=2, padding=1, groups=len(weight))


def deconv_as_product(images: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """The same as `deconv`, as one matrix product and a fold: faster where `out` is 1 or 3.

    Returns (E, B, out, 2H, 2W).
    """
    members, _, outputs, kernel, _ = weight.shape
    batch, _, height, width = images.shape
    pixels = (
        split_members(images, members).permute(0, 1, 3, 4, 2).reshape(members, batch * height * width, -1)
    )
    patches = torch.bmm(pixels, weight.flatten(2).to(pixels.dtype)).view(members * batch, height * width, -1)
    folded = F.fold(patches.transpose(1, 2), (2 * height, 2 * width), kernel, padding=1, stride=2)
    return folded.view(members, batch, outputs, 2 * height, 2 * width) + bias[:, None, :, None, None]

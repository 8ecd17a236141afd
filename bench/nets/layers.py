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
    output = F.conv_transpose2d(images, kernel, stride=2, padding=1, groups=len(weight))
    # added here: inside, the gradient of a bias doubles the cost of the backward pass on a CPU
    return output.add_(bias.flatten()[:, None, None].to(images.dtype))


def deconv_to_images(images: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """The same as `deconv`, faster where `out` is 1 or 3: (B, E·in, H, W) → (E, B, out, 2H, 2W), contiguous.

    Along an axis, pixels 2m − 1 and 2m of the output both see inputs m − 1 and m and no others. So a 2×2
    convolution of padding 1 gives all four pixels of a block at once, and one copy puts them in their places.
    """
    members, inputs, outputs, _, _ = weight.shape
    halves = weight.unflatten(4, (2, 2)).unflatten(3, (2, 2)).flip(3, 5)  # tap and pixel, down and across
    kernel = halves.permute(0, 4, 6, 2, 1, 3, 5).reshape(-1, inputs, 2, 2)
    kernel = kernel.to(images.dtype, memory_format=torch.channels_last)
    biases = bias[:, None].expand(-1, 4, -1).flatten().to(images.dtype)
    blocks = F.conv2d(images, kernel, biases, padding=1, groups=members).permute(0, 2, 3, 1)
    blocks = blocks.unflatten(3, (members, 2, 2, outputs)).permute(3, 0, 1, 4, 2, 5, 6)
    pixels = blocks.flatten(4, 5).flatten(2, 3)[:, :, 1:-1, 1:-1]
    return pixels.movedim(4, 2).contiguous()

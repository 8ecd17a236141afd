"""Other ways to compute the layers of bench.nets.conv_64, measured by docs/figures/executors.py."""

from functools import partial

import torch
from torch.nn import functional as F

from bench.nets import layers


def merge_nchw(images):
    """(E, B, C, H, W) → (B, E·C, H, W), rows of pixels in memory."""
    return images.transpose(0, 1).flatten(1, 2).contiguous()


def conv_nchw(images, weight, bias, padding):
    kernel, bias = weight.flatten(0, 1).to(images.dtype), bias.flatten().to(images.dtype)
    return F.conv2d(images, kernel, bias, stride=2, padding=padding, groups=len(weight))


def deconv_nchw(images, weight, bias):
    kernel, bias = weight.flatten(0, 1).to(images.dtype), bias.flatten().to(images.dtype)
    return F.conv_transpose2d(images, kernel, bias, stride=2, padding=1, groups=len(weight))


def to_images_by(deconv, images, weight, bias):
    """The last layer as the deconvolution that it is."""
    return layers.split_members(deconv(images, weight, bias), len(weight)).contiguous()


def conv_bmm(images, weight, bias, padding):
    """Patches of (E, B, in, H, W) laid out in memory, then one batched product: (E, B, out, H/2, W/2)."""
    members, batch, side = *images.shape[:2], images.shape[-1] // 2
    patches = F.unfold(images.flatten(0, 1), weight.shape[-1], padding=padding, stride=2)
    rows = patches.unflatten(0, (members, batch)).transpose(2, 3).flatten(1, 2)
    products = torch.baddbmm(bias[:, None].to(rows.dtype), rows, weight.flatten(2).mT.to(rows.dtype))
    return products.unflatten(1, (batch, side, side)).permute(0, 1, 4, 2, 3)


def deconv_bmm(images, weight, bias):
    """One batched product, its patches then added up: (E, B, in, H, W) → (E, B, out, 2H, 2W)."""
    members, batch, _, height, width = images.shape
    pixels = images.permute(0, 1, 3, 4, 2).reshape(members, batch * height * width, -1)
    patches = torch.bmm(pixels, weight.flatten(2).to(pixels.dtype)).unflatten(1, (batch, height * width))
    folded = F.fold(patches.flatten(0, 1).mT, (2 * height, 2 * width), 4, padding=1, stride=2)
    return folded.unflatten(0, (members, batch)) + bias[:, None, :, None, None].to(folded.dtype)


def product_and_fold(images, weight, bias):
    """The last layer alone by `deconv_bmm`, others grouped."""
    return deconv_bmm(layers.split_members(images, len(weight)), weight, bias)


#: name -> what stands in for names of bench.nets.conv_64; the first is bench's own.
FORMS = {
    "grouped, channels last": {},
    "grouped, channels last, last layer a deconvolution": {
        "deconv_to_images": partial(to_images_by, layers.deconv)
    },
    "grouped, channels last, last layer a product and a fold": {"deconv_to_images": product_and_fold},
    "grouped, NCHW": {
        "merge_members": merge_nchw, "conv": conv_nchw, "deconv": deconv_nchw,
        "deconv_to_images": partial(to_images_by, deconv_nchw),
    },
    "im2col and bmm": {
        "merge_members": lambda images: images, "split_members": lambda images, members: images,
        "conv": conv_bmm, "deconv": deconv_bmm, "deconv_to_images": deconv_bmm,
    },
}  # fmt: skip

"""Other ways to compute the layers of bench.nets.conv_64, measured by docs/figures/executors.py.

None calls F.unfold or F.fold: forwards or backwards these launch a kernel for each image of a GPU's batch.
"""

from functools import partial, reduce

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
    """Patches of (E, B, in, H, W) laid out in memory, then one batched product: (E, B, out, H/2, W/2).

    Channels lie last in memory before and after, so that a patch is copied in runs.
    """
    kernel, (batch, side) = weight.shape[-1], (images.shape[1], images.shape[-1] // 2)
    padded = F.pad(images.permute(0, 1, 3, 4, 2), (0, 0, *[padding] * 4))
    patches = padded.unfold(2, kernel, 2).unfold(3, kernel, 2)  # (E, B, H/2, W/2, in, k, k), a view
    rows = patches.permute(0, 1, 2, 3, 5, 6, 4).flatten(4).flatten(1, 3)
    columns = weight.permute(0, 3, 4, 2, 1).flatten(1, 3).to(rows.dtype)
    products = torch.baddbmm(bias[:, None].to(rows.dtype), rows, columns)
    return products.unflatten(1, (batch, side, side)).permute(0, 1, 4, 2, 3)


def deconv_bmm(images, weight, bias):
    """One batched product, its patches then added up: (E, B, in, H, W) → (E, B, out, 2H, 2W).

    Tap 2a + r of the input i falls on pixel 2(i + a) − 1 + r of the output. So the sixteen taps are four
    blocks of 2×2 pixels, moved by a and b and added; cut by a pixel all round, the blocks are the output.
    """
    members, batch, _, height, width = images.shape
    pixels = images.permute(0, 1, 3, 4, 2).flatten(1, 3)
    taps = weight.unflatten(4, (2, 2)).unflatten(3, (2, 2)).permute(0, 1, 3, 5, 4, 6, 2)  # a, b, r, s, out
    taps = taps.flatten(2, 3)
    products = torch.bmm(pixels, taps.flatten(2).to(pixels.dtype))
    products = products.unflatten(2, taps.shape[2:]).unflatten(1, (batch, height, width))
    # unbound, and not indexed: backwards each index would fill a tensor as large as all products
    parts = zip(products.unbind(4), ((0, 0), (0, 1), (1, 0), (1, 1)), strict=True)
    moved = [F.pad(part, (*[0] * 6, b, 1 - b, a, 1 - a)) for part, (a, b) in parts]
    blocks = reduce(torch.add, moved)
    output = blocks.transpose(3, 4).flatten(4, 5).flatten(2, 3)[:, :, 1:-1, 1:-1]
    return (output + bias[:, None, None, None].to(output.dtype)).permute(0, 1, 4, 2, 3)


def to_images_bmm(images, weight, bias):
    """The last layer by `deconv_bmm`, its images contiguous as bench's are."""
    return deconv_bmm(images, weight, bias).contiguous()


def product_and_fold(images, weight, bias):
    """The last layer alone by `deconv_bmm`, others grouped."""
    return to_images_bmm(layers.split_members(images, len(weight)), weight, bias)


#: The form that bench has; the others below are measured against it.
OWN = "grouped, channels last"
IM2COL = "im2col and bmm"
#: name -> what stands in for names of bench.nets.conv_64.
FORMS = {
    OWN: {},
    "grouped, channels last, last layer a deconvolution": {
        "deconv_to_images": partial(to_images_by, layers.deconv)
    },
    "grouped, channels last, last layer a product and a fold": {"deconv_to_images": product_and_fold},
    "grouped, NCHW": {
        "merge_members": merge_nchw, "conv": conv_nchw, "deconv": deconv_nchw,
        "deconv_to_images": partial(to_images_by, deconv_nchw),
    },
    IM2COL: {
        "merge_members": lambda images: images, "split_members": lambda images, members: images,
        "conv": conv_bmm, "deconv": deconv_bmm, "deconv_to_images": to_images_bmm,
    },
}  # fmt: skip

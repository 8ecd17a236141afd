"""Images resident on a device, and batches of them by index tensor, without a word to the host.

A table stays as small as it is stored (bits, bytes, maps) until a batch is asked for; a batch costs so little
of a training step that there is no loader and no worker.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor

from bench.data.base import Dataset

POOLED_BYTES = 2**30  # a table of block averages larger than this is not kept
NOISY_CHUNK = 8  # noisy images made at a time on a CPU, for the same reason
POOLED_CHUNK = 256  # images averaged at a time; their float32 copies stay in a CPU's cache


class DeviceImages:
    """A data set's images on `device`, float32 in [0, 1], `image_size` pixels a side.

    An `image_size` of 16 or 8 gives averages over blocks of the stored image. They are made once where
    nothing is drawn per request and the float32 table fits in 1 GiB; then a batch is one `index_select`.
    """

    def __init__(self, dataset: Dataset, device: torch.device | str, image_size: int = 64):
        height, width, self.channels = dataset.image_shape
        if height != width or height % image_size:
            raise ValueError(
                f"{dataset.name} has images of {height}×{width} pixels, which cannot be averaged to "
                f"{image_size}×{image_size}; the side must divide."
            )
        self.size = dataset.size
        self.image_size = image_size
        self.device = torch.device(device)
        self._tables = {
            name: torch.from_numpy(table).to(self.device) for name, table in dataset.tables().items()
        }
        self._stored = next(reader(self._tables) for name, reader in READERS.items() if name in self._tables)
        self._nuisance = NUISANCE[dataset.nuisance] if dataset.nuisance else None
        self.nuisance_size = dataset.nuisance_size
        self.nuisance_bits = dataset.nuisance_bits
        self._pooled = self._pool_all() if self._is_worth_pooling(height) else None

    def batch(self, index: Tensor, uniforms: Tensor | None = None) -> Tensor:
        """Images [..., C, s, s] of `index` [...]; `uniforms` [..., nuisance_size] in [0, 1) draw nuisance.

        Where nuisance becomes pixels (nuisance_bits 8) they are bytes. Equal ones give equal images. Nothing
        leaves the device, so a CUDA graph can capture it.
        """
        flat = index.reshape(-1)
        if self._pooled is not None:
            images = self._pooled.index_select(0, flat)
        else:
            images = self._stored(flat)
            if self._nuisance:
                images = self._nuisance(images, uniforms.reshape(len(flat), self.nuisance_size), self._tables)
            images = _block_average(images, self.image_size)
        return images.view(*index.shape, self.channels, self.image_size, self.image_size)

    def _is_worth_pooling(self, height: int) -> bool:
        table_bytes = 4 * self.size * self.channels * self.image_size**2
        return self.image_size < height and not self._nuisance and table_bytes <= POOLED_BYTES

    def _pool_all(self) -> Tensor:
        shape = (self.size, self.channels, self.image_size, self.image_size)
        pooled = torch.empty(shape, dtype=torch.float32, device=self.device)
        everything = torch.arange(self.size, device=self.device)
        for index, block in zip(everything.split(POOLED_CHUNK), pooled.split(POOLED_CHUNK), strict=True):
            block.copy_(_block_average(self._stored(index), self.image_size))
        return pooled


class PackedBits:
    """Rows of 512 bytes, a pixel per bit (bit-packed dSprites)."""

    def __init__(self, tables: dict[str, Tensor]):
        self.bits = tables["bits"]
        # Eight pixels of a byte are looked up as one 8-byte word: 4 times faster on a CPU than shifts.
        pixels = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1)
        self.words = torch.from_numpy(pixels).to(self.bits.device).view(torch.int64).view(256)

    def __call__(self, index: Tensor) -> Tensor:
        packed = self.bits.index_select(0, index)
        pixels = self.words.index_select(0, packed.view(-1).int()).view(torch.uint8)
        return pixels.float().view(-1, 1, 64, 64)


class StoredBytes:
    """Images [N, H, W, C] of bytes; 255 is 1."""

    def __init__(self, tables: dict[str, Tensor]):
        self.images = tables["images"]

    def __call__(self, index: Tensor) -> Tensor:
        images = self.images.index_select(0, index)
        return images.permute(0, 3, 1, 2).contiguous().float().div_(255)


class ColoredMaps:
    """Maps [G, M, 64, 64] of bytes and colors [T, 3, M]: image `t * G + g` is color t times map g."""

    def __init__(self, tables: dict[str, Tensor]):
        self.maps = tables["maps"].flatten(2)
        self.colors = tables["colors"]

    def __call__(self, index: Tensor) -> Tensor:
        maps = self.maps.index_select(0, index % len(self.maps)).float()
        colors = self.colors.index_select(0, index // len(self.maps))
        with _no_tf32():
            images = torch.bmm(colors, maps)
        # Rounded maps may sum to a little over 255.
        return images.div_(255).clamp_(max=1).view(-1, 3, 64, 64)


@contextmanager
def _no_tf32() -> Iterator[None]:
    """Products in float32, whatever a pack's precision: all precisions train on the same images."""
    allowed = torch.backends.cuda.matmul.allow_tf32
    torch.backends.cuda.matmul.allow_tf32 = False
    try:
        yield
    finally:
        torch.backends.cuda.matmul.allow_tf32 = allowed


def color(masks: Tensor, uniforms: Tensor, tables: dict[str, Tensor]) -> Tensor:
    """`ColorDSprites.paint` on a device; masks [n, 1, 64, 64], uniforms [n, 3]."""
    return masks * (0.5 + 0.5 * uniforms)[:, :, None, None]


def noise(masks: Tensor, octets: Tensor, tables: dict[str, Tensor]) -> Tensor:
    """`NoisyDSprites.paint` on a device; bytes [n, 12288], channel by channel, `b` for (b + ½)/256."""
    octets = octets.view(-1, 3, 64, 64)
    images = torch.empty(octets.shape, dtype=masks.dtype, device=masks.device)
    half = torch.full((), 2.0**-9, dtype=masks.dtype, device=masks.device)
    few = len(images) if images.is_cuda else NOISY_CHUNK
    for some, drawn, mask in zip(images.split(few), octets.split(few), masks.split(few), strict=True):
        torch.add(half, some.copy_(drawn), alpha=2.0**-8, out=some)
        # Noise lies below 1 and masks are 0 or 1, so the maximum is min(1, mask + noise) in one pass.
        torch.maximum(mask, some, out=some)
    return images


def scream(masks: Tensor, uniforms: Tensor, tables: dict[str, Tensor]) -> Tensor:
    """`ScreamDSprites.paint` on a device; uniforms [n, 5] draw row, column and color."""
    picture = tables["picture"]  # [3, H, W]
    _, height, width = picture.shape
    row = (uniforms[:, 0] * (height - 64)).long()[:, None, None]
    column = (uniforms[:, 1] * (width - 64)).long()[:, None, None]
    channel = torch.arange(3, device=picture.device)[:, None]
    rows = row + torch.arange(64, device=picture.device)
    # Runs of 64 pixels, overlapping in memory, are gathered whole: 14 times faster than pixel by pixel. The
    # picture has fewer numbers than a batch, so it is scaled before.
    runs = picture.float().div_(255).view(-1).unfold(0, 64, 1)
    patches = runs.index_select(0, ((channel * height + rows) * width + column).view(-1))
    images = patches.view(-1, 3, 64, 64).add_(uniforms[:, 2:, None, None])  # twice the background b
    return torch.sub(masks, images, alpha=0.5, out=images).abs_()  # 1 - b on the sprite, b elsewhere


def _block_average(images: Tensor, side: int) -> Tensor:
    if images.shape[-1] == side:
        return images
    return torch.nn.functional.avg_pool2d(images, images.shape[-1] // side)


READERS = {"bits": PackedBits, "images": StoredBytes, "maps": ColoredMaps}
NUISANCE = {"color": color, "noise": noise, "scream": scream}

"""Images resident on a device, and batches of them by index tensor, without a word to the host.

A table stays as small as it is stored (bits, bytes, maps) until a batch is asked for; a batch costs so little
of a training step that there is no loader and no worker.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from bench.data.base import Dataset

POOLED_BYTES = 2**30  # a table of block averages larger than this is not kept
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
        tables = {name: torch.from_numpy(np.asarray(table)) for name, table in dataset.tables().items()}
        tables = {name: table.to(self.device) for name, table in tables.items()}
        self._stored = _reader(tables)
        self._nuisance = NUISANCE[dataset.nuisance](tables) if dataset.nuisance else None
        self.nuisance_size = self._nuisance.size if self._nuisance else 0
        self._pooled = self._pool_all() if self._is_worth_pooling(height) else None

    def batch(self, index: Tensor, uniforms: Tensor | None = None) -> Tensor:
        """Images [..., C, s, s] of `index` [...]; `uniforms` [..., nuisance_size] in [0, 1) draw nuisance.

        Equal uniforms give equal images. Nothing leaves the device, so a CUDA graph can capture it.
        """
        flat = index.reshape(-1)
        if self._pooled is not None:
            images = self._pooled.index_select(0, flat)
        else:
            images = self._stored(flat)
            if self._nuisance:
                images = self._nuisance(images, uniforms.reshape(len(flat), -1))
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


def _reader(tables: dict[str, Tensor]):
    name = next(name for name in READERS if name in tables)
    return READERS[name](tables)


def _block_average(images: Tensor, side: int) -> Tensor:
    if images.shape[-1] == side:
        return images
    return torch.nn.functional.avg_pool2d(images, images.shape[-1] // side)


READERS = {"bits": PackedBits, "images": StoredBytes}
NUISANCE = {}

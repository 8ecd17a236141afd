"""The part of dSprites that the quick start trains on: 9,216 images, orientation 0, the middle half of posY.

Two factors of equal strength leave an encoder free to rotate them; half the range of posY keeps them apart
(quickstart.md §3). Scores on it may not stand beside scores on the whole of dSprites.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from bench.data import dsprites
from bench.data import dsprites_render as geometry
from bench.data.base import Entry, PackedImages, Progress
from bench.data.cache import in_order, open_table, write_table

FACTOR_NAMES = ("shape", "scale", "posX", "posY")
FACTOR_SIZES = (3, 6, 32, 16)
POS_Y = np.arange(8, 24)

CACHES = {
    "real": ("dsprites/quick-real.npy",),
    dsprites.RENDERED: (f"dsprites/quick-rendered-1-{geometry.geometry_hash()}.npy",),
}


class DSpritesQuick(PackedImages):
    """9,216 images; factors shape, scale, posX, and posY, whose class 0 is the whole set's class 8."""

    name = "dsprites_quick"
    factor_names = FACTOR_NAMES
    factor_sizes = FACTOR_SIZES


def prepare(source: str, folder: Path, processes: int, progress: Progress) -> None:
    """Write the bit-packed table (9216, 512); real from the published file, or the whole set's table."""
    file = folder / dsprites.FILES[0].path
    if source != "real":
        blocks, made_from = _rendered_blocks(processes), []
    elif file.is_file():
        blocks, made_from = _quick_blocks(dsprites.published_blocks(file)), [file]
    else:
        blocks = _quick_blocks(dsprites.open_bits(source, folder).reshape(-1, 1024, geometry.IMAGE_BYTES))
        made_from = [folder / dsprites.CACHES[source][0]]
    write_table(folder / CACHES[source][0], (9216, geometry.IMAGE_BYTES), blocks, progress, made_from)


def _rendered_blocks(processes: int) -> Iterator[np.ndarray]:
    def block(sprite: tuple[int, ...]) -> np.ndarray:
        shape, scale = sprite
        return geometry.render(shape, scale, 0, np.arange(32), POS_Y).reshape(512, geometry.IMAGE_BYTES)

    return in_order(block, np.ndindex(3, 6), processes)


def _quick_blocks(blocks: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
    """The part of the whole set's blocks (1024, 512), one for each sprite at all positions."""
    sprites = np.ndindex(dsprites.FACTOR_SIZES[:3])
    for (_, _, orientation), block in zip(sprites, blocks, strict=True):
        if orientation == 0:
            yield block.reshape(32, 32, geometry.IMAGE_BYTES)[:, POS_Y].reshape(512, geometry.IMAGE_BYTES)


ENTRY = Entry(
    name="dsprites_quick",
    factor_names=FACTOR_NAMES,
    factor_sizes=FACTOR_SIZES,
    image_shape=(64, 64, 1),
    size=math.prod(FACTOR_SIZES),
    caches=CACHES,
    opener=lambda source, folder: DSpritesQuick(open_table(folder / CACHES[source][0]), source),
    preparer=prepare,
    files=dsprites.FILES,
    licence=dsprites.LICENCE,
    citation=dsprites.CITATION,
    note="9,216 of the 737,280 images of dSprites, for the quick start only.",
)

"""dSprites (Matthey et al. 2017): white sprites on black, the published file or its rendering, bit-packed.

Orientation class 39 is the same picture as class 0 (protocol/datasets.md §1), so at most 39 of the 40 values
of that factor can be told apart.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from bench.data import dsprites_render as geometry
from bench.data.base import Entry, File, PackedImages, Progress
from bench.data.cache import in_order, npz_blocks, open_table, write_table
from bench.data.record import is_made

FACTOR_NAMES = ("shape", "scale", "orientation", "posX", "posY")
FACTOR_SIZES = geometry.FACTOR_SIZES
SIZE = 737_280
RENDERED = "rendered:1"

FILES = (
    File(
        path="dsprites/dsprites_ndarray_co1sh3sc6or40x32y32_64x64.npz",
        urls=(
            "https://github.com/deepmind/dsprites-dataset/raw/master/dsprites_ndarray_co1sh3sc6or40x32y32_64x64.npz",
            "https://raw.githubusercontent.com/google-deepmind/dsprites-dataset/master/"
            "dsprites_ndarray_co1sh3sc6or40x32y32_64x64.npz",
        ),
        roughly=26_000_000,
        md5="7da33b31b13a06f4b04a70402ce90c2e",
        table="dsprites/real.npy",
    ),
)
LICENCE = "Apache-2.0 (images made with the LOVE framework, zlib licence)"
CITATION = (
    "L. Matthey, I. Higgins, D. Hassabis, A. Lerchner. dSprites: Disentanglement testing Sprites dataset, "
    "2017. https://github.com/deepmind/dsprites-dataset/"
)
NOTE = "Orientation 39 is the same picture as orientation 0, in the published file as well."

CACHES = {
    "real": (FILES[0].table,),
    RENDERED: (f"dsprites/rendered-1-{geometry.geometry_hash()}.npy",),
}


class DSprites(PackedImages):
    """All 737,280 images; factors shape, scale, orientation, posX, posY."""

    name = "dsprites"
    factor_names = FACTOR_NAMES
    factor_sizes = FACTOR_SIZES


class NuisanceSprites(PackedImages):
    """dSprites with something drawn anew at every request; a subclass paints it over the masks."""

    factor_names = FACTOR_NAMES
    factor_sizes = FACTOR_SIZES
    image_shape = (64, 64, 3)

    def images(self, index: np.ndarray, rng: np.random.Generator | None = None) -> np.ndarray:
        if rng is None:
            raise ValueError(f"{self.name} draws its {self.nuisance} anew; pass rng=, a numpy Generator.")
        uniforms = rng.random((len(index), self.nuisance_size), dtype=np.float32)
        images = self.paint(self.masks(index)[..., None].astype(np.float32), uniforms)
        return np.rint(255 * images).astype(np.uint8)

    def paint(self, masks: np.ndarray, uniforms: np.ndarray) -> np.ndarray:
        """Images (n, 64, 64, 3) in [0, 1] of `masks` (n, 64, 64, 1) and `uniforms` (n, nuisance_size)."""
        raise NotImplementedError


def open_bits(source: str, folder: Path) -> np.ndarray:
    """The bit-packed table (737280, 512) of a prepared source."""
    return open_table(folder / CACHES[source][0])


def prepare(source: str, folder: Path, processes: int, progress: Progress) -> None:
    """Write the bit-packed table (737280, 512) of `source`, 377 MB, unless it is there."""
    path = folder / CACHES[source][0]
    if is_made(path):
        return
    published = [folder / FILES[0].path] if source == "real" else []
    blocks = published_blocks(*published) if published else rendered_blocks(processes)
    write_table(path, (SIZE, geometry.IMAGE_BYTES), blocks, progress, published)


def rendered_blocks(processes: int) -> Iterator[np.ndarray]:
    """Bit-packed images (1024, 512) of one sprite at all positions, sprite after sprite in grid order."""
    position = np.arange(32)

    def block(sprite: tuple[int, ...]) -> np.ndarray:
        return geometry.render(*sprite, position, position).reshape(1024, geometry.IMAGE_BYTES)

    return in_order(block, np.ndindex(FACTOR_SIZES[:3]), processes)


def published_blocks(path: Path) -> Iterator[np.ndarray]:
    """The same blocks from the published npz; its pixels are 0 and 1."""
    for images in npz_blocks(path, "imgs", (SIZE, 64, 64), rows=1024):
        if images.max() > 1:
            raise ValueError(f"{path} has pixels up to {images.max()}; dSprites has 0 and 1. Fetch it again.")
        yield np.packbits(images.reshape(len(images), 4096), axis=-1)


ENTRY = Entry(
    name="dsprites",
    factor_names=FACTOR_NAMES,
    factor_sizes=FACTOR_SIZES,
    image_shape=(64, 64, 1),
    size=SIZE,
    caches=CACHES,
    opener=lambda source, folder: DSprites(open_bits(source, folder), source),
    preparer=prepare,
    files=FILES,
    licence=LICENCE,
    citation=CITATION,
    note=NOTE,
)

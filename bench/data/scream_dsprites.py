"""Scream-dSprites (locatello2019.md §4): dSprites over patches of Munch's The Scream, inverted on the sprite.

Without the picture the patches come from a random field, and dSprites from its renderer: `rendered`.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from bench.data import dsprites, scream_render
from bench.data.base import File, Progress
from bench.data.cache import open_table, write_table

PICTURE = File(
    path="scream_dsprites/The_Scream.jpg",
    urls=("https://upload.wikimedia.org/wikipedia/commons/f/f4/The_Scream.jpg",),
)
CACHES = {
    "real": (*dsprites.CACHES["real"], "scream_dsprites/real.npy"),
    dsprites.RENDERED: (*dsprites.CACHES[dsprites.RENDERED], "scream_dsprites/rendered-1.npy"),
}


class ScreamDSprites(dsprites.NuisanceSprites):
    """dSprites on The Scream, 64×64×3."""

    name = "scream_dsprites"
    nuisance = "scream"
    nuisance_size = 5

    def __init__(self, bits: np.ndarray, picture: np.ndarray, source: str):
        super().__init__(bits, source)
        self.picture = picture  # (H, W, 3) uint8

    def paint(self, masks: np.ndarray, uniforms: np.ndarray) -> np.ndarray:
        """A patch averaged with a color, inverted on the sprite; `uniforms` (n, 5) draw them.

        In the study's order: the patch's first row and column, and the three channels of the color. The last
        row and column that would fit are never drawn, as in the study.
        """
        height, width, _ = self.picture.shape
        row = (uniforms[:, 0] * (height - 64)).astype(np.int64)
        column = (uniforms[:, 1] * (width - 64)).astype(np.int64)
        rows = row[:, None, None] + np.arange(64)[:, None]
        columns = column[:, None, None] + np.arange(64)
        patches = self.picture[rows, columns].astype(np.float32) / 255
        background = (patches + uniforms[:, None, None, 2:]) / 2
        return np.where(masks == 1, 1 - background, background)

    def tables(self) -> dict[str, np.ndarray]:
        return {"bits": self.bits, "picture": np.ascontiguousarray(self.picture.transpose(2, 0, 1))}


def open_source(source: str, folder: Path) -> ScreamDSprites:
    picture = open_table(folder / CACHES[source][1])
    return ScreamDSprites(dsprites.open_bits(source, folder), picture, source)


def prepare(source: str, folder: Path, processes: int, progress: Progress) -> None:
    """Write the table of dSprites and the picture (H, W, 3), unless they are there."""
    dsprites.prepare(source, folder, processes, progress)
    published = [folder / PICTURE.path] if source == "real" else []
    picture = _published(*published) if published else scream_render.render()
    write_table(folder / CACHES[source][1], picture.shape, [picture], progress, published)


def _published(path: Path) -> np.ndarray:
    """The picture, shrunk to fit into 350×274 with its aspect kept: 274 rows and about 218 columns."""
    from PIL import Image

    with Image.open(path) as picture:
        picture.thumbnail(
            (350, 274)
        )  # bicubic, as the Pillow of the study; its JPEG decoder differs a little
        width, height = picture.size
        if min(width, height) <= 64:
            raise ValueError(
                f"{path} has {width}×{height} pixels once it fits into 350×274; patches of 64×64 are drawn "
                "from it, so more than 64×64 are needed. Fetch The Scream again."
            )
        return np.asarray(picture.convert("RGB"))


ENTRY = replace(
    dsprites.ENTRY,
    name="scream_dsprites",
    image_shape=(64, 64, 3),
    caches=CACHES,
    opener=open_source,
    preparer=prepare,
    files=(*dsprites.FILES, PICTURE),
    licence=f"{dsprites.LICENCE}; The Scream (E. Munch, 1893) is in the public domain",
    note=f"{dsprites.NOTE} Rendered: a random field stands in for the picture (scream-like).",
)

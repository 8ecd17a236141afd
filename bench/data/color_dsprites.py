"""Color-dSprites (locatello2019.md §4): dSprites whose sprite has a random color in each image."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bench.data import dsprites


class ColorDSprites(dsprites.NuisanceSprites):
    """dSprites in color, 64×64×3; the background stays black."""

    name = "color_dsprites"
    nuisance = "color"
    nuisance_size = 3

    def paint(self, masks: np.ndarray, uniforms: np.ndarray) -> np.ndarray:
        """Masks times one color per image, each channel uniform in [0.5, 1); `uniforms` (n, 3)."""
        return masks * (0.5 + 0.5 * uniforms)[:, None, None, :]


ENTRY = replace(
    dsprites.ENTRY,
    name="color_dsprites",
    image_shape=(64, 64, 3),
    opener=lambda source, folder: ColorDSprites(dsprites.open_bits(source, folder), source),
)

"""Noisy-dSprites (locatello2019.md §4): white sprites on a background of uniform noise."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bench.data import dsprites


class NoisyDSprites(dsprites.NuisanceSprites):
    """dSprites on noise, 64×64×3, independent in every pixel and channel."""

    name = "noisy_dsprites"
    nuisance = "noise"
    nuisance_size = 3 * 64 * 64
    nuisance_bits = 8

    def paint(self, masks: np.ndarray, uniforms: np.ndarray) -> np.ndarray:
        """min(1, mask + noise); `uniforms` (n, 12288), channel by channel, are the noise."""
        drawn = uniforms.reshape(-1, 3, 64, 64).transpose(0, 2, 3, 1)
        return np.minimum(1, masks + drawn)


ENTRY = replace(
    dsprites.ENTRY,
    name="noisy_dsprites",
    image_shape=(64, 64, 3),
    opener=lambda source, folder: NoisyDSprites(dsprites.open_bits(source, folder), source),
)

"""A random field in place of The Scream, for machines without the picture: scream-like."""

from __future__ import annotations

import numpy as np

SHAPE = (274, 219)  # the picture's, shrunk as the study shrinks it
SLOPE = 1.5  # amplitude falls as 1 / frequency^1.5, about as in photographs
KEY = 1893  # the year of the painting


def render() -> np.ndarray:
    """The field (274, 219, 3) uint8; each channel is half its own noise and half one that all share."""
    rng = np.random.Generator(np.random.Philox(KEY))
    common, *channels = (_noise(rng) for _ in range(4))
    mixed = np.stack([0.5 * channel + 0.5 * common for channel in channels], axis=-1)
    return np.rint(255 * mixed).astype(np.uint8)


def _noise(rng: np.random.Generator) -> np.ndarray:
    """Noise of the slope above, scaled to [0, 1]."""
    rows, columns = np.fft.fftfreq(SHAPE[0]), np.fft.rfftfreq(SHAPE[1])
    frequency = np.hypot(rows[:, None], columns)
    frequency[0, 0] = np.inf  # the mean is fixed by the scaling below
    spectrum = np.fft.rfft2(rng.standard_normal(SHAPE)) / frequency**SLOPE
    field = np.fft.irfft2(spectrum, SHAPE)
    return (field - field.min()) / np.ptp(field)

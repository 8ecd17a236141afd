"""Shrinking photographs to 64×64 as the study does, one image at a time."""

from __future__ import annotations

import numpy as np


def lanczos_64(images: np.ndarray) -> np.ndarray:
    """Images (n, H, W) or (n, H, W, 3) uint8 as (n, 64, 64, C) uint8, by Pillow's Lanczos filter.

    The study shrinks SmallNORB as 32-bit integers, which lets values leave 0 to 255 by a few levels at edges;
    8-bit images clip them.
    """
    from PIL import Image

    small = [Image.fromarray(image).resize((64, 64), Image.Resampling.LANCZOS) for image in images]
    return np.stack([np.asarray(image) for image in small]).reshape(len(images), 64, 64, -1)

"""A picture of a data set to look at: random images above, and one row per factor moving alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bench.data.base import Dataset

if TYPE_CHECKING:
    from PIL.Image import Image

COLUMNS = 16
RANDOM_ROWS = 3
GAP = 2
LABEL = 130  # pixels for a row's name
GREY = 128


def contact_sheet(dataset: Dataset, rng: np.random.Generator) -> Image:
    """The sheet as a Pillow image; `rng` chooses the images and draws the nuisance.

    The rows of factors share one random point of the grid; each takes up to 16 values, evenly spaced.
    """
    from PIL import Image, ImageDraw

    rows = [("random", rng.integers(dataset.size, size=COLUMNS)) for _ in range(RANDOM_ROWS)]
    factors = dataset.factors(np.arange(dataset.size))
    point = factors[rng.integers(dataset.size)]
    for k, name in enumerate(dataset.factor_names):
        rows.append((name, _moving(factors, point, k, rng)))
    height, width, _ = dataset.image_shape
    sheet = np.full(((height + GAP) * len(rows) + GAP, LABEL + (width + GAP) * COLUMNS, 3), GREY, np.uint8)
    for row, (_, index) in enumerate(rows):
        top = GAP + row * (height + GAP)
        for column, image in enumerate(dataset.images(index, rng)):
            left = LABEL + column * (width + GAP)
            sheet[top : top + height, left : left + width] = image
    picture = Image.fromarray(sheet)
    draw = ImageDraw.Draw(picture)
    for row, (name, _) in enumerate(rows):
        draw.text((6, GAP + row * (height + GAP) + height // 2 - 6), name, fill=(255, 255, 255))
    return picture


def _moving(factors: np.ndarray, point: np.ndarray, k: int, rng: np.random.Generator) -> np.ndarray:
    """Index of at most COLUMNS images: factor k from its first to its last value, the others as at `point`.

    Taken from the factors (N, K) of all images, since a user's own need not have every combination.
    """
    others = np.delete(factors, k, axis=1) == np.delete(point, k)
    alike = np.flatnonzero(others.all(axis=1))
    values = np.unique(factors[alike, k])
    chosen = values[np.unique(np.linspace(0, len(values) - 1, COLUMNS).round().astype(np.int64))]
    return np.array([rng.choice(alike[factors[alike, k] == value]) for value in chosen])

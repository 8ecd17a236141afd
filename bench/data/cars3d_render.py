"""Renderer of cars3d-like images: 183 cars of boxes and cylinders on white, seen from 24 × 4 directions.

It exercises a factor of 183 values on the grid of Cars3D, not the difficulty of its meshes. World: z up, a
car heads along x.
"""

from __future__ import annotations

import colorsys

import numpy as np

from bench.data.raycast import Solid, box, distant_camera, ellipsoid, frustum, nearest, wheel

SAMPLES = 2
REACH = 1.05  # half the width of the picture
MIDDLE = (0, 0, 0.3)  # what the camera looks at
ELEVATIONS = np.deg2rad([0, 20 / 3, 40 / 3, 20])  # the four of the published images differ little too
LIGHT = np.array([0.3, -0.5, 0.9]) / np.linalg.norm([0.3, -0.5, 0.9])
AMBIENT = 0.45

GLASS, TYRE, HEADLIGHT, TAILLIGHT = (0.16, 0.2, 0.26), (0.1, 0.1, 0.1), (1.0, 0.95, 0.7), (0.75, 0.05, 0.05)
HUES, GREYS = 12, 6


def render(number: int, elevation: int, azimuth: int) -> np.ndarray:
    """Image (64, 64, 3) uint8 of one car: Lambert and ambient light, white where no part is met.

    Azimuth classes are 15 degrees apart, class 0 sees the front.
    """
    origin, direction = distant_camera(np.deg2rad(15 * azimuth), ELEVATIONS[elevation], REACH, SAMPLES)
    solids, colors = car(number)
    _, normal, which = nearest(solids, origin + MIDDLE, direction)
    lambert = AMBIENT + (1 - AMBIENT) * np.maximum(normal @ LIGHT, 0)
    shaded = np.where((which >= 0)[:, None], lambert[:, None] * colors[which], 1)
    pixels = shaded.reshape(64, SAMPLES, 64, SAMPLES, 3).mean(axis=(1, 3))
    return np.rint(255 * pixels).astype(np.uint8)


def car(number: int) -> tuple[list[Solid], np.ndarray]:
    """The solids of a car and their colors (m, 3): lengths, cabin, wheels and paint are its number's own."""
    rng = np.random.Generator(np.random.Philox(number))
    length, width, height = rng.uniform((0.72, 0.28, 0.1), (0.95, 0.38, 0.17))
    cabin_length, cabin_height, cabin_place = rng.uniform((0.38, 0.11, -0.3), (0.7, 0.22, 0.02))
    radius = rng.uniform(0.12, 0.18)  # of the wheels
    axles = length * rng.uniform(0.55, 0.7)
    paint = _paint(rng.integers(HUES + GREYS))
    body = radius + height  # height of its middle
    roof = body + height + 2 * cabin_height
    cabin_place *= length
    cabin = (cabin_length, 0.92 * width, cabin_height)
    parts = [
        (box((0, 0, body), (length, width, height)), paint),
        (frustum((cabin_place, 0, body + height + cabin_height), cabin), GLASS),
        (box((cabin_place, 0, roof), (0.52 * cabin_length, 0.7 * width, 0.02)), paint),
    ]
    for side in (-1, 1):
        parts += [
            (wheel((place, side * 0.9 * width, radius), (radius, 0.15 * width, radius)), TYRE)
            for place in (-axles, axles)
        ]
        lamp = (0.03, 0.2 * width, 0.3 * height)
        parts.append((ellipsoid((length, side * 0.65 * width, body), lamp), HEADLIGHT))
        parts.append((ellipsoid((-length, side * 0.65 * width, body), lamp), TAILLIGHT))
    solids, colors = zip(*parts, strict=True)
    return list(solids), np.array(colors)


def _paint(number: int) -> tuple[float, float, float]:
    """Color of a paint: twelve hues, then greys."""
    if number < HUES:
        return colorsys.hsv_to_rgb(number / HUES, 0.85, 0.8)
    grey = 0.2 + 0.6 * (number - HUES) / (GREYS - 1)
    return (grey, grey, grey)

"""Renderer of smallnorb-like images: five kinds of toys made of simple solids, grey, on a lit ground.

It exercises an unobserved factor on SmallNORB's grid, not the difficulty of photographs. World: z up, a toy
heads along x, the lights turn with the camera, as in the photographs, where the toy stood on a turntable.
"""

from __future__ import annotations

import numpy as np

from bench.data.raycast import (
    Solid,
    box,
    cylinder,
    distant_camera,
    ellipsoid,
    frustum,
    is_shadowed,
    nearest,
    wheel,
)

INSTANCES = 10
JITTER = 0.2  # of the solids' sizes and places, between instances
SAMPLES = 2
REACH = 1.6  # half the width of the picture
MIDDLE = (0, 0, 0.45)  # what the camera looks at
STRENGTHS = (0.9, 0.75, 0.5)  # of the light, and the grey of the ground
LIGHTS = np.array([[0.5, 0.8, 1.1], [0.2, -1.0, 0.8]])  # towards them, for a camera at azimuth 0
LIGHTS /= np.linalg.norm(LIGHTS, axis=-1, keepdims=True)
ALBEDO, AMBIENT = 0.85, 0.3
SHADOW, BLUR = 0.55, 1.2  # darkening of the ground; width of the shadow's edge in pixels

# (solid, centre, half axes); one beside the middle plane stands for a pair.
TEMPLATES = (
    (  # four-legged animal
        (ellipsoid, (0, 0, 0.72), (0.68, 0.28, 0.28)),
        (ellipsoid, (0.62, 0, 0.92), (0.22, 0.15, 0.3)),
        (ellipsoid, (0.85, 0, 1.12), (0.28, 0.17, 0.17)),
        (cylinder, (0.42, 0.17, 0.3), (0.1, 0.1, 0.32)),
        (cylinder, (-0.42, 0.17, 0.3), (0.1, 0.1, 0.32)),
        (ellipsoid, (-0.75, 0, 0.78), (0.24, 0.06, 0.06)),
    ),
    (  # standing figure
        (cylinder, (0, 0, 0.04), (0.36, 0.36, 0.04)),
        (cylinder, (0, 0.14, 0.38), (0.12, 0.12, 0.38)),
        (box, (0, 0, 0.95), (0.16, 0.27, 0.32)),
        (ellipsoid, (0.08, 0.36, 0.95), (0.12, 0.09, 0.36)),
        (ellipsoid, (0, 0, 1.4), (0.18, 0.17, 0.21)),
    ),
    (  # aeroplane
        (ellipsoid, (0, 0, 0.42), (1.0, 0.16, 0.17)),
        (box, (0.05, 0.52, 0.4), (0.2, 0.52, 0.035)),
        (box, (-0.84, 0.2, 0.47), (0.12, 0.24, 0.03)),
        (box, (-0.84, 0, 0.62), (0.13, 0.03, 0.22)),
        (ellipsoid, (0.2, 0.45, 0.34), (0.24, 0.09, 0.09)),
        (box, (0.1, 0.14, 0.15), (0.04, 0.04, 0.18)),
    ),
    (  # lorry with cab
        (box, (-0.28, 0, 0.66), (0.62, 0.31, 0.4)),
        (box, (0.1, 0, 0.22), (0.95, 0.24, 0.07)),
        (frustum, (0.68, 0, 0.5), (0.26, 0.29, 0.32)),
        (wheel, (0.62, 0.26, 0.17), (0.17, 0.07, 0.17)),
        (wheel, (-0.3, 0.26, 0.17), (0.17, 0.07, 0.17)),
        (wheel, (-0.7, 0.26, 0.17), (0.17, 0.07, 0.17)),
    ),
    (  # car
        (box, (0, 0, 0.32), (0.85, 0.36, 0.15)),
        (frustum, (-0.12, 0, 0.58), (0.55, 0.32, 0.18)),
        (ellipsoid, (0.5, 0, 0.42), (0.36, 0.32, 0.1)),
        (wheel, (0.5, 0.32, 0.18), (0.18, 0.08, 0.18)),
        (wheel, (-0.5, 0.32, 0.18), (0.18, 0.08, 0.18)),
    ),
)


def render(category: int, elevation: int, azimuth: int) -> np.ndarray:
    """Images (60, 64, 64, 1) uint8 of one category and view: lighting (6) × instance (10), the last fastest.

    Lighting classes 0..2 are the first direction in three strengths, 3..5 the second.
    """
    angle, height = np.deg2rad(20 * azimuth), np.deg2rad(30 + 5 * elevation)
    images = [_six_lights(toy(category, instance), angle, height) for instance in range(INSTANCES)]
    return np.stack(images, axis=1).reshape(-1, 64, 64, 1)


def toy(category: int, instance: int) -> list[Solid]:
    """The solids of one toy, its sizes and places within JITTER of the category's template."""
    rng = np.random.Generator(np.random.Philox(key=[category, instance]))
    stretch = rng.uniform(1 - JITTER, 1 + JITTER, size=3)  # of the whole, so that its parts stay together
    solids = []
    for solid, centre, half in TEMPLATES[category]:
        size = half * stretch * rng.uniform(1 - JITTER / 2, 1 + JITTER / 2, size=3)
        place = centre * stretch
        sides = (1, -1) if centre[1] else (1,)
        solids += [solid(place * (1, side, 1), size) for side in sides]
    return solids


def _six_lights(solids: list[Solid], azimuth: float, elevation: float) -> np.ndarray:
    """Images (6, 64, 64) uint8 of one toy from one view; its geometry is cast once."""
    origin, direction = distant_camera(azimuth, elevation, REACH, SAMPLES)
    origin = origin + MIDDLE
    distance, normal, which = nearest(solids, origin, direction)
    is_toy = (which >= 0).reshape(64, SAMPLES, 64, SAMPLES)
    images = []
    for light in _turned(LIGHTS, azimuth):
        lambert = AMBIENT + (1 - AMBIENT) * np.maximum(normal @ light, 0).reshape(is_toy.shape)
        ground = np.repeat(_ground(solids, azimuth, elevation, light)[:, None, :, None], SAMPLES, axis=1)
        unit = np.where(is_toy, ALBEDO * lambert, ground).mean(axis=(1, 3))
        images += [strength * unit for strength in STRENGTHS]
    return np.rint(255 * np.stack(images)).astype(np.uint8)


def _turned(vectors: np.ndarray, angle: float) -> np.ndarray:
    """Vectors (n, 3) turned by `angle` about the vertical: lights keep their place beside the camera."""
    cos, sin = np.cos(angle), np.sin(angle)
    return vectors @ np.array([[cos, sin, 0], [-sin, cos, 0], [0, 0, 1]])


def _ground(solids: list[Solid], azimuth: float, elevation: float, light: np.ndarray) -> np.ndarray:
    """Brightness (64, 64) of the ground under a light of strength 1, its shadow's edge blurred."""
    from scipy.ndimage import gaussian_filter

    origin, direction = distant_camera(azimuth, elevation, REACH, samples=1)
    origin = origin + MIDDLE
    points = origin - (origin[:, 2] / direction[:, 2])[:, None] * direction
    shadow = is_shadowed(solids, points, light).reshape(64, 64)
    return 1 - SHADOW * gaussian_filter(shadow.astype(float), BLUR)

"""Renderer of shapes3d-like images: the room, camera and light of protocol/datasets.md §3.

Color enters linearly. So for each of the 8 × 4 × 15 = 480 geometries (scale, shape, orientation) five maps
of 64×64 weights are kept, and an image is their product with the colors of floor, wall, object, sky and
highlight. Camera, walls and floor were fitted to 50 real images (median error 0.3 pixels); sizes were set by
eye, within 10 percent. Left out on purpose: the wall's faint texture and the cube's bevelled edges.

World: z up, the floor at 0, walls at |x| or |y| = 1.0405 under an open sky, the object at the origin.
"""

from __future__ import annotations

import colorsys

import numpy as np

from bench.data.raycast import Solid, box, cylinder, ellipsoid, is_shadowed, nearest

GEOMETRY_SIZES = (8, 4, 15)  # scale, shape, orientation
MAPS = ("floor", "wall", "object", "sky", "highlight")

WALL = 1.0405
WALL_HEIGHT = 0.621
CAMERA_RADIUS, CAMERA_HEIGHT = 1.0, 0.261
PITCH = 0.0208  # radians below the horizontal
FOCAL_LENGTH = 77.2548  # pixels: a vertical view of 45 degrees
SAMPLES = 2  # per pixel and direction, box average

SKY = np.array([153, 226, 249]) / 255
LIGHT = np.array([-0.45, -0.35, 1]) / np.linalg.norm([-0.45, -0.35, 1])  # towards it
SHADOW = 0.36


def render(scale: int, shape: int, orientation: int) -> np.ndarray:
    """The maps (5, 64, 64) in [0, 1] of one geometry, in the order of MAPS."""
    alpha = np.deg2rad(np.linspace(-30, 30, 15)[orientation])
    origin, direction = camera(alpha)
    solids = stand(scale, shape)
    distance, normal, which = nearest(solids, origin, direction)
    is_object = which >= 0
    weights = np.zeros((len(MAPS), len(direction)))
    weights[2:5:2, is_object] = _object(normal[is_object], direction[is_object])
    weights[[0, 1, 3]] = np.where(is_object, 0, _room(origin, direction, alpha, solids))
    samples = weights.reshape(len(MAPS), 64, SAMPLES, 64, SAMPLES)
    return samples.mean(axis=(2, 4))


def colors() -> np.ndarray:
    """Colors (10·10·10, 3, 5) of MAPS for every class of floor, wall and object hue, the last fastest."""
    hues = np.array([colorsys.hsv_to_rgb(k / 10, 1, 1) for k in range(10)])
    table = np.empty((10, 10, 10, 3, len(MAPS)))
    table[..., 0] = hues[:, None, None]
    table[..., 1] = hues[None, :, None]
    table[..., 2] = hues[None, None, :]
    table[..., 3] = SKY
    table[..., 4] = 1
    return table.reshape(1000, 3, len(MAPS)).astype(np.float32)


def camera(alpha: float) -> tuple[np.ndarray, np.ndarray]:
    """Origins and unit directions (n, 3) of the rays through all samples, row by row, at azimuth `alpha`."""
    cos, sin = np.cos(alpha), np.sin(alpha)
    forward = np.array([sin * np.cos(PITCH), cos * np.cos(PITCH), -np.sin(PITCH)])
    right = np.array([cos, -sin, 0])
    up = np.cross(right, forward)
    place = (np.arange(64 * SAMPLES) + 0.5) / SAMPLES - 32
    rows, columns = np.meshgrid(place, place, indexing="ij")
    direction = forward + (columns.reshape(-1, 1) * right - rows.reshape(-1, 1) * up) / FOCAL_LENGTH
    origin = np.array([-sin * CAMERA_RADIUS, -cos * CAMERA_RADIUS, CAMERA_HEIGHT])
    direction /= np.linalg.norm(direction, axis=-1, keepdims=True)
    return np.broadcast_to(origin, direction.shape), direction


def stand(scale: int, shape: int) -> list[Solid]:
    """The object on the floor: cube, cylinder, sphere or capsule, its size linear in the class of scale."""

    def size(smallest: float, largest: float) -> float:
        return smallest + (largest - smallest) * scale / 7

    if shape == 0:
        half = size(0.100, 0.172)
        return [box((0, 0, half), (half, half, half))]
    if shape == 1:
        radius = size(0.095, 0.168)
        return [cylinder((0, 0, 1.1 * radius), (radius, radius, 1.1 * radius))]
    if shape == 2:
        radius = size(0.118, 0.205)
        return [ellipsoid((0, 0, radius), (radius, radius, radius))]
    radius = size(0.085, 0.148)
    straight = 2.1 * radius
    ball = (radius, radius, radius)
    return [
        ellipsoid((0, 0, radius), ball),
        cylinder((0, 0, radius + straight / 2), (radius, radius, straight / 2)),
        ellipsoid((0, 0, radius + straight), ball),
    ]


def _room(origin: np.ndarray, direction: np.ndarray, alpha: float, solids: list[Solid]) -> np.ndarray:
    """Weights (3, n) of floor, wall and sky where no object stands before them."""
    with np.errstate(divide="ignore"):
        to_floor = np.where(direction[:, 2] < 0, -origin[:, 2] / direction[:, 2], np.inf)
        to_side = (np.sign(direction[:, 0]) * WALL - origin[:, 0]) / direction[:, 0]
        to_back = np.where(direction[:, 1] > 0, (WALL - origin[:, 1]) / direction[:, 1], np.inf)
    to_wall = np.minimum(to_side, to_back)
    is_floor = to_floor < to_wall
    is_wall = ~is_floor & (origin[:, 2] + to_wall * direction[:, 2] <= WALL_HEIGHT)
    points = origin + np.where(is_floor, to_floor, 0)[:, None] * direction
    lit = 1 - 0.12 * np.clip(np.linalg.norm(points[:, :2], axis=-1) - 0.35, 0, 1)
    floor = np.where(is_shadowed(solids, points, LIGHT), SHADOW, lit)
    right, left = 0.35 + 0.71 * abs(np.sin(alpha)), 0.40 + 0.78 * abs(np.sin(alpha))
    wall = np.where(to_back <= to_side, 1, np.where(direction[:, 0] > 0, right, left))
    return np.stack([is_floor * floor, is_wall * wall, ~is_floor & ~is_wall])


def _object(normal: np.ndarray, direction: np.ndarray) -> np.ndarray:
    """Weights (2, n) of the object's own color and of its white highlight; their sum is at most 1."""
    towards_light = normal @ LIGHT
    facing = -(normal * direction).sum(-1)
    halfway = LIGHT - direction
    halfway /= np.linalg.norm(halfway, axis=-1, keepdims=True)
    body = np.minimum(0.30 + 0.52 * np.maximum(facing, 0) + 0.25 * np.maximum(towards_light, 0), 1)
    shine = 0.22 * np.maximum((normal * halfway).sum(-1), 0) ** 25
    return np.stack([body, np.minimum(shine, 1 - body)])

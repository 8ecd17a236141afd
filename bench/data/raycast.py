"""Ray casting of boxes, ellipsoids and cylinders: nearest hits and normals, for the rendered stand-ins.

Each solid is a unit solid stretched along the axes and shifted. A ray is carried back to the unit solid,
intersected there, and the normal carried forth again. Lengths are in the scene's own unit.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

# (start, step) of rays in the unit solid's coordinates -> (distance, normal)
Unit = Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True)
class Solid:
    """A convex solid: `unit` intersects it in coordinates where it fills [-1, 1] in each direction."""

    unit: Unit
    centre: np.ndarray
    half: np.ndarray
    """Half its extent (3,) in each direction."""

    def hit(self, origin: np.ndarray, direction: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Rays that may meet the solid: numbers (m,), distances (m,), inf where missed, and normals (m, 3).

        `origin` and `direction` (unit vectors) are (n, 3).
        """
        # Most rays miss: the bounding sphere decides that with few products.
        to_centre = self.centre - origin
        along = _dot(to_centre, direction)
        near = np.flatnonzero(_dot(to_centre, to_centre) - along**2 <= self.half @ self.half)
        distance, normal = self.unit(to_centre[near] / -self.half, direction[near] / self.half)
        normal = normal / self.half
        return near, distance, normal / np.sqrt(np.maximum(_dot(normal, normal), 1e-24))[:, None]


def box(centre: Sequence[float], half: Sequence[float]) -> Solid:
    """A box with half edges `half`."""
    return Solid(_unit_box, np.array(centre, float), np.array(half, float))


def frustum(centre: Sequence[float], half: Sequence[float]) -> Solid:
    """A box whose four sides lean inwards, as a car's cabin does; `half` is measured at the bottom."""
    return Solid(_unit_frustum, np.array(centre, float), np.array(half, float))


def ellipsoid(centre: Sequence[float], half: Sequence[float]) -> Solid:
    """An ellipsoid with half axes `half`."""
    return Solid(_unit_ball, np.array(centre, float), np.array(half, float))


def cylinder(centre: Sequence[float], half: Sequence[float]) -> Solid:
    """A closed upright cylinder, `half` = (radius, radius, half height)."""
    return Solid(_unit_cylinder(axis=2), np.array(centre, float), np.array(half, float))


def wheel(centre: Sequence[float], half: Sequence[float]) -> Solid:
    """A closed cylinder with its axle along y, `half` = (radius, half thickness, radius)."""
    return Solid(_unit_cylinder(axis=1), np.array(centre, float), np.array(half, float))


def distant_camera(
    azimuth: float, elevation: float, reach: float, samples: int
) -> tuple[np.ndarray, np.ndarray]:
    """Origins and directions (n, 3) of parallel rays around (0, 0, 0), row by row, `samples`² a pixel.

    `azimuth` and `elevation` (radians) say where the camera stands; the picture shows `reach` to each side.
    """
    cos, sin = np.cos(azimuth), np.sin(azimuth)
    towards_camera = np.array([cos * np.cos(elevation), sin * np.cos(elevation), np.sin(elevation)])
    right = np.array([-sin, cos, 0])
    up = np.cross(towards_camera, right)
    place = ((np.arange(64 * samples) + 0.5) / (32 * samples) - 1) * reach
    rows, columns = np.meshgrid(place, place, indexing="ij")
    origin = 10 * reach * towards_camera + columns.reshape(-1, 1) * right - rows.reshape(-1, 1) * up
    return origin, np.broadcast_to(-towards_camera, origin.shape)


def nearest(
    solids: Sequence[Solid], origin: np.ndarray, direction: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Distance (n,), normal (n, 3) and number (n,) of the first solid on each ray; inf and -1 for none."""
    distance, normal = np.full(len(direction), np.inf), np.zeros((len(direction), 3))
    which = np.full(len(direction), -1)
    for number, solid in enumerate(solids):
        rays, found, its_normal = solid.hit(origin, direction)
        closer = found < distance[rays]
        rays = rays[closer]
        distance[rays], normal[rays], which[rays] = found[closer], its_normal[closer], number
    return distance, normal, which


def is_shadowed(solids: Sequence[Solid], points: np.ndarray, light: np.ndarray) -> np.ndarray:
    """Whether a solid stands between each of `points` (n, 3) and a light far away in direction `light`."""
    direction = np.broadcast_to(light, points.shape)
    return np.isfinite(nearest(solids, points, direction)[0])


def _dot(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Products (n,) of the rows of two arrays (n, 3)."""
    return np.einsum("ij,ij->i", a, b)  # several times faster than a sum over an axis of three


def _slab(start: np.ndarray, step: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where rays enter and leave the layer between -1 and 1 of one coordinate; never, as (inf, -inf)."""
    step = np.where(np.abs(step) < 1e-12, 1e-12, step)
    first, second = (-1 - start) / step, (1 - start) / step
    return np.minimum(first, second), np.maximum(first, second)


def _round(start: np.ndarray, step: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where rays enter and leave the unit ball (of two coordinates: circle); never, as (inf, -inf)."""
    a = np.maximum(_dot(step, step), 1e-12)
    b = _dot(start, step)
    discriminant = b**2 - a * (_dot(start, start) - 1)
    root = np.sqrt(np.maximum(discriminant, 0))
    missed = discriminant < 0
    return np.where(missed, np.inf, (-b - root) / a), np.where(missed, -np.inf, (-b + root) / a)


def _seen(enter: np.ndarray, leave: np.ndarray) -> np.ndarray:
    """The entering distance where a ray passes through, in front of its origin; inf elsewhere."""
    return np.where((enter <= leave) & (enter > 1e-6), enter, np.inf)


def _polyhedron(planes: np.ndarray) -> Unit:
    """The solid n·x <= 1 for every row n of `planes` (m, 3)."""
    normals = planes / np.linalg.norm(planes, axis=-1, keepdims=True)

    def hit(start: np.ndarray, step: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        slope = step @ planes.T
        slope = np.where(np.abs(slope) < 1e-12, 1e-12, slope)
        crossing = (1 - start @ planes.T) / slope
        enter = np.where(slope < 0, crossing, -np.inf)
        leave = np.where(slope > 0, crossing, np.inf)
        return _seen(enter.max(-1), leave.min(-1)), normals[enter.argmax(-1)]

    return hit


def _unit_ball(start: np.ndarray, step: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    enter, leave = _round(start, step)
    distance = _seen(enter, leave)
    return distance, start + np.where(np.isfinite(distance), distance, 0)[:, None] * step


def _unit_cylinder(axis: int) -> Unit:
    around = [other for other in range(3) if other != axis]

    def hit(start: np.ndarray, step: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        side_enter, side_leave = _round(start[:, around], step[:, around])
        cap_enter, cap_leave = _slab(start[:, axis], step[:, axis])
        distance = _seen(np.maximum(side_enter, cap_enter), np.minimum(side_leave, cap_leave))
        normal = start + np.where(np.isfinite(distance), distance, 0)[:, None] * step
        normal[:, axis] = 0
        on_cap = cap_enter > side_enter
        normal[on_cap] = 0
        normal[on_cap, axis] = -np.sign(step[on_cap, axis])
        return distance, normal

    return hit


_unit_box = _polyhedron(np.concatenate([np.eye(3), -np.eye(3)]))
# On top, half the length and three quarters of the width are left: |x| + z / 4 <= 3/4, |y| + z / 8 <= 7/8.
_unit_frustum = _polyhedron(
    np.array(
        [
            [4 / 3, 0, 1 / 3],
            [-4 / 3, 0, 1 / 3],
            [0, 8 / 7, 1 / 7],
            [0, -8 / 7, 1 / 7],
            [0, 0, 1],
            [0, 0, -1],
        ]
    )
)

import numpy as np
import pytest

from bench.data.raycast import box, cylinder, distant_camera, ellipsoid, frustum, is_shadowed, nearest, wheel


def cast(solid, origin, direction):
    """Distance and normal of one ray."""
    direction = np.array([direction], float) / np.linalg.norm(direction)
    distance, normal, _ = nearest([solid], np.array([origin], float), direction)
    return distance[0], normal[0]


@pytest.mark.parametrize(
    ("solid", "origin", "direction", "distance", "normal"),
    [
        (box((0, 0, 0), (1, 2, 3)), (10, 0, 0), (-1, 0, 0), 9, (1, 0, 0)),
        (box((0, 0, 0), (1, 2, 3)), (0, 0, 10), (0, 0, -1), 7, (0, 0, 1)),
        (ellipsoid((0, 0, 0), (1, 2, 3)), (0, -10, 0), (0, 1, 0), 8, (0, -1, 0)),
        (ellipsoid((5, 0, 0), (1, 1, 1)), (0, 0, 0), (1, 0, 0), 4, (-1, 0, 0)),
        (cylinder((0, 0, 1), (1, 1, 1)), (0, 0, 10), (0, 0, -1), 8, (0, 0, 1)),
        (cylinder((0, 0, 1), (1, 1, 1)), (-10, 0, 1), (1, 0, 0), 9, (-1, 0, 0)),
        (wheel((0, 0, 1), (1, 0.2, 1)), (0, 10, 1), (0, -1, 0), 9.8, (0, 1, 0)),
        (wheel((0, 0, 1), (1, 0.2, 1)), (0, 0, 10), (0, 0, -1), 8, (0, 0, 1)),
        # Half-way up, a frustum's front has leant inwards by a quarter: 3/4 of the half length.
        (frustum((0, 0, 0), (1, 1, 1)), (10, 0, 0), (-1, 0, 0), 9.25, np.array([4, 0, 1]) / np.sqrt(17)),
        (frustum((0, 0, 0), (1, 1, 1)), (0, 10, 0), (0, -1, 0), 9.125, np.array([0, 8, 1]) / np.sqrt(65)),
        (frustum((0, 0, 0), (1, 1, 1)), (0, 0, 10), (0, 0, -1), 9, (0, 0, 1)),
    ],
)  # fmt: skip
def test_hits_head_on(solid, origin, direction, distance, normal):
    found, its_normal = cast(solid, origin, direction)
    assert found == pytest.approx(distance)
    np.testing.assert_allclose(its_normal, normal, atol=1e-9)


@pytest.mark.parametrize("make", [box, ellipsoid, cylinder, wheel, frustum])
def test_misses_beside_and_behind(make):
    solid = make((0, 0, 0), (1, 1, 1))
    assert cast(solid, (10, 0, 1.01), (-1, 0, 0))[0] == np.inf
    assert cast(solid, (10, 0, 0), (1, 0, 0))[0] == np.inf


@pytest.mark.parametrize(
    ("make", "is_inside"),
    [
        (box, lambda x, y, z: np.maximum(np.maximum(abs(x), abs(y)), abs(z)) <= 1),
        (ellipsoid, lambda x, y, z: x**2 + y**2 + z**2 <= 1),
        (cylinder, lambda x, y, z: (x**2 + y**2 <= 1) & (abs(z) <= 1)),
        (wheel, lambda x, y, z: (x**2 + z**2 <= 1) & (abs(y) <= 1)),
        (frustum, lambda x, y, z: (abs(x) + z / 4 <= 0.75) & (abs(y) + z / 8 <= 0.875) & (abs(z) <= 1)),
    ],
)
def test_random_rays_against_walking_along_them(make, is_inside, rng):
    """The slow way: steps of 1/200 along each ray, asking whether the point lies inside the unit solid."""
    centre, half = np.array([0.3, -0.2, 0.1]), np.array([1.2, 0.5, 0.8])
    origin = rng.uniform(3, 4, size=(200, 3)) * rng.choice([-1, 1], size=(200, 3))
    direction = centre + rng.uniform(-1, 1, size=(200, 3)) * half - origin
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    steps = np.arange(0, 12, 0.005)
    points = (origin[:, None] + steps[:, None] * direction[:, None] - centre) / half
    inside = is_inside(*points.transpose(2, 0, 1))
    walked = np.where(inside.any(axis=1), steps[inside.argmax(axis=1)], np.inf)
    distance, normal, _ = nearest([make(centre, half)], origin, direction)
    assert np.isfinite(walked).sum() > 100
    inner = inside.sum(axis=1) > 3  # a ray that grazes an edge may slip between two steps
    np.testing.assert_allclose(distance[inner], walked[inner], atol=0.006)
    assert (np.isinf(distance) | (inside.sum(axis=1) > 0) | (distance < 12)).all()
    assert not np.isfinite(walked[np.isinf(distance)]).any()
    assert ((normal * direction).sum(axis=1)[inner] < 0).all()  # what is seen faces the viewer


def test_nearest_of_several_is_seen():
    solids = [box((5, 0, 0), (1, 1, 1)), ellipsoid((2, 0, 0), (0.5, 0.5, 0.5))]
    distance, _, which = nearest(solids, np.zeros((2, 3)), np.array([[1.0, 0, 0], [0, 0, 1]]))
    np.testing.assert_array_equal(which, [1, -1])
    np.testing.assert_allclose(distance, [1.5, np.inf])


def test_shadow_falls_away_from_the_light():
    ball = [ellipsoid((0, 0, 1), (0.5, 0.5, 0.5))]
    light = np.array([-1, 0, 1]) / np.sqrt(2)
    points = np.array([[1.0, 0, 0], [-1, 0, 0], [3, 0, 0]])
    np.testing.assert_array_equal(is_shadowed(ball, points, light), [True, False, False])


def test_distant_camera_looks_at_the_origin_with_z_upwards():
    origin, direction = distant_camera(np.pi / 2, 0, reach=2, samples=1)
    origin = origin.reshape(64, 64, 3)
    np.testing.assert_allclose(direction[0], [0, -1, 0], atol=1e-12)  # it stands on the y axis
    np.testing.assert_allclose(origin.mean(axis=(0, 1))[[0, 2]], 0, atol=1e-12)
    assert origin[0, 0, 2] == pytest.approx(2 - 2 / 64)  # the first row is the top
    assert origin[0, 0, 0] > origin[0, -1, 0]  # seen from +y, x grows to the left

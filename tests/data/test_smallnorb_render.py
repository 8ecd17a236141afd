import numpy as np
import pytest

from bench.data import smallnorb_render


@pytest.fixture(scope="module")
def views():
    """(category, view) -> images (6, 10, 64, 64) of two views of two categories."""
    cells = {(category, azimuth): (category, 4, azimuth) for category in (0, 3) for azimuth in (0, 5)}
    return {
        key: smallnorb_render.render(*cell).reshape(6, 10, 64, 64).astype(int) for key, cell in cells.items()
    }


def test_ten_instances_differ_and_are_always_the_same(views):
    instances = views[0, 0][0]
    differences = [np.abs(a - b).max() for i, a in enumerate(instances) for b in instances[:i]]
    assert min(differences) > 50
    again = smallnorb_render.render(0, 4, 0).reshape(6, 10, 64, 64)
    np.testing.assert_array_equal(again, views[0, 0])


@pytest.mark.parametrize("direction", [0, 3])
def test_lights_differ_in_strength_by_a_factor(views, direction):
    """Three strengths of one direction are the same picture times .9, .75 and .5."""
    for images in views.values():
        strong, middle, weak = images[direction : direction + 3]
        np.testing.assert_allclose(middle / strong, 0.75 / 0.9, atol=0.04)
        np.testing.assert_allclose(weak / strong, 0.5 / 0.9, atol=0.04)


def test_two_directions_throw_shadows_to_two_sides(views):
    for images in views.values():
        assert np.abs(images[0] - images[3]).max(axis=(1, 2)).min() > 40


def test_ground_is_the_grey_of_the_strength(views):
    for images in views.values():
        corners = images[:, :, [0, 0, -1, -1], [0, -1, 0, -1]].max(axis=2)
        expected = np.tile(255 * np.array(smallnorb_render.STRENGTHS), 2)
        np.testing.assert_allclose(corners, np.repeat(expected[:, None], 10, axis=1), atol=1)


@pytest.mark.parametrize("category", range(5))
def test_toys_stand_on_the_ground_within_the_picture(category):
    for instance in range(10):
        solids = smallnorb_render.toy(category, instance)
        assert 6 <= len(solids) <= 12
        lowest = min(solid.centre[2] - solid.half[2] for solid in solids)
        assert -0.1 < lowest < 0.1
        reach = max(np.hypot(*(np.abs(solid.centre) + solid.half)[:2]) for solid in solids)
        assert reach < smallnorb_render.REACH

import numpy as np
import pytest

from bench.data.cars3d_render import car, render


def pictures(numbers, elevation, azimuth):
    return np.stack([render(number, elevation, azimuth) for number in numbers]).astype(int)


def outlines(numbers, elevation, azimuth):
    return pictures(numbers, elevation, azimuth).min(axis=3) < 255


def test_183_cars_are_all_different():
    """No two have nearly the same sizes and paint."""
    described = []
    for number in range(183):
        solids, colors = car(number)
        body, cabin, wheel = solids[0], solids[1], solids[3]
        described.append(np.concatenate([body.half, cabin.half, cabin.centre, wheel.half, colors[0]]))
    described = np.array(described)
    gaps = [np.abs(described[:number] - described[number]).max(axis=1).min() for number in range(1, 183)]
    assert min(gaps) > 0.01


@pytest.mark.parametrize("azimuth", [0, 3, 6])
def test_ground_is_white_and_no_car_leaves_the_picture(azimuth):
    images = pictures(range(0, 183, 20), 1, azimuth)
    border = np.concatenate([images[:, 0], images[:, -1], images[:, :, 0], images[:, :, -1]], axis=1)
    assert border.min() == 255
    assert (images.min(axis=3) < 200).sum(axis=(1, 2)).min() > 200


def test_opposite_views_have_mirrored_outlines():
    """From the left and from the right a car has the same outline, mirrored."""
    left, right = outlines(range(5), 0, 6), outlines(range(5), 0, 18)
    np.testing.assert_array_equal(left, right[:, :, ::-1])


def test_lamps_tell_front_from_back():
    front, back = pictures(range(5), 0, 0), pictures(range(5), 0, 12)
    assert np.abs(front - back).max(axis=(1, 2, 3)).min() > 50


def test_elevation_shows_more_of_the_roof():
    low, high = outlines(range(5), 0, 6), outlines(range(5), 3, 6)
    assert (high.sum(axis=(1, 2)) > low.sum(axis=(1, 2))).all()

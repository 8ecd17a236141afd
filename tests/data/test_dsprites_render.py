import numpy as np
import pytest

from bench.data import dsprites_render
from bench.data.dsprites_render import render

SHAPES = ("square", "ellipse", "heart")


def image(shape, scale, orientation, x, y):
    packed = render(shape, scale, orientation, np.array([x]), np.array([y]))
    return np.unpackbits(packed).reshape(64, 64)


def wrong_pixels(images, classes):
    """Wrong pixels per image; `classes` (n, 6) start with the constant color."""
    return np.array([(image(*row[1:]) != real).sum() for row, real in zip(classes, images, strict=True)])


@pytest.mark.parametrize(("shape", "allowed"), [("square", 0), ("ellipse", 0), ("heart", 8)])
def test_renders_the_320_real_frames(real_images, shape, allowed):
    frames = real_images("dsprites_gif320")
    chosen = frames["latents_classes"][:, 1] == SHAPES.index(shape)
    wrong = wrong_pixels(frames["imgs"][chosen], frames["latents_classes"][chosen])
    assert wrong.sum() <= allowed


@pytest.mark.parametrize(
    ("name", "identical", "wrong_in_all"), [("dsprites_random100", 91, 9), ("dsprites_notebook43", 36, 18)]
)
def test_renders_other_real_images(real_images, name, identical, wrong_in_all):
    tiles = real_images(name)
    wrong = wrong_pixels(tiles["imgs"], tiles["latents_classes_matched"])
    assert (wrong == 0).sum() >= identical
    assert wrong.sum() <= wrong_in_all


def test_largest_square_in_the_corner_is_rows_and_columns_6_to_25():
    expected = np.zeros((64, 64), np.uint8)
    expected[6:26, 6:26] = 1
    np.testing.assert_array_equal(image(0, 5, 0, 0, 0), expected)


@pytest.mark.parametrize(("shape", "pixels"), [(0, 400), (1, 288), (2, 222)])
def test_sizes_at_the_largest_scale(shape, pixels):
    assert image(shape, 5, 0, 0, 0).sum() == pixels


@pytest.mark.parametrize("shape", range(3))
def test_orientation_39_is_orientation_0(shape):
    position = np.arange(32)
    for scale in range(6):
        first, last = (render(shape, scale, orientation, position, position) for orientation in (0, 39))
        np.testing.assert_array_equal(first, last)


def test_positions_grow_to_the_right_and_downwards():
    rows, columns = np.nonzero(image(0, 0, 0, 31, 0))
    assert columns.mean() == pytest.approx(47.5, abs=0.5)
    assert rows.mean() == pytest.approx(15.5, abs=0.5)


@pytest.mark.parametrize("shape", range(3))
def test_window_cuts_nothing_off(shape, rng):
    """Against the definition on all 64 × 64 pixels."""
    centre = np.arange(64) + 0.5
    for _ in range(40):
        scale, orientation, x, y = rng.integers((6, 40, 32, 32))
        dx, dy = np.meshgrid(centre - (16 + 32 * x / 31), centre - (16 + 32 * y / 31))
        theta = 2 * np.pi * (orientation % 39) / 39
        u = (np.cos(theta) * dx - np.sin(theta) * dy) / (0.5 + 0.1 * scale)
        v = (np.sin(theta) * dx + np.cos(theta) * dy) / (0.5 + 0.1 * scale)
        expected = dsprites_render.INSIDE[shape](u, v)
        np.testing.assert_array_equal(image(shape, scale, orientation, x, y), expected)

import colorsys

import numpy as np
import pytest
import torch

from bench.data import shapes3d, shapes3d_render
from bench.data.device import DeviceImages

SKY = np.rint(255 * shapes3d_render.SKY)
HUES = np.array([colorsys.hsv_to_rgb(k / 10, 1, 1) for k in range(10)])


@pytest.fixture(scope="module")
def empty_room():
    """Maps of every orientation with the smallest sphere: [15, 5, 64, 64]."""
    return np.stack([shapes3d_render.render(0, 2, orientation) for orientation in range(15)])


@pytest.fixture(scope="module")
def few():
    """The data set with the real maps of 24 geometries only, the rest black."""
    maps = np.zeros((480, 5, 64, 64), np.uint8)
    for geometry in range(0, 480, 20):
        scale, shape, orientation = np.unravel_index(geometry, shapes3d_render.GEOMETRY_SIZES)
        maps[geometry] = np.rint(255 * shapes3d_render.render(scale, shape, orientation))
    return shapes3d.Shapes3DLike(maps, "rendered:1")


def horizon(images):
    """Rows (n, 64) at which the sky ends, to fractions of a pixel; images (n, 64, 64, 3) with this sky."""
    return (np.abs(images.astype(int) - SKY).max(axis=-1) <= 6).sum(axis=1)


def test_hues_of_real_images_are_tenths(real_images):
    """The floor's, in the lower corners: nearly saturated, and nearest to a tenth; the light tints them."""
    images = real_images("shapes3d_notebook50")["imgs"] / 255
    for row, column in [(62, 3), (62, 60)]:
        hue, saturation, _ = np.array([colorsys.rgb_to_hsv(*pixel) for pixel in images[:, row, column]]).T
        assert np.abs(hue * 10 - np.rint(hue * 10)).max() < 0.3
        assert saturation.min() > 0.9


def test_horizon_lies_where_real_images_have_it(real_images, empty_room):
    """The upper edge of the walls, with the orientation that fits best, as nobody recorded it."""
    real = horizon(real_images("shapes3d_notebook50")["imgs"])
    rendered = empty_room[:, 3].sum(axis=1)  # rows covered by sky, per column
    columns = np.r_[0:20, 44:64]  # a tall object hides the middle
    distance = np.abs(real[:, None, columns] - rendered[None, :, columns])
    best = np.median(distance, axis=2).min(axis=1)
    assert np.median(best) <= 0.5
    assert best.max() <= 1.5  # the tiles were sampled from figures: edges may be off by a pixel


def test_mirrored_orientations_have_mirrored_walls(empty_room):
    covered = empty_room[:, 3]
    np.testing.assert_allclose(covered, covered[::-1, :, ::-1], atol=1e-9)


def test_maps_share_out_every_pixel(empty_room):
    floor, wall, body, sky, shine = empty_room.transpose(1, 0, 2, 3)
    assert empty_room.min() >= 0
    assert (floor + wall + body + sky + shine).max() <= 1 + 1e-9
    assert sky[:, 0].min() == 1
    assert floor[:, 63].min() > 0.8


@pytest.mark.parametrize("shape", range(4))
def test_objects_grow_with_scale_and_stand_on_the_floor(shape):
    seen = [shapes3d_render.render(scale, shape, 7)[2] > 0 for scale in range(8)]
    areas = [mask.sum() for mask in seen]
    assert areas == sorted(set(areas))
    lowest = [np.nonzero(mask.any(axis=1))[0][-1] for mask in seen]
    assert max(lowest) - min(lowest) <= 5


def test_image_is_maps_times_hues(few):
    index = few.index(np.array([[3, 7, 1, 2, 1, 5]]))  # geometry 140
    maps = few.maps[140] / 255
    weights = [HUES[3], HUES[7], HUES[1], shapes3d_render.SKY, np.ones(3)]
    expected = 255 * sum(layer[:, :, None] * color for layer, color in zip(maps, weights, strict=True))
    np.testing.assert_allclose(few.images(index)[0], np.minimum(expected, 255), atol=0.51)


def test_device_composes_as_numpy_does(few, rng):
    hues, geometry = rng.integers(1000, size=30), rng.choice(np.arange(0, 480, 20), size=30)
    index = hues * 480 + geometry
    batch = DeviceImages(few, "cpu").batch(torch.from_numpy(index))
    expected = few.images(index).transpose(0, 3, 1, 2) / 255
    np.testing.assert_allclose(batch.numpy(), expected, atol=0.51 / 255)


def test_images_are_made_in_float32_whatever_products_a_pack_takes(few, monkeypatch):
    product, allowed = torch.bmm, []

    def noting(*given):
        allowed.append(torch.backends.cuda.matmul.allow_tf32)
        return product(*given)

    monkeypatch.setattr(torch, "bmm", noting)
    torch.backends.cuda.matmul.allow_tf32 = True
    try:
        DeviceImages(few, "cpu").batch(torch.arange(4))
        assert allowed == [False]
        assert torch.backends.cuda.matmul.allow_tf32
    finally:
        torch.backends.cuda.matmul.allow_tf32 = False

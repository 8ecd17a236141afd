"""Color-, Noisy- and Scream-dSprites: their statistics, and the device against numpy."""

import numpy as np
import pytest
import torch
from PIL import Image

from bench import data
from bench.data import scream_dsprites, scream_render
from bench.data.color_dsprites import ColorDSprites
from bench.data.device import DeviceImages
from bench.data.noisy_dsprites import NoisyDSprites
from bench.data.scream_dsprites import ScreamDSprites

VARIANTS = (ColorDSprites, NoisyDSprites, ScreamDSprites)


def variant(kind, quick):
    """A variant over the 9,216 masks of the quick set, without the whole table of dSprites."""
    pictures = [scream_render.render()] if kind is ScreamDSprites else []
    made = kind(quick.bits, *pictures, quick.source)
    made.factor_sizes = quick.factor_sizes
    return made


@pytest.fixture
def drawn(request, quick, rng):
    """(images in [0, 1], masks) of 300 random sprites of one variant."""
    dataset = variant(request.param, quick)
    index = rng.integers(quick.size, size=300)
    return dataset.images(index, rng) / 255, dataset.masks(index).astype(bool)


@pytest.mark.parametrize("drawn", [ColorDSprites], indirect=True)
def test_color_is_one_per_image_uniform_in_the_upper_half(drawn):
    images, masks = drawn
    assert images[~masks].max() == 0
    colors = np.stack([image[mask].mean(axis=0) for image, mask in zip(images, masks, strict=True)])
    spread = max(np.ptp(image[mask], axis=0).max() for image, mask in zip(images, masks, strict=True))
    assert spread == 0
    assert colors.min() >= 0.5
    assert colors.mean() == pytest.approx(0.75, abs=4 * 0.5 / np.sqrt(12 * 900))
    assert abs(np.corrcoef(colors.T) - np.eye(3)).max() < 4 / np.sqrt(300)


@pytest.mark.parametrize("drawn", [NoisyDSprites], indirect=True)
def test_noise_is_independent_in_every_pixel_and_channel(drawn):
    images, masks = drawn
    assert images[masks].min() == 1
    background = images[~masks]
    assert background.mean() == pytest.approx(0.5, abs=0.001)
    assert background.var() == pytest.approx(1 / 12, abs=0.001)
    assert abs(np.corrcoef(background.T) - np.eye(3)).max() < 0.01
    neighbours = np.corrcoef(images[:, 0, :-1, 0].ravel(), images[:, 0, 1:, 0].ravel())
    assert abs(neighbours[0, 1]) < 0.05  # row 0 never meets a sprite


@pytest.mark.parametrize("drawn", [ScreamDSprites], indirect=True)
def test_scream_has_the_mean_of_picture_and_color(drawn):
    images, masks = drawn
    picture = scream_render.render() / 255
    assert images[~masks].mean() == pytest.approx((picture.mean() + 0.5) / 2, abs=0.03)
    assert images[masks].mean() == pytest.approx(1 - (picture.mean() + 0.5) / 2, abs=0.03)


def test_scream_pixel_by_pixel(quick):
    """One draw against the sentence of the paper: patch and color averaged, inverted on the sprite."""
    picture = scream_render.render()
    masks = np.zeros((1, 64, 64, 1), np.float32)
    masks[0, 10:20, 30:40] = 1
    uniforms = np.array([[0.5, 0.999999, 0.1, 0.4, 0.9]], np.float32)
    image = ScreamDSprites(quick.bits, picture, quick.source).paint(masks, uniforms)[0]
    row, column = 105, 154  # floor(.5 * (274 - 64)), floor(.999999 * (219 - 64))
    for r, c in [(0, 0), (15, 35), (63, 63)]:
        background = (picture[row + r, column + c] / 255 + [0.1, 0.4, 0.9]) / 2
        expected = 1 - background if masks[0, r, c] else background
        np.testing.assert_allclose(image[r, c], expected, atol=1e-6)


@pytest.mark.parametrize("kind", VARIANTS)
@pytest.mark.parametrize("image_size", [64, 8])
def test_device_paints_as_numpy_does(kind, image_size, quick, rng):
    dataset = variant(kind, quick)
    images = DeviceImages(dataset, "cpu", image_size)
    index = rng.integers(quick.size, size=(3, 4))
    if images.nuisance_bits == 8:
        drawn = rng.integers(256, size=(3, 4, images.nuisance_size), dtype=np.uint8)
        drawn[0, 0] = 255
        uniforms = (drawn + np.float32(0.5)) / 256
    else:
        drawn = uniforms = rng.random((3, 4, images.nuisance_size), dtype=np.float32)
        uniforms[0, 0] = np.float32(1 - 2**-24)  # the largest there is
    masks = dataset.masks(index.ravel())[..., None].astype(np.float32)
    painted = dataset.paint(masks, uniforms.reshape(12, -1)).transpose(0, 3, 1, 2)
    block = 64 // image_size
    painted = painted.reshape(3, 4, 3, image_size, block, image_size, block).mean(axis=(4, 6))
    batch = images.batch(torch.from_numpy(index), torch.from_numpy(drawn))
    np.testing.assert_allclose(batch.numpy(), painted, atol=1e-6)


@pytest.mark.parametrize("kind", VARIANTS)
def test_equal_generators_give_equal_images_and_two_draws_differ(kind, quick):
    dataset = variant(kind, quick)
    index = np.zeros(2, np.int64)
    first, second = (dataset.images(index, np.random.Generator(np.random.Philox(3))) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert (first[0] != first[1]).any()


@pytest.mark.parametrize("kind", VARIANTS)
def test_nuisance_needs_a_generator(kind, quick):
    with pytest.raises(ValueError, match="pass rng="):
        variant(kind, quick).images(np.zeros(1, np.int64))


def test_field_is_smooth_and_its_channels_share_half():
    field = scream_render.render().astype(float)
    assert field.shape == (274, 219, 3)
    assert np.corrcoef(field[:, 1:].ravel(), field[:, :-1].ravel())[0, 1] > 0.95
    shared = np.corrcoef(field.reshape(-1, 3).T)[np.triu_indices(3, 1)]
    assert (shared > 0.1).all()
    assert (shared < 0.99).all()


@pytest.mark.parametrize("size", [(40, 40), (2000, 64), (64, 64)])
def test_picture_too_small_for_a_patch_says_what_is_needed(tmp_path, size):
    path = tmp_path / "The_Scream.jpg"
    Image.new("RGB", size).save(path)
    with pytest.raises(ValueError, match="The_Scream.jpg has .* pixels .* more than 64×64 are needed"):
        scream_dsprites._published(path)


def test_picture_is_shrunk_to_274_rows(tmp_path, monkeypatch):
    """The real source needs both files; dSprites itself is tested elsewhere."""
    path = tmp_path / scream_dsprites.PICTURE.path
    path.parent.mkdir()
    Image.new("RGB", (800, 1000), (200, 100, 50)).save(path)
    with pytest.raises(FileNotFoundError, match="dsprites_ndarray"):
        data.resolve_source("scream_dsprites", "real", tmp_path)
    monkeypatch.setattr(scream_dsprites.dsprites, "prepare", lambda *arguments: None)
    scream_dsprites.prepare("real", tmp_path, 1, lambda done, total: None)
    picture = np.load(tmp_path / "scream_dsprites/real.npy")
    assert picture.shape == (274, 219, 3)
    assert abs(picture.astype(int) - [200, 100, 50]).max() <= 3  # JPEG

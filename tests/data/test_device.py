import numpy as np
import pytest
import torch

from bench.data import scream_render
from bench.data.base import StoredImages
from bench.data.color_dsprites import ColorDSprites
from bench.data.device import DeviceImages
from bench.data.noisy_dsprites import NoisyDSprites
from bench.data.scream_dsprites import ScreamDSprites
from bench.data.shapes3d import Shapes3DLike


class Photographs(StoredImages):
    name = "photographs"
    factor_names = ("which",)
    factor_sizes = (300,)
    image_shape = (64, 64, 3)


@pytest.fixture
def photographs(rng):
    return Photographs(rng.integers(256, size=(300, 64, 64, 3), dtype=np.uint8), "real")


@pytest.fixture(params=["quick", "photographs"])
def dataset(request):
    return request.getfixturevalue(request.param)


@pytest.mark.parametrize("image_size", [64, 16, 8])
def test_batch_is_the_block_average_of_the_images(dataset, image_size, rng):
    index = rng.integers(dataset.size, size=20)
    block = 64 // image_size
    images = dataset.images(index) / 255
    averages = images.reshape(20, image_size, block, image_size, block, -1).mean(axis=(2, 4))
    batch = DeviceImages(dataset, "cpu", image_size).batch(torch.from_numpy(index))
    assert batch.dtype == torch.float32
    np.testing.assert_allclose(batch.numpy(), averages.transpose(0, 3, 1, 2), atol=1e-6)


def test_index_keeps_its_leading_axes(dataset):
    images = DeviceImages(dataset, "cpu")
    index = torch.tensor([[0, 1, 2], [3, 4, 5]])
    batch = images.batch(index)
    assert batch.shape == (2, 3, dataset.image_shape[2], 64, 64)
    torch.testing.assert_close(batch[1, 2], images.batch(torch.tensor(5)), rtol=0, atol=0)


def test_averages_too_large_to_keep_are_made_per_batch(dataset, monkeypatch):
    kept = DeviceImages(dataset, "cpu", 8)
    monkeypatch.setattr("bench.data.device.POOLED_BYTES", 1)
    made = DeviceImages(dataset, "cpu", 8)
    index = torch.arange(0, dataset.size, 7)
    torch.testing.assert_close(made.batch(index), kept.batch(index), rtol=0, atol=1e-6)


def test_side_that_does_not_divide_is_refused(photographs):
    with pytest.raises(ValueError, match="64×64 pixels, which cannot be averaged to 24×24"):
        DeviceImages(photographs, "cpu", 24)


def every_kind(quick, photographs):
    yield quick
    yield photographs
    yield ColorDSprites(quick.bits, quick.source)
    yield NoisyDSprites(quick.bits, quick.source)
    yield ScreamDSprites(quick.bits, scream_render.render(), quick.source)
    yield Shapes3DLike(np.zeros((480, 5, 64, 64), np.uint8), "rendered:1")


def test_a_batch_asks_the_host_nothing(quick, photographs):
    """Tensors without values run through it: reading one, as a synchronisation does, would be an error."""
    index = torch.zeros((2, 5), dtype=torch.int64, device="meta")
    with pytest.raises(RuntimeError):
        index.sum().item()
    for dataset in every_kind(quick, photographs):
        images = DeviceImages(dataset, "meta")
        uniforms = torch.zeros((2, 5, images.nuisance_size), device="meta")
        assert images.batch(index, uniforms).shape == (2, 5, dataset.image_shape[2], 64, 64)

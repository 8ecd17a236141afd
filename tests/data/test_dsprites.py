import io
import pickle
import zipfile

import numpy as np
import pytest

from bench import data
from bench.data import dsprites, dsprites_quick
from bench.data.dsprites_render import render

SIZES = np.array(dsprites.FACTOR_SIZES)


def published_npz(path, images):
    """An npz as dSprites publishes it: the images and a dictionary pickled under Python 2."""
    path.parent.mkdir(parents=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        buffer = io.BytesIO()
        np.lib.format.write_array(buffer, images)
        archive.writestr("imgs.npy", buffer.getvalue())
        archive.writestr("metadata.npy", pickle.dumps({"author": "x"}, protocol=2))


@pytest.fixture
def published(tmp_path, monkeypatch, rng):
    """A miniature of the published file: 2,048 images instead of 737,280."""
    monkeypatch.setattr(dsprites, "SIZE", 2048)
    images = rng.integers(2, size=(2048, 64, 64), dtype=np.uint8)
    published_npz(tmp_path / dsprites.FILES[0].path, images)
    return tmp_path, images


def test_published_npz_is_read_without_its_pickle(published):
    folder, images = published
    data.prepare("dsprites", "real", folder)
    dataset = data.open_dataset("dsprites", "real", folder)
    index = np.array([0, 1023, 1024, 2047])
    np.testing.assert_array_equal(dataset.images(index)[..., 0], images[index] * 255)
    assert dataset.source == "real"


def test_published_npz_of_another_length_is_refused(published, monkeypatch):
    folder, _ = published
    monkeypatch.setattr(dsprites, "SIZE", 4096)
    with pytest.raises(ValueError, match=r"\(2048, 64, 64\).*\(4096, 64, 64\)"):
        data.prepare("dsprites", "real", folder)
    assert not (folder / dsprites.CACHES["real"][0]).exists()


def test_published_pixels_other_than_0_and_1_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(dsprites, "SIZE", 1)
    published_npz(tmp_path / dsprites.FILES[0].path, np.full((1, 64, 64), 255, np.uint8))
    with pytest.raises(ValueError, match="up to 255"):
        data.prepare("dsprites", "real", tmp_path)


def test_rendered_blocks_come_in_grid_order():
    blocks = dsprites.rendered_blocks(processes=2)
    block = [next(blocks) for _ in range(4)][3]  # shape 0, scale 0, orientation 3
    x, y = 7, 30
    expected = render(0, 0, 3, np.array([x]), np.array([y]))[0, 0]
    np.testing.assert_array_equal(block[x * 32 + y], expected)


def test_quick_is_orientation_0_and_the_middle_of_pos_y(quick, rng):
    assert quick.size == 9216
    index = rng.integers(quick.size, size=20)
    for (shape, scale, x, y), image in zip(quick.factors(index), quick.images(index), strict=True):
        expected = np.unpackbits(render(shape, scale, 0, np.array([x]), np.array([y + 8]))).reshape(64, 64)
        np.testing.assert_array_equal(image[..., 0], expected * 255)


def test_quick_is_cut_from_the_published_table(tmp_path, rng):
    bits = rng.integers(256, size=(dsprites.SIZE, 1), dtype=np.uint8)
    path = tmp_path / dsprites.CACHES["real"][0]
    path.parent.mkdir()
    table = np.lib.format.open_memmap(path, mode="w+", dtype=np.uint8, shape=(dsprites.SIZE, 512))
    table[:, :1] = bits  # a sparse file: one byte of each image is enough to know it by
    dsprites_quick.prepare("real", tmp_path, 1, lambda done, total: None)
    quick = data.open_dataset("dsprites_quick", "real", tmp_path)
    index = rng.integers(quick.size, size=50)
    shape, scale, x, y = quick.factors(index).T
    row = np.ravel_multi_index((shape, scale, 0 * x, x, y + 8), dsprites.FACTOR_SIZES)
    np.testing.assert_array_equal(quick.bits[index, 0], bits[row, 0])


@pytest.mark.long
def test_whole_rendered_set(rendered_folder, rng):
    data.prepare("dsprites", "rendered:1", rendered_folder)
    dataset = data.open_dataset("dsprites", "rendered:1", rendered_folder)
    factors = rng.integers(SIZES, size=(50, 5))
    for (shape, scale, orientation, x, y), image in zip(
        factors, dataset.images(dataset.index(factors)), strict=True
    ):
        expected = np.unpackbits(render(shape, scale, orientation, np.array([x]), np.array([y])))
        np.testing.assert_array_equal(image.ravel(), expected * 255)

import numpy as np
import pytest

from bench import data
from bench.data import dsprites, dsprites_quick
from bench.data.cache import write_table
from bench.data.dsprites_render import render
from bench.data.record import recorded, sha256

SIZES = np.array(dsprites.FACTOR_SIZES)


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


def test_quick_is_cut_from_the_published_images(tmp_path, monkeypatch, rng):
    bits = rng.integers(256, size=(dsprites.SIZE, 1), dtype=np.uint8)

    def blocks(path):
        for start in range(0, dsprites.SIZE, 1024):
            block = np.zeros((1024, 512), np.uint8)
            block[:, :1] = bits[start : start + 1024]  # one byte of each image is enough to know it by
            yield block

    monkeypatch.setattr(dsprites, "published_blocks", blocks)
    path = tmp_path / dsprites.FILES[0].path
    path.parent.mkdir()
    path.touch()
    dsprites_quick.prepare("real", tmp_path, 1, lambda done, total: None)
    quick = data.open_dataset("dsprites_quick", "real", tmp_path)
    index = rng.integers(quick.size, size=50)
    shape, scale, x, y = quick.factors(index).T
    row = np.ravel_multi_index((shape, scale, 0 * x, x, y + 8), dsprites.FACTOR_SIZES)
    np.testing.assert_array_equal(quick.bits[index, 0], bits[row, 0])


def test_quick_is_cut_from_the_table_where_the_published_file_is_gone(tmp_path, monkeypatch, rng):
    monkeypatch.setattr(dsprites, "FACTOR_SIZES", (3, 6, 2, 32, 32))  # two orientations of forty
    bits = rng.integers(256, size=(3 * 6 * 2 * 1024, 512), dtype=np.uint8)
    whole = tmp_path / dsprites.CACHES["real"][0]
    write_table(whole, bits.shape, [bits], lambda done, total: None)
    data.prepare("dsprites_quick", "real", tmp_path)
    quick = data.open_dataset("dsprites_quick", "real", tmp_path)
    index = rng.integers(quick.size, size=50)
    shape, scale, x, y = quick.factors(index).T
    row = np.ravel_multi_index((shape, scale, 0 * x, x, y + 8), dsprites.FACTOR_SIZES)
    np.testing.assert_array_equal(quick.bits[index], bits[row])
    table = tmp_path / dsprites_quick.CACHES["real"][0]
    assert recorded(table).made_from == {"real.npy": sha256(whole)}


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

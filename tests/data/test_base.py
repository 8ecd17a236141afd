import numpy as np
import pytest

from bench.data.base import Dataset, StoredImages


class Hidden(Dataset):
    name = "hidden"
    factor_names = ("a", "b")
    factor_sizes = (3, 4)
    hidden_size = 5


def test_index_and_factors_are_inverse():
    dataset = Hidden()
    index = np.arange(dataset.size)
    assert dataset.size == 60
    factors = dataset.factors(index)
    assert factors.dtype == np.int64
    np.testing.assert_array_equal(factors[-1], [2, 3])
    np.testing.assert_array_equal(dataset.index(factors, np.random.default_rng(0)) // 5, index // 5)


def test_hidden_factor_is_drawn_uniformly(rng):
    drawn = Hidden().index(np.tile([1, 2], (5000, 1)), rng) - (1 * 4 + 2) * 5
    counts = np.bincount(drawn, minlength=5)
    assert counts.sum() == 5000
    assert abs(counts - 1000).max() < 5 * np.sqrt(800)


def test_hidden_factor_needs_a_generator():
    with pytest.raises(ValueError, match="pass rng="):
        Hidden().index(np.array([[0, 0]]))


@pytest.mark.parametrize("factors", [[[3, 0]], [[0, -1]]])
def test_classes_outside_the_grid_are_refused(factors, rng):
    with pytest.raises(ValueError, match="invalid entry"):
        Hidden().index(np.array(factors), rng)


def test_stored_images_keep_the_order_asked_for():
    table = np.arange(10, dtype=np.uint8).reshape(10, 1, 1, 1)
    index = np.array([7, 2, 2, 9, 0])
    np.testing.assert_array_equal(StoredImages(table, "real").images(index).ravel(), index)

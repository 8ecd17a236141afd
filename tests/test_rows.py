import numpy as np
import pytest

from bench.rows import FactorIndex, Rows, evaluation_images, evaluation_rng, split


class Grid:
    """Factors of sizes 3 and 4, as a data set gives them."""

    name, factor_sizes, size = "grid", (3, 4), 12

    def factors(self, index):
        return np.stack(np.unravel_index(index, self.factor_sizes), axis=-1)


def table(d=2):
    """A code table of the grid whose first code is the image's index."""
    mean = np.zeros((12, d), dtype=np.float32)
    mean[:, 0] = np.arange(12)
    return mean, np.full((12, d), 2 * np.log(0.1), dtype=np.float32)


def test_the_whole_grid_gives_the_studys_numbers_of_rows_with_their_factors():
    mean, log_variance = table()
    rows = Rows.whole_grid(mean, log_variance, Grid())
    for (codes, factors), n in ((rows.train(), 10_000), (rows.test(), 5_000)):
        assert codes.shape == (n, 2)
        assert codes.dtype == np.float64
        assert factors.dtype == np.int64
        assert np.array_equal(np.ravel_multi_index(tuple(factors.T), (3, 4)), codes[:, 0])
    assert np.bincount(rows.train()[0][:, 0].astype(int)).min() > 700


def test_rows_are_the_same_for_every_cell_and_new_for_another_seed():
    mean, log_variance = table()
    first = Rows.whole_grid(mean, log_variance, Grid())
    second = Rows.whole_grid(10 * mean, log_variance, Grid())
    other = Rows.whole_grid(mean, log_variance, Grid(), seed=1)
    assert np.array_equal(first.train()[1], second.train()[1])
    assert not np.array_equal(first.train()[1], other.train()[1])


def test_evaluation_draws_depend_on_data_set_metric_and_stream():
    names = [("a", "b", "0"), ("a", "b", "1"), ("a", "c", "0"), ("c", "b", "0"), ("ab", "", "0")]
    assert len({evaluation_rng(*name).integers(2**60) for name in names}) == 5
    # A known draw, so that a change of the key is seen: all published scores would move.
    known = evaluation_rng("dsprites", "factor_vae", "0").integers(2**32, size=2)
    assert known.tolist() == [597695817, 1395190881]


def test_sampled_codes_have_fresh_noise_of_the_posteriors_width_on_every_row():
    mean, log_variance = table()
    rows = Rows.whole_grid(mean, log_variance, Grid(), "sampled")
    codes, factors = rows.train()
    noise = codes[:, 0] - np.ravel_multi_index(tuple(factors.T), (3, 4))
    assert noise.std() == pytest.approx(0.1, rel=0.05)
    assert len(np.unique(noise)) == 10_000
    drawn = rows.fixed(np.zeros(500, dtype=int), 4, np.random.default_rng(0))
    assert (drawn[:, :, 1]).std() == pytest.approx(0.1, rel=0.1)


@pytest.mark.parametrize("k", [0, 1])
def test_fixed_rows_share_one_value_and_vary_in_all_else(k):
    mean, log_variance = table()
    rows = Rows.whole_grid(mean, log_variance, Grid())
    batches = rows.fixed(np.full(2_000, k), 8, np.random.default_rng(0))
    assert batches.shape == (2_000, 8, 2)
    factors = Grid().factors(batches[:, :, 0].astype(int))
    assert (factors[:, :, k] == factors[:, :1, k]).all()
    size, other = Grid.factor_sizes[k], Grid.factor_sizes[1 - k]
    counts = np.bincount(factors[:, 0, k], minlength=size)
    assert counts.min() > 0.8 * 2_000 / size
    assert np.bincount(factors[:, :, 1 - k].ravel()).min() > 0.9 * 16_000 / other


def test_fixed_takes_a_single_factor_too():
    mean, log_variance = table()
    assert Rows.whole_grid(mean, log_variance, Grid()).fixed(1, 5, np.random.default_rng(0)).shape == (5, 2)


def test_a_sample_uses_each_image_once_and_intervenes_among_them():
    mean, _ = table()
    index = np.array([11, 0, 5, 4, 7, 3])
    rows = Rows.sample(mean[index], None, index, Grid())
    assert rows.train()[0][:, 0].tolist() == [11, 0, 5, 4]
    assert rows.test()[0][:, 0].tolist() == [7, 3]
    assert set(rows.fixed(np.zeros(99, dtype=int), 5, np.random.default_rng(0))[:, :, 0].ravel()) <= set(
        index
    )


@pytest.mark.parametrize(
    ("n", "train", "test"), [(3, 2, 1), (9, 6, 3), (15_000, 10_000, 5_000), (99_999, 10_000, 5_000)]
)
def test_the_split_is_two_thirds_and_no_more_than_the_studys_rows(n, train, test):
    first, rest = split(n)
    assert (len(first), len(rest)) == (train, test)
    assert np.array_equal(np.concatenate([first, rest]), np.arange(train + test))


def test_given_rows_are_used_as_they_are():
    codes, factors = np.arange(8.0).reshape(4, 2), np.arange(4)[:, None]
    other = codes + 100, factors + 1
    rows = Rows.given(codes, factors, other)
    assert np.array_equal(rows.train()[0], codes)
    assert np.array_equal(rows.test()[0], other[0])
    assert np.array_equal(rows.test()[1], other[1])
    assert Rows.given(codes, factors).test()[0].shape == (2, 2)


@pytest.mark.parametrize("factor", [[-7, 10**9, 10**9, 3], [0, 1, 1, 2], [5, 5, 5, 5]])
def test_interventions_work_for_any_labels(factor):
    index = FactorIndex(np.array(factor)[:, None])
    drawn = index.draw(np.zeros(200, dtype=int), 3, np.random.default_rng(0))
    assert {tuple(sorted(set(np.array(factor)[batch]))) for batch in drawn} == {(v,) for v in set(factor)}


def test_permuted_rows_keep_codes_and_factors_but_not_their_pairing():
    mean, log_variance = table()
    rows = Rows.whole_grid(mean, log_variance, Grid())
    permuted = rows.permuted(np.random.default_rng(0))
    assert np.array_equal(permuted.train()[1], rows.train()[1])
    index = permuted.train()[0][:, 0]
    assert set(index) == set(range(12))
    assert not np.array_equal(index, rows.train()[0][:, 0])


def test_shared_results_are_computed_once():
    rows = Rows.given(np.zeros((3, 1)), np.zeros((3, 1), dtype=int))
    made = []
    for _ in range(2):
        assert rows.shared("key", lambda: made.append(1) or 7) == 7
    assert made == [1]


def test_evaluation_images_are_drawn_without_replacement_and_the_same_for_all():
    index = evaluation_images(Grid(), 7)
    assert len(set(index)) == 7
    assert np.array_equal(index, evaluation_images(Grid(), 7))
    with pytest.raises(ValueError, match="evaluation.images is 13, but grid allows 3 to 12"):
        evaluation_images(Grid(), 13)

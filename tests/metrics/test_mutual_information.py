import numpy as np
import pytest
from sklearn.metrics import mutual_info_score

from bench.metrics import mutual_information as mi


def test_bins_are_those_of_the_published_discretiser():
    assert mi.bin_codes(np.array([[0.1, 0.2, 0.3, 0.4, 0.5, 0.6]]).T, 3)[:, 0].tolist() == [0, 0, 1, 1, 2, 2]


def test_bins_use_the_edges_of_numpy_histogram():
    codes = np.random.default_rng(0).standard_normal((500, 3)) * [1, 1e-6, 1e6]
    for j, labels in enumerate(mi.bin_codes(codes, 20).T):
        assert np.array_equal(np.bincount(labels, minlength=20), np.histogram(codes[:, j], 20)[0])


@pytest.mark.parametrize("codes", [np.full((4, 1), 0.7), np.array([[1.0], [np.nextafter(1.0, 2)]])])
def test_codes_too_narrow_for_bins_are_binned_without_error(codes):
    labels = mi.bin_codes(codes, 20)
    assert labels.min() >= 0
    assert labels.max() < 20


def test_a_constant_code_has_exactly_no_information():
    labels = np.stack([np.zeros(999, dtype=int), np.arange(999) % 3], axis=1)
    found = mi.information(labels, np.arange(999)[:, None] % 3)
    assert found.matrix[0, 0] == 0
    assert found.matrix[1, 0] == pytest.approx(np.log(3))
    assert found.entropy[0] == pytest.approx(np.log(3))


def test_plug_in_information_is_scikit_learns():
    rng = np.random.default_rng(1)
    a, b = rng.integers(20, size=3000), rng.integers(-5, 40, size=3000) // 3
    assert mi.plug_in(mi.contingency(a, b)) == pytest.approx(mutual_info_score(a, b), abs=1e-12)


@pytest.mark.parametrize("values", [5, 40])
def test_miller_madow_removes_the_bias_of_independent_labels(values):
    rng = np.random.default_rng(2)
    counts = [mi.contingency(rng.integers(20, size=4000), rng.integers(values, size=4000)) for _ in range(50)]
    plug_in = np.mean([mi.plug_in(c) for c in counts])
    rest = np.mean([mi.plug_in(c) - mi.miller_madow(c) for c in counts])
    assert plug_in == pytest.approx(19 * (values - 1) / 8000, rel=0.1)
    assert abs(rest) < 0.1 * plug_in

import numpy as np
import pytest
import reference_cases as reference

from bench.metrics import mig
from bench.rows import Rows


@pytest.mark.parametrize("name", reference.NAMES)
def test_study_equals_the_reference(name):
    want = reference.expected(name, "mig")
    found = mig.study(reference.rows(name), rng=None)
    assert found.values["mig"] == pytest.approx(want["values"]["discrete_mig"], abs=1e-9)
    matrix = want["details"]["mutual_information_codes_by_factors"]
    np.testing.assert_allclose(found.arrays["mutual_information"], matrix, atol=1e-9)


def test_the_gap_is_divided_by_the_entropy_of_the_factor_not_of_the_code():
    information, entropy = np.array([[0.6, 0.0], [0.2, 0.0], [0.1, 1.0]]), np.array([0.8, 2.0])
    np.testing.assert_allclose(mig.gaps(information, entropy), [0.5, 0.5])


def test_factors_with_more_values_than_bins_keep_them():
    factor = np.arange(4000)[:, None] % 40
    found = mig.study(Rows.given(factor / 40, factor), rng=None)
    assert found.arrays["factor_entropy"][0] == pytest.approx(np.log(40), rel=1e-3)
    assert found.values["mig"] == pytest.approx(np.log(20) / np.log(40), rel=1e-3)


def test_a_duplicated_code_leaves_no_gap():
    factor = np.arange(3000)[:, None] % 10
    assert mig.study(Rows.given(np.hstack([factor, -factor]), factor), rng=None).values["mig"] == 0


def test_correction_takes_away_what_noise_seems_to_know():
    rng = np.random.default_rng(0)
    factor = rng.integers(40, size=(15_000, 1))
    noise = rng.standard_normal((15_000, 1))
    rows = Rows.given(noise, factor)
    plug_in = mig.study(rows, rng=None).values["mig"]
    assert plug_in == pytest.approx(19 * 39 / 20_000 / np.log(40), rel=0.3)
    assert mig.corrected(rows, rng=None).values["mig"] < plug_in / 3


def test_a_factor_with_one_value_is_left_out_and_flagged():
    factor = np.arange(3000) % 10
    found = mig.study(Rows.given(factor[:, None], np.stack([factor, 0 * factor], axis=1)), rng=None)
    assert found.values["mig"] == pytest.approx(1)
    assert found.flags == ("one_value_factor",)


def test_fewer_rows_than_bins_are_flagged():
    factor = np.arange(24)[:, None] % 3
    assert mig.study(Rows.given(1.0 * factor, factor), rng=None).flags == ("fewer_rows_than_bins",)
    assert mig.study(Rows.given(1.0 * factor, factor), rng=None, bins=16).flags == ()

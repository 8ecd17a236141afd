import numpy as np
import pytest
import reference_cases as reference

from bench.metrics import irs
from bench.rows import Rows


@pytest.mark.parametrize("name", reference.NAMES)
def test_study_equals_the_reference_on_its_rows(name):
    want = reference.expected(name, "irs_fixed_arrays")
    found = irs.study(reference.rows(name), rng=None)
    assert found.values["irs"] == pytest.approx(want["values"]["IRS"], abs=1e-9)
    np.testing.assert_allclose(found.arrays["robustness"], want["details"]["irs_matrix"], atol=1e-9)
    whole = irs.study(reference.rows(name), rng=None, quantile=1.0)
    assert whole.values["irs"] == pytest.approx(want["values"]["IRS_quantile_1.0"], abs=1e-9)


@pytest.mark.parametrize("name", reference.NAMES)
def test_study_equals_the_reference_on_the_whole_grid(name):
    want = reference.expected(name, "irs_sampled")
    found = irs.study(reference.grid_rows(name), rng=None).values["irs"]
    assert found == pytest.approx(want["values"]["IRS"], abs=want["tolerance"]["IRS"]["abs"])


def test_an_untouched_code_is_perfectly_robust():
    factors = np.stack(np.unravel_index(np.arange(900) % 30, (5, 6)), axis=1)
    rows = Rows.given(factors * [1.0, -3.0], factors)
    assert irs.study(rows, rng=None).values["irs"] == pytest.approx(1)


def test_correction_takes_noise_to_zero_and_leaves_perfection():
    rng = np.random.default_rng(0)
    factors = rng.integers(20, size=(600, 2))
    noise = Rows.given(rng.standard_normal((600, 4)), factors)
    assert irs.study(noise, rng=None).values["irs"] > 0.15
    assert irs.corrected(noise, rng=rng).values["irs"] < 0.05
    perfect = Rows.given(1.0 * factors, factors)
    assert irs.corrected(perfect, rng=rng).values["irs"] == pytest.approx(1)


@pytest.mark.parametrize("estimator", [irs.study, irs.corrected])
def test_only_constant_codes_score_zero_with_a_flag(estimator):
    rows = Rows.given(np.full((60, 3), 0.7), np.arange(60)[:, None] % 4)
    found = estimator(rows, rng=np.random.default_rng(0))
    assert found.values == {"irs": 0.0}
    assert "no_active_code" in found.flags

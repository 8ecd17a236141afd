import numpy as np
import pytest
import reference_cases as reference

from bench.metrics import flags, unsupervised
from bench.rows import Rows


@pytest.mark.parametrize("name", reference.NAMES)
def test_study_equals_the_reference(name):
    want = reference.expected(name, "unsupervised")["values"]
    rows = reference.rows(name)
    found = unsupervised.study(rows, rng=None).values
    trace = rows.train()[0].var(axis=0, ddof=1).sum()
    assert found["mutual_info_score"] == pytest.approx(want["mutual_info_score"], abs=1e-9)
    key = "gaussian_wasserstein_correlation"
    assert found[key] == pytest.approx(want[key], rel=1e-5, abs=1e-6 * trace)
    assert found[f"{key}_norm"] == pytest.approx(want[f"{key}_norm"], rel=1e-5, abs=1e-6)
    if want["gaussian_total_correlation"] != "nan":
        assert found["gaussian_total_correlation"] == pytest.approx(
            want["gaussian_total_correlation"], abs=1e-9
        )
    else:
        varying = rows.train()[0][:, ~flags.is_constant(rows.train()[0])]
        assert found["gaussian_total_correlation"] == pytest.approx(
            unsupervised.study(
                Rows.given(varying, rows.train()[1], (varying, rows.train()[1])), rng=None
            ).values["gaussian_total_correlation"]
        )


def test_two_codes_of_known_correlation():
    covariance = np.array([[4.0, 1.2], [1.2, 1.0]])
    assert unsupervised.total_correlation(covariance) == pytest.approx(-0.5 * np.log(1 - 0.36))
    root = np.linalg.eigvals(covariance * np.diag(covariance)) ** 0.5
    assert unsupervised.wasserstein_correlation(covariance) == pytest.approx(2 * 5 - 2 * root.sum())


def test_uncorrelated_codes_have_neither_correlation():
    covariance = np.diag([3.0, 0.1, 7.0])
    assert unsupervised.total_correlation(covariance) == pytest.approx(0)
    assert unsupervised.wasserstein_correlation(covariance) == pytest.approx(0)


def test_only_constant_codes_score_zero_with_a_flag():
    found = unsupervised.study(Rows.given(np.ones((30, 2)), np.arange(30)[:, None]), rng=None)
    assert set(found.values.values()) == {0.0}
    assert "no_active_code" in found.flags

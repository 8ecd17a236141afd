import numpy as np
import pytest
import reference_cases as reference
from sklearn.svm import LinearSVC

from bench.metrics import linear_svm, sap
from bench.rows import Rows


@pytest.mark.parametrize("name", reference.NAMES)
def test_study_equals_the_reference(name):
    want = reference.expected(name, "sap_discrete")
    found = sap.study(reference.rows(name), rng=None)
    assert found.values["sap"] == pytest.approx(want["values"]["SAP_score"], abs=2e-4)
    np.testing.assert_allclose(found.arrays["accuracy"], want["details"]["score_matrix"], atol=2e-3)


@pytest.mark.parametrize("name", reference.NAMES)
def test_correlation_equals_the_reference(name):
    want = reference.expected(name, "sap_continuous_factors")["values"]["SAP_score"]
    assert sap.correlation(reference.rows(name), rng=None).values["sap"] == pytest.approx(want, abs=1e-9)


@pytest.mark.parametrize("scale", [0.02, 1.0, 40.0])
@pytest.mark.parametrize("values", [2, 3, 15])
def test_the_machine_is_scikit_learns_at_its_minimum(values, scale):
    rng = np.random.default_rng(values)
    labels = rng.integers(values, size=800)
    code = scale * (labels + rng.standard_normal(800))
    svc = LinearSVC(C=0.01, class_weight="balanced", dual=False, tol=1e-12, max_iter=100_000)
    svc.fit(code[:, None], labels)
    balance = 800 / (values * np.bincount(labels))
    other = balance[::-1] if values == 2 else np.ones(values)
    sums = linear_svm.RunningSums(code, labels, values)
    w, b = linear_svm.solve(linear_svm.Problem(sums, 0.01 * balance, 0.01 * other), values)
    np.testing.assert_allclose(w[-1 if values == 2 else slice(None)], svc.coef_[:, 0], rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(b[-1 if values == 2 else slice(None)], svc.intercept_, rtol=1e-5, atol=1e-7)


def test_a_constant_code_predicts_one_value():
    labels = np.array([0, 0, 0, 1, 2] * 20)
    predicted = linear_svm.fit_predict(np.full(100, 0.7), labels, np.full(7, 0.7), penalty=0.01)
    assert len(set(predicted)) == 1


def test_the_gap_is_to_the_second_best_code():
    assert sap.mean_gap(np.array([[0.9, 0.2], [0.5, 0.8], [0.1, 0.8]])) == pytest.approx((0.4 + 0) / 2)


def test_a_single_code_is_compared_with_zero():
    factor = np.arange(300)[:, None] % 3
    assert sap.correlation(Rows.given(2.0 * factor, factor), rng=None).values["sap"] == pytest.approx(1)

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import KFold

from bench.metrics import logistic

PENALTIES = np.logspace(-4, 4, 10)


def problem(n=600, d=6, classes=4, spread=1.0, seed=0):
    """Codes that tell the classes apart, better the smaller the spread."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(classes, size=n)
    return rng.standard_normal((classes, d))[labels] + spread * rng.standard_normal((n, d)), labels


def exact(codes, is_own, penalty):
    """Weights of scikit-learn's Newton solver, the intercept free and last."""
    model = LogisticRegression(C=penalty, solver="newton-cholesky", tol=1e-12, max_iter=10_000)
    model.fit(codes, is_own)
    return np.append(model.coef_[0], model.intercept_)


@pytest.mark.parametrize("penalty", PENALTIES[[0, 4, 9]])
@pytest.mark.parametrize("spread", [0.1, 2.0], ids=["separable", "overlapping"])
def test_the_path_reaches_scikit_learns_minimum(penalty, spread):
    codes, labels = problem(spread=spread)
    design = logistic.with_intercept(codes)
    path, converged = logistic.path(design, labels, PENALTIES, np.zeros((4, 7)))
    assert converged
    for c in range(4):
        want = exact(codes, labels == c, penalty)
        found = path[np.flatnonzero(penalty == PENALTIES)[0], c]
        np.testing.assert_allclose(found, want, rtol=1e-6, atol=1e-6)


def test_the_default_penalises_the_intercept_as_liblinear_does():
    codes, labels = problem(spread=1.5)
    fitted = logistic.fit(codes, labels)
    for c in range(4):
        model = LogisticRegression(solver="liblinear", tol=1e-10, max_iter=10_000).fit(codes, labels == c)
        np.testing.assert_allclose(fitted.weights[c, :-1], model.coef_[0], rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(fitted.weights[c, -1], model.intercept_[0], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("spread", [0.5, 2.0])
def test_cross_validation_chooses_and_refits_as_50_separate_fits_would(spread):
    codes, labels = problem(n=200, classes=3, spread=spread)
    fitted = logistic.fit_cv(codes, labels, PENALTIES)
    for c in range(3):
        accuracy = np.zeros(len(PENALTIES))
        for kept, held_out in KFold(5).split(codes):
            for i, penalty in enumerate(PENALTIES):
                weights = exact(codes[kept], labels[kept] == c, penalty)
                odds = logistic.with_intercept(codes[held_out]) @ weights
                accuracy[i] += ((odds > 0) == (labels[held_out] == c)).mean()
        want = exact(codes, labels == c, PENALTIES[np.argmax(accuracy)])
        np.testing.assert_allclose(fitted.weights[c], want, rtol=1e-6, atol=1e-6)


def test_a_class_missing_from_a_fold_is_no_obstacle():
    codes, labels = problem(n=10, classes=3)
    labels[:] = [0, 0, 1, 1, 1, 1, 1, 1, 2, 2]
    fitted = logistic.fit_cv(codes, labels, PENALTIES)
    assert np.isfinite(fitted.weights).all()
    assert set(fitted.predict(codes)) <= {0, 1, 2}


def test_predictions_keep_the_labels_own_values():
    codes, labels = problem(spread=0.05)
    assert np.array_equal(logistic.fit(codes, 10 * labels - 5).predict(codes), 10 * labels - 5)


def test_problems_solved_in_parts_are_solved_the_same(monkeypatch):
    codes, labels = problem(n=200)
    together = logistic.fit_cv(codes, labels, PENALTIES).weights
    monkeypatch.setattr(logistic, "HESSIANS", 3 * 7**2)
    np.testing.assert_allclose(logistic.fit_cv(codes, labels, PENALTIES).weights, together, rtol=1e-8)

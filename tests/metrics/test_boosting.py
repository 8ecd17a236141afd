import numpy as np
import pytest
import reference_cases as reference
from sklearn.ensemble import GradientBoostingClassifier

from bench.metrics import boosting


def scikit_learn(codes, labels, test_codes):
    model = GradientBoostingClassifier(random_state=0).fit(codes, labels)
    return model.feature_importances_, model.predict(codes), model.predict(test_codes)


@pytest.mark.parametrize("values", [2, 5])
def test_it_is_scikit_learns_boosting_where_every_threshold_has_a_bin(values):
    rng = np.random.default_rng(values)
    codes = rng.standard_normal((600, 4))
    labels = np.digitize(
        codes[:, 0] + 0.5 * codes[:, 1] + 0.3 * rng.standard_normal(600), np.arange(values - 1) - 1
    )
    test_codes = rng.standard_normal((400, 4))
    ours = boosting.fit(codes, labels, test_codes, bins=600)
    theirs = scikit_learn(codes, labels, test_codes)
    np.testing.assert_allclose(ours[0], theirs[0], atol=0.005)
    assert (ours[1] == theirs[1]).mean() > 0.99
    assert (ours[2] == theirs[2]).mean() > 0.95


def test_it_learns_nothing_from_constant_codes():
    labels = np.array([3, 3, 5, 5, 5, 9] * 20)
    importance, predicted, test_predicted = boosting.fit(np.ones((120, 3)), labels, np.ones((4, 3)), bins=255)
    assert importance.tolist() == [0, 0, 0]
    assert set(predicted) == set(test_predicted) == {5}


def test_tied_codes_share_the_importance():
    a = reference.arrays("p06_cyclic_nonlinear_norb")
    codes, labels = a["codes_train"][:500, [1, 1]], a["factors_train"][:500, 0]
    importance, _, _ = boosting.fit(codes, labels, codes, bins=255)
    assert importance.min() > 0.2


def test_it_stops_where_no_split_helps():
    codes = np.array([[0, 0], [0, 1], [1, 0], [1, 1]] * 10, dtype=float)
    labels = np.array([0, 1, 1, 0] * 10)
    importance, predicted, _ = boosting.fit(codes, labels, codes, bins=255)
    assert np.isfinite(importance).all()
    assert set(predicted) <= {0, 1}

import numpy as np
import pytest
import reference_cases as reference

from bench.metrics import beta_vae
from bench.rows import Rows


@pytest.mark.parametrize("name", reference.NAMES)
def test_multinomial_equals_the_reference(name):
    want = reference.expected(name, "beta_vae")
    found = beta_vae.multinomial(reference.grid_rows(name), rng=np.random.default_rng(0)).values
    for key in beta_vae.KEYS:
        assert found[key] == pytest.approx(want["values"][key], abs=want["tolerance"][key]["abs"])


def test_the_studys_classifier_is_liblinears():
    from sklearn.linear_model import LogisticRegression
    from sklearn.multiclass import OneVsRestClassifier

    rows = reference.grid_rows("p08_sparse_mixing_shapes3d")
    features, labels = beta_vae.examples(rows, 3_000, 64, np.random.default_rng(1))
    predict, converged = beta_vae.liblinear_default(features, labels)
    liblinear = OneVsRestClassifier(LogisticRegression(solver="liblinear", tol=1e-8, max_iter=1000))
    assert converged
    assert np.array_equal(predict(features), liblinear.fit(features, labels).predict(features))


def test_features_are_mean_distances_between_codes_that_share_the_factor():
    factors = np.stack(np.unravel_index(np.arange(60) % 15, (3, 5)), axis=1)
    features, labels = beta_vae.examples(
        Rows.given(1.0 * factors, factors), 600, 64, np.random.default_rng(0)
    )
    for k in (0, 1):
        assert (features[labels == k, k] == 0).all()
    # Two independent uniform values of 0..2 differ by 8/9 on average, of 0..4 by 8/5.
    assert features[labels == 1, 0].mean() == pytest.approx(8 / 9, rel=0.02)
    assert features[labels == 0, 1].mean() == pytest.approx(8 / 5, rel=0.02)


def test_one_factor_needs_no_guess_and_is_flagged():
    factor = np.arange(90)[:, None] % 3
    found = beta_vae.study(Rows.given(1.0 * factor, factor), rng=np.random.default_rng(0))
    assert found.values == {"eval_accuracy": 1.0, "train_accuracy": 1.0}
    assert found.flags == ("one_factor",)

import numpy as np
import pytest
import reference_cases as reference

from bench.metrics import dci, downstream, trees
from bench.rows import Rows


def test_multinomial_regression_equals_the_reference():
    want = reference.expected("p06_cyclic_nonlinear_norb", "downstream_logistic_cv_1000")
    rows = reference.rows("p06_cyclic_nonlinear_norb")
    train = tuple(array[:1_000] for array in rows.train())
    accuracy, _ = downstream.accuracies(downstream.one_model, train, rows.test())
    np.testing.assert_allclose(accuracy, want["details"]["test_accuracy_per_factor"], atol=0.01)


def test_the_studys_regression_finds_what_scikit_learn_finds_class_by_class():
    # One factor of two values: one-vs-rest and multinomial are then the same classifier.
    rows = reference.rows("p08_sparse_mixing_shapes3d")
    codes, factors = rows.train()
    binary = (factors[:, [4]] > 1).astype(int)
    train, test = (codes[:500], binary[:500]), (codes[500:3_000], binary[500:3_000])
    ours, converged = downstream.accuracies(downstream.one_vs_rest, train, test)
    theirs, _ = downstream.accuracies(downstream.one_model, train, test)
    assert converged
    assert ours == pytest.approx(theirs, abs=0.002)


def test_keys_and_summaries_per_size():
    rows = reference.rows("p01_axis_aligned_norb")
    found = downstream.lightgbm(rows, rng=None, sizes=(10, 100))
    assert tuple(found.values) == downstream.keys((10, 100))
    accuracy = found.arrays["trees"]
    assert accuracy.shape == (2, 4)
    assert found.values["trees/100/mean_test_accuracy"] == pytest.approx(accuracy[1].mean())
    assert found.values["trees/100/min_test_accuracy"] == accuracy[1].min()
    assert "trees/efficiency" not in found.values


def test_efficiency_is_the_accuracy_at_100_labels_over_that_at_10000():
    values = downstream.summary("trees", {100: np.array([0.2, 0.4]), 10_000: np.array([0.5, 0.7])})
    assert values["trees/efficiency"] == pytest.approx(0.5)


def test_the_headline_is_logistic_regression_with_the_most_labels():
    assert downstream.keys()[0] == "logistic_regression/10000/mean_test_accuracy"


def test_more_labels_than_rows_have_no_accuracy_and_a_flag():
    factors = np.arange(90)[:, None] % 2
    found = downstream.lightgbm(Rows.given(1.0 * factors, factors), rng=None, sizes=(10, 100, 10_000))
    assert np.isnan(found.values["logistic_regression/100/mean_test_accuracy"])
    assert np.isnan(found.values["trees/efficiency"])
    assert found.values["logistic_regression/10/mean_test_accuracy"] == 1
    assert "fewer_rows_than_labels" in found.flags


def test_a_sample_of_one_value_scores_the_constant_predictor_with_a_flag():
    factors = np.array([0] * 10 + [0, 1, 1] * 20)[:, None]
    found = downstream.lightgbm(Rows.given(1.0 * factors, factors), rng=None, sizes=(10,))
    share = (factors[46:] == 0).mean()
    assert found.values["trees/10/mean_test_accuracy"] == pytest.approx(share)
    assert found.values["logistic_regression/10/mean_test_accuracy"] == pytest.approx(share)
    assert "one_value_training_sample" in found.flags


def test_the_largest_trees_are_those_of_dci(monkeypatch):
    rows = reference.rows("p01_axis_aligned_norb")
    found = dci.lightgbm(rows, rng=None, train_rows=200)
    monkeypatch.setattr(trees, "score_trees", None)
    again = downstream.score(rows, downstream.one_vs_rest, trees.binned, (200,))
    assert again.values["trees/200/mean_test_accuracy"] == found.values["informativeness_test"]

import numpy as np
import pytest
import reference_cases as reference
from sklearn.metrics import roc_auc_score

from bench.metrics import explicitness
from bench.rows import Rows


@pytest.mark.parametrize("name", [name for name in reference.NAMES if name != "p07_dead_codes_dsprites"])
def test_study_equals_the_reference(name):
    want = reference.expected(name, "explicitness_ovr_liblinear")["values"]
    found = explicitness.study(reference.rows(name), rng=None).values
    for key in explicitness.KEYS:
        assert found[key] == pytest.approx(want[f"explicitness_score_{key}"], abs=1e-4)


@pytest.mark.parametrize("name", ["p06_cyclic_nonlinear_norb", "p08_sparse_mixing_shapes3d"])
def test_multinomial_equals_the_reference(name):
    want = reference.expected(name, "explicitness")["values"]
    found = explicitness.multinomial(reference.rows(name), rng=None).values
    for key in explicitness.KEYS:
        assert found[key] == pytest.approx(want[f"explicitness_score_{key}"], abs=0.003)


def test_constant_codes_are_scored_and_flagged_where_the_reference_raises():
    rows = reference.rows("p07_dead_codes_dsprites")
    (codes, factors), (test_codes, test_factors) = rows.train(), rows.test()
    live = [0, 2, 4, 6, 8]
    alone = Rows.given(codes[:, live], factors, (test_codes[:, live], test_factors))
    found = explicitness.study(rows, rng=None)
    assert found.values["test"] == pytest.approx(explicitness.study(alone, rng=None).values["test"], abs=1e-9)
    assert found.flags == ("constant_code",)


def test_the_area_is_scikit_learns_and_skips_absent_values():
    rng = np.random.default_rng(0)
    labels, scores = rng.integers(3, size=200), rng.integers(7, size=(200, 4)).astype(float)
    want = [roc_auc_score(labels == value, scores[:, value]) for value in range(3)]
    assert explicitness.area_under_curve(scores, labels, np.arange(4)) == pytest.approx(np.mean(want))


def test_labels_of_one_value_are_at_chance():
    rows = Rows.given(np.random.default_rng(0).standard_normal((60, 2)), np.zeros((60, 1), dtype=int))
    found = explicitness.study(rows, rng=None)
    assert found.values == {"test": 0.5, "train": 0.5}
    assert found.flags == ("one_value_factor",)

import numpy as np
import pytest
import reference_cases as reference

from bench.metrics import dci
from bench.rows import Rows

# One per factor set; the rest runs in `make test-all`.
QUICK = (
    "p06_cyclic_nonlinear_norb",
    "p08_sparse_mixing_shapes3d",
    "p07_dead_codes_dsprites",
    "p05_merged_cars3d",
)
FITTED = [name if name in QUICK else pytest.param(name, marks=pytest.mark.long) for name in reference.NAMES]


@pytest.mark.parametrize("name", FITTED)
def test_study_equals_the_reference(name):
    want = reference.expected(name, "dci_gbt")
    found = dci.study(reference.rows(name), rng=None, train_rows=1_000, test_rows=500).values
    for key in dci.KEYS:
        assert found[key] == pytest.approx(want["values"][key], abs=want["tolerance"][key]["abs"])


@pytest.mark.parametrize("name", FITTED)
def test_lightgbm_stays_near_the_reference(name):
    want = reference.expected(name, "dci_gbt")["values"]
    found = dci.lightgbm(reference.rows(name), rng=None, train_rows=1_000, test_rows=500).values
    # 183 values in 1,000 rows: many splits are tied, and the order in which ties break moves the score.
    tolerance = 0.02 if name == "p05_merged_cars3d" else 0.01
    for key in ("disentanglement", "completeness"):
        assert found[key] == pytest.approx(want[key], abs=tolerance)


@pytest.mark.parametrize("name", reference.NAMES)
def test_the_formulas_give_the_references_scores_from_its_importances(name):
    want = reference.expected(name, "dci_gbt")
    importance = np.array(want["details_of_first_seed"]["importance_codes_by_factors"])
    values = want["per_seed"]
    assert dci.disentanglement(importance) == pytest.approx(values["disentanglement"][0], abs=1e-9)
    assert dci.completeness(importance) == pytest.approx(values["completeness"][0], abs=1e-9)


@pytest.mark.parametrize(
    ("importance", "disentanglement", "completeness"),
    [
        (np.eye(10), 1, 1),
        (np.zeros((10, 10)), 0, 0),
        (np.array([[1, 0], [0, 1], [0, 0]]), 1, 1),
        (np.kron(np.eye(5), np.ones((1, 2))), 1 - np.log(2) / np.log(10), 1),
        (np.kron(np.eye(5), np.ones((2, 1))), 1, 1 - np.log(2) / np.log(10)),
    ],
    ids=["diagonal", "nothing", "one dead code", "codes tied to two factors", "two codes per factor"],
)
def test_known_matrices(importance, disentanglement, completeness):
    assert dci.disentanglement(importance) == pytest.approx(disentanglement, abs=1e-8)
    assert dci.completeness(importance) == pytest.approx(completeness, abs=1e-8)


@pytest.mark.parametrize("estimator", [dci.lightgbm, dci.forest])
def test_a_factor_with_one_value_is_predicted_and_flagged(estimator):
    factor = np.arange(300) % 3
    rows = Rows.given(factor[:, None] * [[1.0, 0.0]], np.stack([factor, 0 * factor], axis=1))
    found = estimator(rows, rng=None)
    assert found.values["informativeness_test"] == 1
    assert found.values["disentanglement"] == pytest.approx(1)
    assert "one_value_factor" in found.flags

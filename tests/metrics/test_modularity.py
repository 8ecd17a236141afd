import numpy as np
import pytest
import reference_cases as reference

from bench.metrics import modularity
from bench.rows import Rows


@pytest.mark.parametrize("name", reference.NAMES)
def test_study_equals_the_reference(name):
    want = reference.expected(name, "modularity")["values"]["modularity_score"]
    assert modularity.study(reference.rows(name), rng=None).values["modularity"] == pytest.approx(
        want, abs=1e-9
    )


@pytest.mark.parametrize(
    ("information", "score"),
    [
        (np.eye(5), 1),
        (np.zeros((10, 10)), 0),
        (np.array([[1, 0], [0, 1], [0, 0]]), 2 / 3),
        (np.kron(np.eye(5), np.ones((1, 2))), 1 - 1 / 9),
        (np.kron(np.eye(5), np.ones((2, 1))), 1),
    ],
    ids=["diagonal", "nothing", "one dead code", "codes tied to two factors", "two codes per factor"],
)
def test_known_matrices(information, score):
    assert modularity.per_code(information).mean() == pytest.approx(score)


@pytest.mark.parametrize("dead", ["noise", "constant"])
def test_correction_ignores_codes_that_know_nothing(dead):
    rng = np.random.default_rng(0)
    factors = rng.integers(10, size=(15_000, 3))
    silent = rng.standard_normal((15_000, 4)) if dead == "noise" else np.full((15_000, 4), 0.7)
    rows = Rows.given(np.hstack([factors, silent]), factors)
    assert modularity.study(rows, rng=None).values["modularity"] < 0.9
    assert modularity.corrected(rows, rng=None).values["modularity"] > 0.999


@pytest.mark.parametrize("sizes", [(3, 6, 40, 32, 32), (4, 24, 183)])
def test_noise_is_modular_in_the_study_and_nothing_after_correction(sizes):
    rng = np.random.default_rng(1)
    factors = np.stack([rng.integers(size, size=15_000) for size in sizes], axis=1)
    rows = Rows.given(rng.standard_normal((15_000, 10)), factors)
    assert modularity.study(rows, rng=None).values["modularity"] > 0.6
    corrected = modularity.corrected(rows, rng=None)
    assert corrected.values["modularity"] == 0
    assert corrected.flags == ("no_active_code",)

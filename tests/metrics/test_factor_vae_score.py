import numpy as np
import pytest
import reference_cases as reference

from bench.metrics import factor_vae
from bench.rows import Rows


def rng():
    return np.random.default_rng(0)


@pytest.mark.parametrize("name", reference.NAMES)
def test_study_equals_the_reference(name):
    want = reference.expected(name, "factor_vae")
    found = factor_vae.study(reference.grid_rows(name), rng=rng()).values
    for key in ("eval_accuracy", "train_accuracy"):
        assert found[key] == pytest.approx(want["values"][key], abs=want["tolerance"][key]["abs"])


def test_votes_equal_a_plain_loop():
    rows = reference.rows("p08_sparse_mixing_shapes3d")
    variance = rows.train()[0].var(axis=0, ddof=1)
    active = np.arange(10) != 3
    table = factor_vae.vote_table(rows, variance, active, 40, 64, rng())
    plain, generator = np.zeros((10, 6), dtype=int), rng()
    for k in (generator.integers(6, size=40),):
        for factor, codes in zip(k, rows.fixed(k, 64, generator), strict=True):
            relative = codes.var(axis=0, ddof=1) / variance
            relative[3] = np.inf
            plain[np.argmin(relative), factor] += 1
    assert np.array_equal(table, plain[active])


def test_active_codes_are_counted_by_standard_deviation():
    factors = np.stack(np.unravel_index(np.arange(3000) % 12, (3, 4)), axis=1)
    codes = np.hstack([factors, 0.04 * factors, 0.06 * factors]) / factors.std(axis=0)[[0, 1] * 3]
    found = factor_vae.study(Rows.given(codes, factors), rng=rng(), train_votes=200, eval_votes=100)
    assert found.values["active_codes"] == 4
    assert found.values["eval_accuracy"] == 1


def test_without_an_active_code_the_score_is_zero_with_a_flag():
    rows = Rows.given(np.full((300, 2), 0.01), np.arange(300)[:, None] % 3)
    found = factor_vae.study(rows, rng=rng())
    assert found.values == {"eval_accuracy": 0.0, "train_accuracy": 0.0, "active_codes": 0.0}
    assert found.flags == ("constant_code", "no_active_code")

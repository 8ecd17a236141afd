"""The transfer experiment against a plain loop and in cases whose answer is known."""

import numpy as np
import pytest

from bench.reporting import selection
from bench.reporting.selection import KINDS, SEEDS, selector_rate, success_rates


def plain_rate(scores, kind, rng, draws=4000):
    """Locatello et al. (2019), Table 1, one draw after another."""
    metrics, datasets, settings, seeds = scores.shape
    same_metric, same_data, _ = (word == "same" for word in KINDS[kind])
    won = 0
    for _ in range(draws):
        m, d, s = rng.integers(metrics), rng.integers(datasets), rng.integers(seeds)
        best = scores[m, d, :, s].argmax()
        m2 = m if same_metric else rng.choice([i for i in range(metrics) if i != m])
        d2 = d if same_data else rng.choice([i for i in range(datasets) if i != d])
        others = [i for i in range(seeds) if i != s]
        chosen = scores[m2, d2, best, rng.choice(others)]
        won += chosen >= scores[m2, d2, rng.integers(settings), rng.choice(others)]
    return won / draws


@pytest.mark.parametrize("kind", KINDS)
def test_rates_are_those_of_the_plain_loop(kind):
    rng = np.random.default_rng(0)
    setting = rng.standard_normal((1, 1, 8, 1)) + 0.7 * rng.standard_normal((3, 2, 8, 1))
    scores = setting + 0.8 * rng.standard_normal((3, 2, 8, 6))
    found = success_rates(scores, kind, rng)
    assert found.value == pytest.approx(plain_rate(scores, kind, rng), abs=0.025)
    assert found.low < found.value < found.high
    assert found.n == selection.DRAWS


def test_without_seed_noise_the_chosen_setting_never_loses():
    scores = np.broadcast_to(np.arange(6.0)[None, None, :, None], (2, 3, 6, 4))
    for kind in KINDS:
        assert success_rates(scores, kind, np.random.default_rng(1)).value == 1


def test_pure_noise_is_a_coin():
    scores = np.random.default_rng(2).standard_normal((2, 3, 36, 50))
    for kind in KINDS:
        assert success_rates(scores, kind, np.random.default_rng(3)).value == pytest.approx(0.5, abs=0.02)


def test_draws_on_missing_scores_do_not_count():
    scores = np.random.default_rng(4).standard_normal((1, 1, 5, 4))
    scores[0, 0, 2] = np.nan
    found = success_rates(scores, "same_same", np.random.default_rng(5))
    assert 0.7 * selection.DRAWS < found.n < 0.9 * selection.DRAWS


@pytest.mark.parametrize(("shape", "kind"), [((1, 1, 5, 1), "same_same"), ((1, 2, 5, 3), "same_data"),
                                             ((2, 1, 5, 3), "same_metric")])  # fmt: skip
def test_one_seed_metric_or_data_set_has_no_rate(shape, kind):
    found = success_rates(np.ones(shape), kind, np.random.default_rng(6))
    assert found.n == 0
    assert np.isnan(found.value)


@pytest.mark.parametrize("seeds", SEEDS)
def test_however_seeds_are_drawn_noise_is_a_coin_but_for_the_cell_tested_on_itself(seeds):
    scores = np.random.default_rng(7).standard_normal((20, 7, 36, 5))
    rate = success_rates(scores, "same_same", np.random.default_rng(8), seeds).value
    # at any of five seeds the chosen cell meets its own score one time in five, and then wins nearly always
    assert rate == pytest.approx(0.5 + (0.5 / 5 if seeds == "any" else 0), abs=0.02)


def test_both_settings_at_one_seed_share_what_the_seed_gives():
    rng = np.random.default_rng(9)
    setting, seed = 0.5 * rng.standard_normal((1, 1, 8, 1)), 3 * rng.standard_normal((1, 1, 1, 40))
    scores = setting + seed
    together, apart = (success_rates(scores, "same_same", rng, name).value for name in ("together", "apart"))
    assert together == 1
    assert apart < 0.75


def test_a_selector_that_knows_the_best_setting_wins_and_noise_is_a_coin():
    rng = np.random.default_rng(10)
    targets = np.broadcast_to(np.arange(6.0)[None, None, :, None], (2, 3, 6, 4))
    knowing = selector_rate(targets[0], targets, rng)
    assert (knowing.value, knowing.low, knowing.high) == (1, 1, 1)
    assert selector_rate(-targets[0], targets, rng).value == pytest.approx(
        1 / 6, abs=0.02
    )  # ties with itself
    many = np.broadcast_to(np.arange(6.0)[None, None, :, None], (2, 40, 6, 10))
    noise = selector_rate(rng.standard_normal(many.shape[1:]), many, rng)
    assert noise.value == pytest.approx(3.5 / 6, abs=0.06)  # of 400 choices: the standard error is 0.015

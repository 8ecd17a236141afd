"""Intervals on a grid like the paper's, six objectives with six values each, hold what was put in."""

import numpy as np
import pytest
from scipy import stats

from bench.reporting import statistics as s
from tests.reporting.simulating import coverage

OBJECTIVES = VALUES = 6
SETTINGS = OBJECTIVES * VALUES
#: Standard normal quantiles with variance 1: effects of six levels of which nothing is left to chance.
LEVELS = stats.zscore(stats.norm.ppf((np.arange(6) + 0.5) / 6))


def grid(seeds):
    """Objective and setting of every cell."""
    cells = np.arange(SETTINGS * seeds)
    return (cells // (VALUES * seeds)).astype(str), (cells // seeds).astype(str)


def scores(rng, seeds, of_objective, of_value):
    """Scores of variance 1, of which these shares are explained."""
    effects = np.sqrt(of_objective) * np.repeat(LEVELS, VALUES) + np.sqrt(of_value) * np.tile(
        LEVELS, OBJECTIVES
    )
    noise = rng.standard_normal(SETTINGS * seeds)
    return np.repeat(effects, seeds) + np.sqrt(1 - of_objective - of_value) * noise


#: Seeds -> resamples and simulated studies; fewer where cells are many, to save time.
SIZES = {3: (200, 500), 5: (200, 500), 10: (200, 500), 50: (100, 250)}


@pytest.mark.parametrize(
    ("level", "shares", "seeds"),
    [("objective", (0.37, 0.22), 5), ("objective", (0.37, 0.22), 10), ("objective", (0.37, 0.22), 50),
     ("setting", (0.37, 0.22), 5), ("setting", (0.37, 0.22), 10), ("setting", (0.37, 0.22), 50)],
)  # fmt: skip
def test_adjusted_shares_of_variance(level, shares, seeds):
    objective, setting = grid(seeds)
    draws, studies = SIZES[seeds]
    labels, truth = (objective, shares[0]) if level == "objective" else (setting, sum(shares))

    def interval(rng):
        x = scores(rng, seeds, *shares)
        return s.variance_explained(x, labels, setting, rng, draws).adjusted

    assert 0.93 <= coverage(truth, interval, studies) <= 0.97


@pytest.mark.parametrize(("level", "shares", "seeds"), [
    ("objective", (0.37, 0.22), 3), ("setting", (0.37, 0.22), 3), ("setting", (0.02, 0.02), 5),
])  # fmt: skip
def test_adjusted_shares_of_variance_at_three_seeds_and_near_nothing(level, shares, seeds):
    objective, setting = grid(seeds)
    draws, studies = SIZES[seeds]
    labels, truth = (objective, shares[0]) if level == "objective" else (setting, sum(shares))

    def interval(rng):
        return s.variance_explained(scores(rng, seeds, *shares), labels, setting, rng, draws).adjusted

    assert 0.92 <= coverage(truth, interval, studies) <= 0.99


def test_in_sample_shares_of_variance_are_of_studies_of_this_size():
    objective, setting = grid(3)

    def explained(rng):
        return s.variance_explained(scores(rng, 3, 0.37, 0.22), setting, setting, rng, 100).raw

    truth = np.mean([explained(np.random.default_rng(i)).value for i in range(200)])
    assert truth > 0.37 + 0.22 + 0.1
    assert 0.93 <= coverage(truth, explained, 200) <= 0.995


@pytest.mark.parametrize("seeds", [5, 10, 50])
@pytest.mark.parametrize("ahead", [0, 2.5])
def test_probabilities_of_winning(seeds, ahead):
    left = np.repeat(np.char.add("a", np.arange(VALUES).astype(str)), seeds)
    right = np.char.replace(left, "a", "b")
    truth = stats.norm.cdf((LEVELS[:, None] + ahead - LEVELS) / np.sqrt(2)).mean()

    def interval(rng):
        x, y = np.repeat(LEVELS, seeds) + rng.standard_normal((2, VALUES * seeds))
        weights = [s.seed_weights(side, rng, 200) for side in (left, right)]
        drawn = s.winning_draws(x + ahead, y, *weights)
        return s.probability_of_winning(x + ahead, y, drawn, np.concatenate([left, right]))

    assert 0.93 <= coverage(truth, interval, 500) <= 0.97


def test_a_side_that_always_wins_has_an_exact_interval():
    """Two settings of three seeds a side: most studies see every pair won; no resample of them differs."""
    names = np.repeat(np.array(list("abcd")), 3)
    truth = stats.norm.cdf(3 / np.sqrt(2))

    def interval(rng):
        x, y = rng.standard_normal((2, 6)) + [[3], [0]]
        drawn = s.winning_draws(x, y, *(s.seed_weights(side, rng, 200) for side in (names[:6], names[6:])))
        return s.probability_of_winning(x, y, drawn, names)

    assert coverage(truth, interval, 300) >= 0.95
    everything = s.probability_of_winning(np.arange(1.0, 7), np.zeros(9), np.ones(5), names)
    assert (everything.value, everything.high) == (1, 1)
    assert everything.low == pytest.approx(0.025 ** (1 / 6))


@pytest.mark.parametrize(
    ("together", "noise", "seeds"), [(0.6, 0.8, 5), (0.95, 0.5, 3), (0.95, 0.5, 10), (0.95, 0.5, 50)]
)
def test_correlations_of_medians(together, noise, seeds):
    """The truth is the mean correlation of studies with as many seeds; the settings' own is above it."""
    ideal = np.random.default_rng(11).standard_normal((2, SETTINGS))
    own = ideal[0], together * ideal[0] + np.sqrt(1 - together**2) * ideal[1]
    groups = np.repeat(np.arange(2 * SETTINGS), seeds)
    draws = 200

    def studies(rng):
        return [m[:, None] + noise * rng.standard_normal((SETTINGS, seeds)) for m in own]

    def estimate(rng):
        sides = studies(rng)
        drawn = [np.array(s.resampled_medians(list(x), rng, draws)).T for x in sides]
        return s.spearman_resampled(*(np.median(x, axis=1) for x in sides), *drawn, groups)

    rng = np.random.default_rng(1)
    truth = np.mean([s.spearman(*(np.median(x, axis=1) for x in studies(rng))) for _ in range(1000)])
    assert truth < s.spearman(*own) + 0.01
    assert 0.92 <= coverage(truth, estimate, 400) <= 0.98
    found = estimate(rng)
    assert found.low < found.value < found.high


def test_one_seed_has_no_interval_of_a_correlation_of_medians():
    x, drawn = np.arange(6.0), np.tile(np.arange(6.0), (9, 1))
    found = s.spearman_resampled(x, x, drawn, drawn, np.arange(12))
    assert found.value == 1
    assert np.isnan([found.low, found.high]).all()


def test_an_objective_without_effect_is_clear_in_one_study_of_twenty():
    """Values have an effect: labels dealt to single cells would make the objective clear in every third."""
    objective, setting = grid(3)
    rng, found = np.random.default_rng(3), []
    for _ in range(400):
        x = np.repeat(rng.standard_normal(SETTINGS), 3) + rng.standard_normal(SETTINGS * 3)
        found.append(s.variance_explained(x, objective, setting, rng, 100).p < 0.05)
    assert np.mean(found) == pytest.approx(0.05, abs=3 * np.sqrt(0.05 * 0.95 / 400))


def test_the_effect_of_an_objective_is_found():
    objective, setting = grid(3)
    rng = np.random.default_rng(4)
    p = [s.variance_explained(scores(rng, 3, 0.4, 0.2), objective, setting, rng).p for _ in range(20)]
    assert np.mean(np.array(p) < 0.05) > 0.9


def test_where_every_setting_has_its_own_label_single_cells_are_dealt():
    setting = grid(3)[1]
    rng = np.random.default_rng(5)
    studies = rng.standard_normal((400, SETTINGS * 3))
    p = [s.variance_explained(x, setting, setting, rng, 60).p for x in studies]
    assert np.mean(np.array(p) < 0.05) == pytest.approx(0.05, abs=3 * np.sqrt(0.05 * 0.95 / 400))


def test_few_settings_leave_few_dealings():
    """Two objectives of two values: one dealing in three parts the settings as seen, so p is a third."""
    objective, setting = np.repeat(["a", "b"], 8), np.repeat(list("stuv"), 4)
    x = np.random.default_rng(6).standard_normal(16) + 100 * (objective == "a")
    found = s.variance_explained(x, objective, setting, np.random.default_rng(7), 3000)
    assert found.p == pytest.approx(1 / 3, abs=0.03)

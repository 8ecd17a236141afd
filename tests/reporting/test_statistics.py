"""The report's statistics against scipy, scikit-learn, textbook values and simulated coverage."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.linear_model import LinearRegression

from bench.reporting import statistics as s
from tests.reporting.simulating import coverage

SETTINGS, SEEDS = 12, 20
GROUPS = np.repeat(np.arange(SETTINGS), SEEDS).astype(str)


def grouped_scores(rng, seeds=SEEDS, between=1.0):
    """Scores (SETTINGS · seeds,) whose settings' true means are fixed standard normal quantiles."""
    means = between * stats.norm.ppf((np.arange(SETTINGS) + 0.5) / SETTINGS)
    return np.repeat(means, seeds) + rng.standard_normal(SETTINGS * seeds)


def test_a_draw_keeps_the_size_of_every_group():
    groups = np.array(list("aabbbac"))
    weights = s.seed_weights(groups, np.random.default_rng(0), draws=50)
    for name in "abc":
        np.testing.assert_array_equal(weights[:, groups == name].sum(axis=1), (groups == name).sum())
    assert weights[:, groups == "a"].max() > 1


def test_ranks_of_a_resample_are_those_of_the_repeated_values():
    rng = np.random.default_rng(1)
    x = rng.integers(0, 6, 30).astype(float)
    weights = s.seed_weights(np.repeat(["a", "b"], 15), rng, draws=20)
    for row, ranks in zip(weights.astype(int), s.weighted_ranks(x, weights), strict=True):
        expected = stats.rankdata(np.repeat(x, row))
        np.testing.assert_allclose(np.repeat(ranks, row), expected)


def test_spearman_matrix_is_scipys_over_the_rows_that_are_there():
    rng = np.random.default_rng(2)
    x = rng.standard_normal((60, 3))
    x[:, 1] += x[:, 0]
    x[:20, 2] = np.nan
    matrix = s.spearman_matrix(x, x, np.repeat(np.arange(6), 10).astype(str), rng)
    for i in range(3):
        for j in range(3):
            there = np.isfinite(x[:, [i, j]]).all(axis=1)
            assert matrix[i][j].value == pytest.approx(stats.spearmanr(x[there, i], x[there, j]).statistic)
            assert matrix[i][j].n == there.sum()
            assert matrix[i][j].low <= matrix[i][j].value <= matrix[i][j].high


def test_near_perfect_agreement_has_a_narrow_interval():
    x = np.arange(48.0)
    y = x.copy()
    y[[0, 1]] = y[[1, 0]]
    [[rho]] = s.spearman_matrix(
        x[:, None], y[:, None], np.repeat(np.arange(12), 4).astype(str), np.random.default_rng(0)
    )
    assert 0.99 < rho.low < rho.value <= rho.high <= 1


def test_spearman_rows_is_scipys():
    x, y = np.random.default_rng(3).standard_normal((2, 5, 30))
    expected = [stats.spearmanr(a, b).statistic for a, b in zip(x, y, strict=True)]
    np.testing.assert_allclose(s.spearman_rows(x, y), expected)


@pytest.mark.parametrize("x", [np.ones(9), np.arange(2.0)])
def test_a_constant_or_two_values_have_no_rank_correlation(x):
    assert np.isnan(s.spearman(x, np.arange(float(len(x)))))


def test_r_squared_is_that_of_least_squares_on_one_hot_labels():
    rng = np.random.default_rng(4)
    x, labels = grouped_scores(rng), np.repeat(np.arange(4), 60).astype(str)
    one_hot = (labels[:, None] == np.unique(labels)).astype(float)
    expected = LinearRegression().fit(one_hot, x).score(one_hot, x)
    found = s.variance_explained(x, labels, GROUPS, rng)
    n, k = len(x), 4
    assert found.raw.value == pytest.approx(expected)
    assert found.adjusted.value == pytest.approx(1 - (1 - expected) * (n - 1) / (n - k))
    assert found.floor == pytest.approx((k - 1) / (n - 1))


def test_noise_explains_nothing_and_an_effect_is_seen():
    rng = np.random.default_rng(5)
    nothing = [s.variance_explained(rng.standard_normal(240), GROUPS, GROUPS, rng) for _ in range(40)]
    assert np.mean([v.raw.value for v in nothing]) == pytest.approx(nothing[0].floor, abs=0.01)
    assert np.mean([v.null.value for v in nothing]) == pytest.approx(nothing[0].floor, abs=0.01)
    assert np.mean([v.adjusted.value for v in nothing]) == pytest.approx(0, abs=0.01)
    assert np.mean([v.p < 0.05 for v in nothing]) < 0.15
    assert s.variance_explained(grouped_scores(rng), GROUPS, GROUPS, rng).p < 0.01


def test_the_null_is_of_the_dealings_that_p_counts():
    """Settings differ and objectives do not: dealing settings explains far more than the floor of seeds."""
    rng, settings = np.random.default_rng(11), np.repeat(np.arange(12), 5)
    x = np.repeat(rng.standard_normal(12), 5) + 0.3 * rng.standard_normal(60)
    found = s.variance_explained(x, settings // 2, settings, rng, 2000)
    dealt, of_setting = [], np.arange(12) // 2
    for _ in range(2000):
        labels = rng.permutation(of_setting)[settings]
        groups = [x[labels == label] for label in range(6)]
        dealt.append(sum(len(g) * (g.mean() - x.mean()) ** 2 for g in groups) / ((x - x.mean()) ** 2).sum())
    assert found.null.value == pytest.approx(np.mean(dealt), abs=0.01)
    assert found.null.low == pytest.approx(np.quantile(dealt, 0.025), abs=0.03)
    assert found.null.high == pytest.approx(np.quantile(dealt, 0.975), abs=0.03)
    assert found.p == pytest.approx(np.mean(np.array(dealt) >= found.raw.value), abs=0.04)
    assert found.null.value > 4 * found.floor


def test_one_seed_per_setting_gives_numbers_without_intervals():
    rng, x = np.random.default_rng(6), np.arange(12.0)
    alone = np.arange(12).astype(str)
    [[rho]] = s.spearman_matrix(x[:, None], x[:, None] ** 2, alone, rng)
    assert rho.value == 1
    assert np.isnan(rho.low)
    assert np.isnan(s.variance_explained(x, alone, alone, rng).raw.value)
    assert np.isnan(s.medians([x[:1]])[0].low)
    assert np.isnan(s.means([x[:1]])[0].low)


@pytest.mark.parametrize(("effect", "seeds"), [(1.0, 17), (0.5, 64), (0.2, 394)])
def test_seeds_needed_are_cohens(effect, seeds):
    """Cohen (1988): two-sided t test at 5 %, power 80 %."""
    assert s.seeds_needed(effect, 1.0) == seeds


def test_a_large_effect_needs_few_seeds_and_a_larger_one_never_more():
    needed = [s.seeds_needed(effect, 1.0) for effect in (0.1, 0.3, 1, 2, 3, 5, 20, 100)]
    assert needed == sorted(needed, reverse=True)
    assert s.seeds_needed(3.0, 1.0) == 4
    assert needed[-1] == 2


def test_no_difference_needs_endless_seeds():
    assert s.seeds_needed(0.0, 1.0) == float("inf")


def test_auc_counts_pairs():
    x, y = np.array([1.0, 2, 2, 5]), np.array([0.0, 2, 4])
    expected = np.mean([(a > b) + 0.5 * (a == b) for a in x for b in y])
    assert s.auc(x, y) == pytest.approx(expected)


def test_median_intervals_cover():
    for seeds in (6, 8, 50):
        held = coverage(0.0, lambda rng, n=seeds: s.medians([rng.standard_normal(n)])[0], 1000)
        assert 0.93 <= held <= 0.97, seeds


@pytest.mark.parametrize(("seeds", "holds"), [(2, 0.5), (3, 0.75), (4, 0.875), (5, 0.9375), (6, 0.95)])
def test_few_seeds_hold_the_median_as_often_as_the_caption_says(seeds, holds):
    assert s.median_coverage(seeds) == holds
    held = coverage(np.log(2), lambda rng: s.medians([rng.exponential(size=seeds)])[0], 2000)
    assert held == pytest.approx(holds, abs=0.025)


def test_median_intervals_are_textbook_order_statistics():
    x = np.arange(1.0, 11.0)  # ten values: the 2nd and 9th hold the median in 97.9 %, 3rd and 8th in 89.1 %
    [found] = s.medians([x])
    step = (0.978515625 - 0.95) / (0.978515625 - 0.890625)
    inward = 8 * step / (2 + 6 * step)
    assert (found.value, found.low, found.high) == (5.5, pytest.approx(2 + inward), pytest.approx(9 - inward))


def test_intervals_of_pooled_medians_cover():
    truth = 0.0  # settings lie symmetric around it

    def interval(rng):
        return s.pooled_median(grouped_scores(rng), GROUPS, rng)

    assert 0.93 <= coverage(truth, interval, 800) <= 0.975


def test_pooled_median_of_a_resample_is_that_of_the_repeated_values():
    x, groups = np.array([3.0, 1.0, 2.0, 9.0]), np.array(list("aabb"))
    found = s.pooled_median(x, groups, np.random.default_rng(0))
    assert found.value == 2.5
    assert found.low < 2.5 < found.high
    assert np.isnan(s.pooled_median(x, np.array(list("abcd")), np.random.default_rng(0)).low)


def test_thirds_of_a_resample_are_those_of_the_repeated_cells():
    rng = np.random.default_rng(2)
    by, x = rng.integers(0, 5, 14) / 1.0, rng.standard_normal(14)
    groups = np.repeat(list("abcd"), [2, 3, 4, 5])
    [found, doubled] = s.median_by_thirds(by, np.stack([x, 2 * x]).T, groups, np.random.default_rng(3))
    order = np.argsort(by, kind="stable")
    weights = s.seed_weights(groups[order], np.random.default_rng(3)).astype(int)

    def slow(copies):  # parts of 5, 4 and 5 cells, as pandas' qcut makes them
        return [np.median(part) for part in np.split(np.repeat(x[order], copies), [5, 9])]

    drawn, value = np.array([slow(w) for w in weights]), slow(np.ones(14, int))
    for i, third in enumerate(found):
        expected = s.estimate_from(value[i], drawn[:, i], (5, 4, 5)[i], s.widening(groups))
        assert third == expected
        assert doubled[i].high == pytest.approx(2 * third.high)
    labels = pd.qcut(pd.Series(by).rank(method="first"), 3, labels=False)
    assert value == [np.median(x[labels == i]) for i in range(3)]
    assert np.isnan(s.median_by_thirds(by, x[:, None], np.arange(14), rng)[0][0].low)


@pytest.mark.parametrize("seeds", [2, 5])
def test_intervals_of_medians_by_thirds_cover(seeds):
    """Thirds of a score that 36 settings and their seeds move, as they move what is looked at."""
    groups = np.repeat(np.arange(36), seeds)
    means = stats.norm.ppf((np.arange(36) + 0.5) / 36)
    settings = np.stack([means, 0.6 * means + 0.5 * np.random.default_rng(5).standard_normal(36)])

    def cells(rng, of):
        common = rng.standard_normal(len(of))
        return settings[:, of] + np.stack([common, 0.6 * common + 0.8 * rng.standard_normal(len(of))])

    by, x = cells(np.random.default_rng(1), np.repeat(np.arange(36), 5000))
    truth = np.median(x[by > np.quantile(by, 2 / 3)])

    def interval(rng):
        by, x = cells(rng, groups)
        return s.median_by_thirds(by, x[:, None], groups, rng)[0][2]

    assert 0.9 <= coverage(truth, interval, 250) <= 0.98


def test_intervals_of_shares_cover():
    means = stats.norm.ppf((np.arange(SETTINGS) + 0.5) / SETTINGS)
    truth = stats.norm.sf(0.3 - means).mean()
    held = coverage(truth, lambda rng: s.share(grouped_scores(rng) > 0.3, GROUPS, rng), 800)
    assert 0.93 <= held <= 0.97


def test_a_share_of_all_or_none_has_the_exact_interval():
    found = s.share(np.ones(20, bool), np.repeat("a", 20), np.random.default_rng(0))
    assert (found.value, found.high) == (1, 1)
    assert found.low == pytest.approx(0.025 ** (1 / 20))


def test_intervals_of_a_correlation_of_pairs_cover():
    def interval(rng):
        x = rng.standard_normal(30)
        rho = s.spearman(x, x + rng.standard_normal(30))
        return s.Estimate(rho, *s.spearman_interval(rho, 30), 30)

    truth = 6 / np.pi * np.arcsin(np.sqrt(0.5) / 2)  # Pearson 0.71 of normal pairs
    assert 0.93 <= coverage(truth, interval, 1000) <= 0.97


def test_intervals_of_the_pooled_deviation_cover():
    def interval(rng):
        return s.pooled_deviation([2 * rng.standard_normal(4) + 7 * i for i in range(6)])

    assert 0.93 <= coverage(2.0, interval, 1000) <= 0.97


def test_a_difference_chosen_for_its_size_is_held_where_students_interval_is_not():
    """Twelve equal settings of four seeds: best against worst, which in truth are equal."""
    rng, tukey, student = np.random.default_rng(0), [], []
    for _ in range(300):
        groups = list(rng.standard_normal((12, 4)))
        order = np.argsort([x.mean() for x in groups])
        weights = np.zeros(12)
        weights[order[[-1, 0]]] = 1, -1
        found = s.contrast(groups, weights)
        tukey.append(found.low <= 0 <= found.high)
        error = s.pooled_deviation(groups).value * np.sqrt(2 / 4)
        student.append(abs(found.value) <= stats.t.ppf(0.975, 36) * error)
    assert np.mean(tukey) == pytest.approx(0.95, abs=0.03)
    assert np.mean(student) < 0.6


def test_a_contrast_of_two_groups_is_students():
    groups = [np.array([1.0, 2, 4]), np.array([0.0, 1, 5])]
    found, expected = s.contrast(groups, np.array([1.0, -1])), stats.ttest_ind(*groups).confidence_interval()
    assert (found.value, found.n) == (pytest.approx(1 / 3), 6)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), rel=1e-4)


def test_a_mean_of_estimates_keeps_their_correlation():
    draws = np.random.default_rng(3).standard_normal(4000)
    one = s.Estimate(0.0, -1.96, 1.96, 10)
    anywhere = (-np.inf, np.inf)
    same, opposite = (
        s.mean_of_estimates([one, one], [draws, sign * draws], 1.0, anywhere) for sign in (1, -1)
    )
    assert (same.value, same.n) == (0, 20)
    assert (same.low, same.high) == pytest.approx((-1.96, 1.96), abs=0.12)
    assert (opposite.low, opposite.high) == pytest.approx((0, 0), abs=1e-12)
    wide = s.mean_of_estimates([one, one], [draws + 7, draws - 1], 1.5, anywhere)  # resamples may be biased
    assert (wide.low, wide.high) == pytest.approx((1.5 * same.low, 1.5 * same.high))


def test_an_interval_of_a_mean_share_ends_at_all_and_nothing():
    wide = s.Estimate(0.9, 0.7, 1.0, 10), np.array([0.5, 0.9, 1.0])
    mean = s.mean_of_estimates([wide[0]], [wide[1]], 3.0, (0, 1))
    assert (mean.value, mean.high) == (0.9, 1.0)
    assert 0 <= mean.low < 0.9
    lost = s.mean_of_estimates(
        [s.Estimate(-0.1, -0.3, 0.1, 10)], [np.array([-0.4, 0.0, 0.1])], 2.0, (-0.2, 1)
    )
    assert lost.low == -0.2


def test_mean_intervals_cover_with_three_seeds():
    assert 0.93 <= coverage(0.0, lambda rng: s.means([rng.standard_normal(3)])[0], 1000) <= 0.97


def test_intervals_of_correlations_cover():
    def pair(rng, seeds=SEEDS):
        return np.stack([grouped_scores(rng, seeds), grouped_scores(rng, seeds)], axis=1)

    big = pair(np.random.default_rng(9), 20_000)
    truth = stats.spearmanr(*big.T).statistic

    def interval(rng):
        x = pair(rng)
        [[rho]] = s.spearman_matrix(x[:, :1], x[:, 1:], GROUPS, rng, draws=200)
        return rho

    assert 0.93 <= coverage(truth, interval, 800) <= 0.97


@pytest.mark.parametrize(("sizes", "expected"), [([3, 3], 1.5), ([50] * 4, 50 / 49), ([1, 1, 2], 2.0)])
def test_widening_makes_up_for_the_mean_of_few_seeds(sizes, expected):
    assert s.widening(np.repeat(np.arange(len(sizes)), sizes)) ** 2 == pytest.approx(expected)


def test_the_same_generator_gives_the_same_interval():
    x = grouped_scores(np.random.default_rng(7))
    one, two = (s.variance_explained(x, GROUPS, GROUPS, np.random.default_rng(8)) for _ in range(2))
    assert one == two

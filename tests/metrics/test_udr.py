import numpy as np
import pytest
from scipy.stats import spearmanr
from sklearn.linear_model import Lasso

from bench.metrics import udr

INFORMATIVE = np.full(4, 1.0)


def models(count=3, n=400, d=4, seed=0):
    """Codes of related models: mixtures of the same sources."""
    rng = np.random.default_rng(seed)
    sources = rng.standard_normal((n, d))
    return [sources @ (np.eye(d) + 0.5 * rng.standard_normal((d, d))) for _ in range(count)]


def test_lasso_coefficients_are_scikit_learns():
    codes = np.stack(models())
    found = udr.lasso(codes, np.ones((3, 4), dtype=bool))
    scaled = udr.standardised(codes)
    want = Lasso(alpha=0.1, tol=1e-10, max_iter=100_000).fit(scaled[0], scaled[2]).coef_
    np.testing.assert_allclose(found[0, 2], np.abs(want.T), atol=1e-6)


def test_rank_correlations_are_scipys():
    codes = np.stack(models())
    found = udr.spearman(codes, np.ones((3, 4), dtype=bool))
    for i in range(4):
        for j in range(4):
            assert found[1, 2, i, j] == pytest.approx(abs(spearmanr(codes[1, :, i], codes[2, :, j])[0]))


@pytest.mark.parametrize("similarity", ["lasso", "spearman"])
def test_signed_permutations_of_the_same_codes_agree(similarity):
    codes = np.random.default_rng(0).standard_normal((2_000, 4))
    copies = [codes, -codes[:, [2, 0, 3, 1]], codes[:, ::-1] * [3, -1, 2, 0.1]]
    ranking = udr.udr(copies, [INFORMATIVE] * 3, similarity)
    assert ranking.scores.min() > 0.8
    assert udr.udr(models(), [INFORMATIVE] * 3, similarity).scores.max() < ranking.scores.min()


def agreement(matrix):
    """Equation 6 of Duan et al. (2020) for one pair of models whose codes all count."""
    return np.mean([(matrix.max(axis=k) ** 2 / matrix.sum(axis=k)).mean() for k in (0, 1)])


def test_one_partner_per_code_scores_one():
    all_count = np.ones((1, 4), bool)
    assert udr.agreements(np.eye(4)[None, None], all_count) == 1
    assert udr.agreements(np.full((1, 1, 4, 4), 0.5), all_count) == pytest.approx(0.125)


def test_pairs_and_medians_follow_the_reference_convention():
    codes = models(count=4)
    ranking = udr.udr(codes, [INFORMATIVE] * 4, "lasso")
    matrices = udr.lasso(np.stack(codes), np.ones((4, 4), dtype=bool))
    assert ranking.pairs[1, 3] == pytest.approx(agreement(matrices[1, 3]))
    assert ranking.scores[2] == pytest.approx(np.median(ranking.pairs[[0, 1, 3], 2]))


def test_uninformative_codes_take_no_part():
    codes = models()
    noisy = [np.hstack([c, np.random.default_rng(i).standard_normal((400, 2))]) for i, c in enumerate(codes)]
    kl = np.append(INFORMATIVE, [0.01, 0.0])
    want = udr.udr(codes, [INFORMATIVE] * 3, "lasso").scores
    np.testing.assert_allclose(udr.udr(noisy, [kl] * 3, "lasso").scores, want)


def test_a_collapsed_model_scores_zero():
    ranking = udr.udr(models(), [0 * INFORMATIVE, INFORMATIVE, INFORMATIVE], "spearman")
    assert ranking.scores[0] == 0


@pytest.mark.parametrize(
    ("codes", "similarity", "sentence"),
    [
        (models(count=1), "lasso", "at least two models"),
        (models(), "pearson", "'pearson', but must be one of lasso, spearman"),
    ],
)
def test_what_cannot_be_compared_is_refused(codes, similarity, sentence):
    with pytest.raises(ValueError, match=sentence):
        udr.udr(codes, [INFORMATIVE] * len(codes), similarity)

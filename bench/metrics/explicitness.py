"""Explicitness: how well a linear classifier ranks the values of each factor (Ridgeway and Mozer 2018)."""

import numpy as np

from bench.metrics import flags, logistic
from bench.metrics.result import Result

KEYS = ("test", "train")


def standardised(codes: np.ndarray, by: np.ndarray) -> np.ndarray:
    """codes (n, d) with the mean and standard deviation of `by`; a constant code becomes 0, not NaN."""
    deviation = np.where(flags.is_constant(by), np.inf, by.std(axis=0))
    return (codes - by.mean(axis=0)) / deviation


def area_under_curve(scores: np.ndarray, labels: np.ndarray, values: np.ndarray) -> float:
    """One-vs-rest ROC area of scores (n, classes), averaged over the values that occur among labels (n,).

    0.5 is chance; also for labels of one value, which no ranking can tell apart.
    """
    from scipy.stats import rankdata

    is_value = labels[:, None] == values
    own = is_value.sum(axis=0)
    defined = (own > 0) & (own < len(labels))
    if not defined.any():
        return 0.5
    ranks = (rankdata(scores, axis=0) * is_value).sum(axis=0)[defined]
    own = own[defined]
    return float(((ranks - own * (own + 1) / 2) / (own * (len(labels) - own))).mean())


def one_vs_rest(codes: np.ndarray, labels: np.ndarray):
    """Values, probabilities and convergence of LogisticRegression() of 2018, normalised over the classes."""
    fitted = logistic.fit(codes, labels)

    def probabilities(codes):
        odds = fitted.decisions(codes)
        single = np.exp(np.minimum(odds, 0)) / (1 + np.exp(-np.abs(odds)))
        return single / single.sum(axis=1, keepdims=True)

    return fitted.values, probabilities, fitted.converged


def multinomial_default(codes: np.ndarray, labels: np.ndarray):
    """The same of LogisticRegression() of scikit-learn since 0.22: multinomial, lbfgs, 100 iterations."""
    model, converged = logistic.multinomial(codes, labels)
    return model.classes_, model.predict_proba, converged


def score(rows, fit) -> Result:
    """Mean ROC area over factors; a factor with one value in the training rows counts as 0.5."""
    (codes, factors), (test_codes, test_factors) = rows.train(), rows.test()
    scaled, test_scaled = standardised(codes, codes), standardised(test_codes, codes)
    areas, converged = np.full((2, factors.shape[1]), 0.5), True
    for k, labels in enumerate(factors.T):
        if labels.min() == labels.max():
            continue
        values, probabilities, reached = fit(scaled, labels)
        converged &= reached
        areas[0, k] = area_under_curve(probabilities(test_scaled), test_factors[:, k], values)
        areas[1, k] = area_under_curve(probabilities(scaled), labels, values)
    raised = flags.of_codes(codes) + flags.of_factors(factors) + (() if converged else ("not_converged",))
    values = {"test": float(areas[0].mean()), "train": float(areas[1].mean())}
    return Result(values, {"per_factor": areas[0]}, raised)


def study(rows, *, rng) -> Result:
    """Explicitness as in Locatello et al. (2019), protocol section 6.6, with the classifier of 2018."""
    return score(rows, one_vs_rest)


def multinomial(rows, *, rng) -> Result:
    """The same score with the classifier that scikit-learn has defaulted to since 2019: about 0.04 higher."""
    return score(rows, multinomial_default)

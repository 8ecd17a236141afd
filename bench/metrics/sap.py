"""Separated attribute predictability: how much better the best single code predicts a factor (Kumar 2018)."""

import numpy as np

from bench.metrics import flags, linear_svm
from bench.metrics.result import Result

KEYS = ("sap",)


def mean_gap(scores: np.ndarray) -> float:
    """Mean over factors of best minus second best code, scores (d, K); with a single code the second is 0."""
    ordered = np.sort(np.vstack([np.zeros(scores.shape[1]), scores]), axis=0)
    return float((ordered[-1] - ordered[-2]).mean())


def accuracies(train, test, penalty: float) -> np.ndarray:
    """Test accuracy (d, K) of a balanced linear support vector machine on each code alone, per factor."""
    (codes, factors), (test_codes, test_factors) = train, test
    scores = np.empty((codes.shape[1], factors.shape[1]))
    for j in range(codes.shape[1]):
        for k in range(factors.shape[1]):
            predicted = linear_svm.fit_predict(codes[:, j], factors[:, k], test_codes[:, j], penalty)
            scores[j, k] = (predicted == test_factors[:, k]).mean()
    return scores


def study(rows, *, rng, penalty: float = 0.01, train_rows: int = 10_000, test_rows: int = 5_000) -> Result:
    """SAP as in Locatello et al. (2019), protocol section 6.5: LinearSVC(C=0.01, balanced) per unscaled code.

    The reference stops liblinear at a tolerance of 1e-4; this is the minimum itself. A constant code
    predicts one value and scores that value's frequency, as there.
    """
    train = tuple(array[:train_rows] for array in rows.train())
    test = tuple(array[:test_rows] for array in rows.test())
    scores = accuracies(train, test, penalty)
    raised = flags.of_codes(train[0]) + flags.of_factors(train[1])
    return Result({"sap": mean_gap(scores)}, {"accuracy": scores}, raised)


def correlation(rows, *, rng) -> Result:
    """SAP for ordered factors: squared correlation of code and factor in place of accuracy.

    0 for codes with a variance of at most 1e-12, as in the reference.
    """
    codes, factors = rows.train()
    codes, factors = codes - codes.mean(axis=0), factors - factors.mean(axis=0)
    variance = np.outer((codes**2).mean(axis=0), (factors**2).mean(axis=0))
    defined = (variance > 0) & ((codes**2).mean(axis=0) > 1e-12)[:, None]
    squared = np.divide(
        (codes.T @ factors / len(codes)) ** 2, variance, out=np.zeros_like(variance), where=defined
    )
    raised = flags.of_codes(codes) + flags.of_factors(factors)
    return Result({"sap": mean_gap(squared)}, {"squared_correlation": squared}, raised)

"""DCI: disentanglement, completeness, informativeness from tree importances (Eastwood and Williams 2018)."""

from functools import partial

import numpy as np

from bench.metrics import flags, trees
from bench.metrics.result import Result

KEYS = ("disentanglement", "completeness", "informativeness_test", "informativeness_train")


def concentration(importance: np.ndarray) -> np.ndarray:
    """1 - entropy of each row of importance (m, n), in base n: 1 if all on one column, 0 if even."""
    shares = importance + 1e-11
    shares = shares / shares.sum(axis=1, keepdims=True)
    if shares.shape[1] == 1:
        return np.ones(len(shares))
    return 1 + (shares * np.log(shares)).sum(axis=1) / np.log(shares.shape[1])


def weighted_concentration(importance: np.ndarray) -> float:
    """Concentration of the rows of importance (m, n), weighted by their share of all importance."""
    weights = importance.sum(axis=1)
    # Without any importance the weights are uniform, as in the reference, and every row scores 0.
    weights = weights / weights.sum() if weights.sum() > 0 else np.full(len(weights), 1 / len(weights))
    return float(weights @ concentration(importance))


def disentanglement(importance: np.ndarray) -> float:
    """Whether each code serves one factor; importance (d, K), equation of section 2 of the paper."""
    return weighted_concentration(importance)


def completeness(importance: np.ndarray) -> float:
    """Whether each factor is served by one code; importance (d, K)."""
    return weighted_concentration(importance.T)


def from_trees(rows, fitted: trees.TreeScores) -> Result:
    """DCI of fitted trees; informativeness is accuracy, not error, as in the study."""
    values = {
        "disentanglement": disentanglement(fitted.importance),
        "completeness": completeness(fitted.importance),
        "informativeness_test": float(fitted.test_accuracy.mean()),
        "informativeness_train": float(fitted.train_accuracy.mean()),
    }
    raised = flags.of_codes(rows.train()[0]) + flags.of_factors(rows.train()[1])
    return Result(values, {"importance": fitted.importance, "test_accuracy": fitted.test_accuracy}, raised)


def study(rows, *, rng, train_rows: int = 10_000, test_rows: int = 5_000) -> Result:
    """DCI as in Locatello et al. (2019), protocol section 6.4: gradient boosting by scikit-learn.

    Minutes per model: 100 trees per value of every factor.
    """
    return from_trees(rows, trees.exact(rows, train_rows, test_rows))


def lightgbm(
    rows, *, rng, bins: int = trees.BINS, train_rows: int = 10_000, test_rows: int = 5_000
) -> Result:
    """DCI by the study's boosting with trees grown by LightGBM on binned codes.

    With bins = train_rows it is `study` to 0.001, at a seventh of its cost instead of a twentieth; what the
    default gives away is measured in docs/estimators.md.
    """
    return from_trees(rows, trees.binned(rows, train_rows, test_rows, bins))


def forest(
    rows, *, rng, trees_per_factor: int = 20, depth: int = 8, train_rows: int = 2_000, test_rows: int = 1_000
) -> Result:
    """DCI by a small random forest, for quick looks; its level is not that of boosted trees."""
    learner = partial(trees.forest, trees=trees_per_factor, depth=depth)
    name = f"forest {trees_per_factor} {depth}"
    return from_trees(rows, trees.of_rows(rows, name, learner, train_rows, test_rows))

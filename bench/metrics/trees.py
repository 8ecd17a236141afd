"""One tree ensemble per factor, predicting it from the codes; shared by DCI and the downstream task.

Each learner takes codes (n, d), one factor's labels (n,) and test codes (m, d), and gives the importance of
every code (d,), summing to 1, with the labels it predicts for both. Learners are deterministic.
"""

from dataclasses import dataclass
from functools import partial

import numpy as np

from bench.metrics import boosting

# Bins per code of the fast boosting: 255 are a little faster and further from the study.
BINS = 1_023


@dataclass(frozen=True)
class TreeScores:
    """importance (d, K), each column summing to 1 (0 if nothing was learnt); accuracies (K,)."""

    importance: np.ndarray
    train_accuracy: np.ndarray
    test_accuracy: np.ndarray


def gradient_boosting(codes: np.ndarray, labels: np.ndarray, test_codes: np.ndarray):
    """scikit-learn's GradientBoostingClassifier at the defaults of the study (protocol section 6.4)."""
    from sklearn.ensemble import GradientBoostingClassifier

    # Written out, so that a later default of the library cannot change a published score. The random state
    # only breaks ties between equal splits; a fixed one lets DCI and the downstream task share the trees.
    model = GradientBoostingClassifier(
        n_estimators=100, learning_rate=0.1, max_depth=3, subsample=1.0, min_samples_leaf=1, random_state=0
    )
    model.fit(codes, labels)
    return np.abs(model.feature_importances_), model.predict(codes), model.predict(test_codes)


def forest(codes: np.ndarray, labels: np.ndarray, test_codes: np.ndarray, trees: int, depth: int):
    """scikit-learn's RandomForestClassifier that looks at all codes in every split."""
    from sklearn.ensemble import RandomForestClassifier

    model = RandomForestClassifier(n_estimators=trees, max_depth=depth, max_features=None, random_state=0)
    model.fit(codes, labels)
    return model.feature_importances_, model.predict(codes), model.predict(test_codes)


def score_trees(learner, train, test) -> TreeScores:
    """One ensemble per factor on train = (codes, factors), with its accuracy on train and test.

    A factor with one value in the training rows has nothing to learn: importance 0, the constant predictor.
    """
    (codes, factors), (test_codes, test_factors) = train, test
    importance = np.zeros((codes.shape[1], factors.shape[1]))
    train_accuracy, test_accuracy = np.ones(factors.shape[1]), np.zeros(factors.shape[1])
    for k, labels in enumerate(factors.T):
        if labels.min() == labels.max():
            test_accuracy[k] = (test_factors[:, k] == labels[0]).mean()
            continue
        importance[:, k], predicted, test_predicted = learner(codes, labels, test_codes)
        train_accuracy[k] = (predicted == labels).mean()
        test_accuracy[k] = (test_predicted == test_factors[:, k]).mean()
    return TreeScores(importance, train_accuracy, test_accuracy)


def of_rows(rows, name: str, learner, train_rows: int, test_rows: int) -> TreeScores:
    """Trees on the first `train_rows` training and `test_rows` test rows, fitted once per `rows`."""
    train, test = rows.train(), rows.test()
    train_rows, test_rows = min(train_rows, len(train[0])), min(test_rows, len(test[0]))
    first = [array[:train_rows] for array in train], [array[:test_rows] for array in test]
    return rows.shared(("trees", name, train_rows, test_rows), lambda: score_trees(learner, *first))


def exact(rows, train_rows: int, test_rows: int) -> TreeScores:
    """The study's boosting by scikit-learn."""
    return of_rows(rows, "exact", gradient_boosting, train_rows, test_rows)


def binned(rows, train_rows: int, test_rows: int, bins: int = BINS) -> TreeScores:
    """The study's boosting on binned codes, see boosting.py."""
    return of_rows(rows, f"binned {bins}", partial(boosting.fit, bins=bins), train_rows, test_rows)

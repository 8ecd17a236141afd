"""One tree ensemble per factor, predicting it from the codes; shared by DCI and the downstream task.

Each function fits on codes (n, d) and one factor's labels (n,) and returns (importance (d,), predict).
scikit-learn and lightgbm are imported inside: see the note in bench/metrics/__init__.py.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

Predict = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class TreeScores:
    """importance (d, K), each column summing to 1 (0 if nothing was learnt); accuracies (K,)."""

    importance: np.ndarray
    train_accuracy: np.ndarray
    test_accuracy: np.ndarray


def gradient_boosting(codes: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, Predict]:
    """scikit-learn's GradientBoostingClassifier at the defaults of the study (protocol section 6.4)."""
    from sklearn.ensemble import GradientBoostingClassifier

    # Written out, so that a later default of the library cannot change a published score. The random state
    # only breaks ties between equal splits; a fixed one lets DCI and the downstream task share the trees.
    model = GradientBoostingClassifier(
        n_estimators=100,
        learning_rate=0.1,
        max_depth=3,
        subsample=1.0,
        criterion="friedman_mse",
        min_samples_leaf=1,
        random_state=0,
    )
    model.fit(codes, labels)
    return np.abs(model.feature_importances_), model.predict


def lightgbm(codes: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, Predict]:
    """LightGBM with trees of the study's shape: 100 rounds, depth 3, 8 leaves, importance by gain."""
    import lightgbm as library

    values, classes = np.unique(labels, return_inverse=True)
    objective = {"objective": "binary"}
    if len(values) > 2:
        objective = {"objective": "multiclass", "num_class": len(values)}
    # min_child_weight 0 would be scikit-learn's rule, but crashes the library on some representations.
    parameters = objective | {
        "learning_rate": 0.1,
        "max_depth": 3,
        "num_leaves": 8,
        "min_child_samples": 1,
        "min_child_weight": 1e-4,
        "num_threads": 1,
        "deterministic": True,
        "force_col_wise": True,
        "feature_pre_filter": False,
        "verbose": -1,
    }
    model = library.train(parameters, library.Dataset(codes, classes), num_boost_round=100)
    importance = model.feature_importance("gain")

    def predict(codes):
        scores = model.predict(codes)
        return values[np.argmax(scores, axis=1) if scores.ndim == 2 else (scores > 0.5).astype(int)]

    return importance / max(importance.sum(), np.finfo(float).tiny), predict


def forest(
    codes: np.ndarray, labels: np.ndarray, trees: int, depth: int, seed: int
) -> tuple[np.ndarray, Predict]:
    """scikit-learn's RandomForestClassifier that looks at all codes in every split."""
    from sklearn.ensemble import RandomForestClassifier

    model = RandomForestClassifier(n_estimators=trees, max_depth=depth, max_features=None, random_state=seed)
    model.fit(codes, labels)
    return model.feature_importances_, model.predict


def score_trees(fit, train, test) -> TreeScores:
    """Fit one ensemble per factor on train = (codes, factors) and measure its accuracy on both.

    A factor with one value in the training rows has nothing to learn: importance 0, the constant predictor.
    """
    (codes, factors), (test_codes, test_factors) = train, test
    importance = np.zeros((codes.shape[1], factors.shape[1]))
    train_accuracy, test_accuracy = np.zeros(factors.shape[1]), np.zeros(factors.shape[1])
    for k, labels in enumerate(factors.T):
        if labels.min() == labels.max():
            predicted, test_predicted = labels, np.full(len(test_codes), labels[0])
        else:
            importance[:, k], predict = fit(codes, labels)
            predicted, test_predicted = predict(codes), predict(test_codes)
        train_accuracy[k] = (predicted == labels).mean()
        test_accuracy[k] = (test_predicted == test_factors[:, k]).mean()
    return TreeScores(importance, train_accuracy, test_accuracy)


def of_rows(rows, name: str, fit, train_rows: int, test_rows: int) -> TreeScores:
    """Trees on the first `train_rows` training and `test_rows` test rows, fitted once per `rows`."""
    train, test = rows.train(), rows.test()
    train_rows, test_rows = min(train_rows, len(train[0])), min(test_rows, len(test[0]))
    first = [array[:train_rows] for array in train], [array[:test_rows] for array in test]
    return rows.shared(("trees", name, train_rows, test_rows), lambda: score_trees(fit, *first))

"""The study's gradient boosting, its trees grown by LightGBM.

Friedman (2001), as scikit-learn's GradientBoostingClassifier has it: each round fits, per class, a tree of
depth 3 to the residuals by least squares, and gives its leaves a Newton step. LightGBM left to itself chooses
splits by second-order gain, and its importances add up that gain: another score (docs/estimators.md). So here
it only grows the trees. Gradients are ours and Hessians 1, which makes its gain the decrease in squared error
that scikit-learn adds up; leaf values are computed outside. What still differs is that codes are cut into
bins: with as many bins as rows the scores are scikit-learn's.
"""

import numpy as np

ROUNDS = 100
LEARNING_RATE = 0.1
LEAVES = 8
GOLDEN_RATIO = (1 + 5**0.5) / 2


def fit(codes: np.ndarray, labels: np.ndarray, test_codes: np.ndarray, bins: int):
    """Importance (d,), summing to 1, and labels predicted for codes (n, d) and for test_codes (m, d).

    Splits are tried between bins of about equal count; as many bins as rows try every threshold.
    """
    values, classes = np.unique(labels, return_inverse=True)
    own = np.eye(len(values))[classes]
    # Two values need one tree per round, for the log odds of the second.
    own = own[:, 1:] if len(values) == 2 else own
    everything = np.vstack([codes, test_codes])
    frequency = own.mean(axis=0)
    start = np.log(frequency) if len(values) > 2 else np.log(frequency / (1 - frequency))
    scores = np.tile(start, (len(everything), 1))
    booster = _booster(codes, own.shape[1], bins)
    for number in range(ROUNDS):
        probability = _probability(scores[: len(codes)])
        residual = own - probability
        _grow(booster, residual)
        if booster.current_iteration() == number:
            # No split of any code lowers the error any more; more rounds would all be the same.
            break
        leaf = booster.predict(everything, pred_leaf=True, start_iteration=number, num_iteration=1)
        leaf = leaf.reshape(scores.shape).astype(np.int64) + LEAVES * np.arange(own.shape[1])
        step = _newton_steps(leaf[: len(codes)], residual, probability * (1 - probability))
        scores += LEARNING_RATE * step[leaf]
    gain = booster.feature_importance("gain")
    chosen = np.argmax(scores, axis=1) if len(values) > 2 else (scores[:, 0] > 0).astype(int)
    predicted = values[chosen]
    importance = gain / gain.sum() if gain.sum() > 0 else gain
    return importance, predicted[: len(codes)], predicted[len(codes) :]


def _booster(codes: np.ndarray, trees_per_round: int, bins: int):
    """An empty LightGBM model whose trees have the study's shape."""
    import lightgbm

    parameters = {
        "objective": "none",
        "num_class": trees_per_round,
        "max_depth": 3,
        "num_leaves": LEAVES,
        "min_data_in_leaf": 1,
        # Hessians are 1, so this asks for one row per leaf; 0 crashes the library on some representations.
        "min_sum_hessian_in_leaf": 0.5,
        "max_bin": bins,
        "min_data_in_bin": 1,
        "feature_pre_filter": False,
        "deterministic": True,
        "force_col_wise": True,
        "num_threads": 1,
        "verbose": -1,
    }
    data = lightgbm.Dataset(codes, np.zeros(len(codes)), params=parameters)
    return lightgbm.Booster(parameters, data)


def _grow(booster, residual: np.ndarray) -> None:
    """Add a tree per column of residual (n, trees), fitted to it by least squares."""
    # Splits of equal gain are common where a value has few rows. LightGBM would always take the lowest code,
    # scikit-learn takes a random one; here each is favoured by a hair, in an order that changes every round.
    codes, number = np.arange(1, booster.num_feature() + 1), booster.current_iteration() + 1
    favour = 1 + 1e-10 * (codes * number * GOLDEN_RATIO % 1)
    booster.reset_parameter({"feature_contri": favour.tolist()})
    gradient, hessian = -residual, np.ones_like(residual)
    if residual.shape[1] == 1:
        gradient, hessian = gradient[:, 0], hessian[:, 0]
    booster.update(fobj=lambda scores, data: (gradient, hessian))


def _probability(scores: np.ndarray) -> np.ndarray:
    """Class probabilities of log scores (n, classes), or of log odds (n, 1)."""
    if scores.shape[1] == 1:
        return 1 / (1 + np.exp(-scores))
    exponential = np.exp(scores - scores.max(axis=1, keepdims=True))
    return exponential / exponential.sum(axis=1, keepdims=True)


def _newton_steps(leaf: np.ndarray, residual: np.ndarray, curvature: np.ndarray) -> np.ndarray:
    """Leaf values (C x LEAVES,): sum of residuals / sum of p (1 - p), times (C - 1) / C if C > 1."""
    size = LEAVES * leaf.shape[1]
    slope = np.bincount(leaf.ravel(), residual.ravel(), minlength=size)
    curvature = np.bincount(leaf.ravel(), curvature.ravel(), minlength=size)
    classes = leaf.shape[1]
    share = (classes - 1) / classes if classes > 1 else 1.0
    # A pure leaf has nothing left to learn; scikit-learn leaves it at 0 too.
    return share * np.divide(slope, curvature, out=np.zeros(size), where=curvature > 1e-150)

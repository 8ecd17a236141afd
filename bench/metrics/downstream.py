"""Downstream task: accuracy of classifiers that learn the factors from few or many labelled codes."""

import numpy as np

from bench.metrics import flags, logistic, trees
from bench.metrics.result import Result

SIZES = (10, 100, 1_000, 10_000)
PENALTIES = np.logspace(-4, 4, 10)
FOLDS = 5


def keys(sizes=SIZES) -> tuple[str, ...]:
    """Keys at these training sizes, the headline first; efficiency compares 100 labels with 10,000."""
    learners = ("logistic_regression", "trees")
    per_size = [
        f"{name}/{n}/{kind}_test_accuracy"
        for name in learners
        for n in reversed(sizes)
        for kind in ("mean", "min")
    ]
    efficiency = [f"{name}/efficiency" for name in learners if {100, 10_000} <= set(sizes)]
    return (*per_size, *efficiency)


def one_vs_rest(codes: np.ndarray, labels: np.ndarray):
    """predict and convergence of LogisticRegressionCV of 2018: per class, the C of best binary accuracy."""
    fitted = logistic.fit_cv(codes, labels, PENALTIES, FOLDS)
    return fitted.predict, fitted.converged


def one_model(codes: np.ndarray, labels: np.ndarray):
    """The same of LogisticRegressionCV since 0.22: multinomial, one C for all classes, by lbfgs."""
    model, converged = logistic.multinomial_cv(codes, labels, PENALTIES, FOLDS)
    return model.predict, converged


def accuracies(fit, train, test) -> tuple[np.ndarray, bool]:
    """Test accuracy (K,) of a linear classifier per factor, and whether every fit converged.

    A factor with one value in the training rows is predicted to keep it.
    """
    (codes, factors), (test_codes, test_factors) = train, test
    accuracy, converged = np.empty(factors.shape[1]), True
    for k, labels in enumerate(factors.T):
        if labels.min() == labels.max():
            accuracy[k] = (test_factors[:, k] == labels[0]).mean()
            continue
        predict, reached = fit(codes, labels)
        accuracy[k] = (predict(test_codes) == test_factors[:, k]).mean()
        converged &= reached
    return accuracy, converged


def summary(name: str, per_size: dict[int, np.ndarray]) -> dict[str, float]:
    """Mean and worst test accuracy at each size, and statistical efficiency: mean at 100 / mean at 10,000.

    NaN where there are fewer rows than the size asks for.
    """
    values = {}
    for size, accuracy in per_size.items():
        values[f"{name}/{size}/mean_test_accuracy"] = float(accuracy.mean())
        values[f"{name}/{size}/min_test_accuracy"] = float(accuracy.min())
    few, many = (per_size[size].mean() if size in per_size else np.nan for size in (100, 10_000))
    values[f"{name}/efficiency"] = float(few / many) if many else np.nan
    return values


def score(rows, linear, grow, sizes) -> Result:
    """Both learners on the first `size` training rows for every size, tested on all test rows.

    linear: (codes, labels) -> predict, convergence; grow: (rows, train_rows, test_rows) -> TreeScores.
    The study draws each training set afresh; ours are nested, so that the trees of the largest are DCI's.
    """
    train, test = rows.train(), rows.test()
    unknown = np.full(train[1].shape[1], np.nan)
    by_linear, by_trees, raised = {}, {}, list(flags.of_codes(train[0]) + flags.of_factors(train[1]))
    for size in sizes:
        if size > len(train[0]):
            by_linear[size] = by_trees[size] = unknown
            raised.append("fewer_rows_than_labels")
            continue
        first = train[0][:size], train[1][:size]
        by_linear[size], converged = accuracies(linear, first, test)
        by_trees[size] = grow(rows, size, len(test[0])).test_accuracy
        raised += [] if converged else ["not_converged"]
        raised += ["one_value_training_sample"] if flags.of_factors(first[1]) else []
    learners = {"logistic_regression": by_linear, "trees": by_trees}
    arrays = {name: np.stack(list(per_size.values())) for name, per_size in learners.items()}
    found = summary("logistic_regression", by_linear) | summary("trees", by_trees)
    values = {key: found[key] for key in keys(sizes)}
    return Result(values, arrays, tuple(dict.fromkeys(raised)))


def study(rows, *, rng, sizes: tuple[int, ...] = SIZES) -> Result:
    """Downstream accuracy as in Locatello et al. (2019), protocol section 6.8, with scikit-learn's trees.

    A training sample with a single value scores the constant predictor; both reference learners raise there.
    """
    return score(rows, one_vs_rest, trees.exact, sizes)


def lightgbm(rows, *, rng, sizes: tuple[int, ...] = SIZES) -> Result:
    """The study's task with the fast boosting of dci@lightgbm; agreement in docs/estimators.md."""
    return score(rows, one_vs_rest, trees.binned, sizes)


def multinomial(rows, *, rng, sizes: tuple[int, ...] = SIZES) -> Result:
    """The same with the LogisticRegressionCV of scikit-learn since 0.22; minutes at 10,000 labels."""
    return score(rows, one_model, trees.binned, sizes)

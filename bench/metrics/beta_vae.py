"""BetaVAE score: which factor was held fixed, guessed from how far codes move (Higgins et al. 2017)."""

import numpy as np

from bench.metrics import flags, logistic
from bench.metrics.result import Result

KEYS = ("eval_accuracy", "train_accuracy")

# Examples drawn at once: 250 x 64 pairs of codes stay in the processor's cache.
BLOCK = 250


def examples(rows, count: int, pairs: int, rng) -> tuple[np.ndarray, np.ndarray]:
    """Features (count, d) and labels (count,): the mean of |z1 - z2| over pairs that share factor `label`.

    Each pair has a value of its own; two codes of a pair agree in nothing else but by chance.
    """
    n_factors = rows.train()[1].shape[1]
    features, labels = [], []
    for start in range(0, count, BLOCK):
        k = rng.integers(n_factors, size=min(BLOCK, count - start))
        codes = rows.fixed(np.repeat(k, pairs), 2, rng)
        apart = np.abs(codes[:, 0] - codes[:, 1])
        features.append(apart.reshape(len(k), pairs, -1).mean(axis=1))
        labels.append(k)
    return np.concatenate(features), np.concatenate(labels)


def liblinear_default(features: np.ndarray, labels: np.ndarray):
    """LogisticRegression() of 2018: one against the rest, the intercept penalised; its exact minimum."""
    fitted = logistic.fit(features, labels)
    return fitted.predict, fitted.converged


def multinomial_default(features: np.ndarray, labels: np.ndarray):
    """LogisticRegression() of scikit-learn since 0.22: multinomial, lbfgs, at most 100 iterations."""
    model, converged = logistic.multinomial(features, labels)
    return model.predict, converged


def score(rows, fit, rng, pairs: int, train_examples: int, eval_examples: int) -> Result:
    """Accuracy of a classifier that guesses the fixed factor; chance is 1 / #factors."""
    codes, factors = rows.train()
    raised = flags.of_codes(codes) + flags.of_factors(factors)
    train = examples(rows, train_examples, pairs, rng)
    test = examples(rows, eval_examples, pairs, rng)
    if factors.shape[1] == 1:
        return Result({"eval_accuracy": 1.0, "train_accuracy": 1.0}, {}, (*raised, "one_factor"))
    predict, converged = fit(*train)
    accuracy = [float((predict(features) == labels).mean()) for features, labels in (test, train)]
    raised += () if converged else ("not_converged",)
    return Result(dict(zip(KEYS, accuracy, strict=True)), {}, raised)


def study(rows, *, rng, pairs: int = 64, train_examples: int = 10_000, eval_examples: int = 5_000) -> Result:
    """BetaVAE score as in Locatello et al. (2019), protocol section 6.1, codes unscaled."""
    return score(rows, liblinear_default, rng, pairs, train_examples, eval_examples)


def multinomial(
    rows, *, rng, pairs: int = 64, train_examples: int = 10_000, eval_examples: int = 5_000
) -> Result:
    """The same score with the classifier that scikit-learn has defaulted to since 2019."""
    return score(rows, multinomial_default, rng, pairs, train_examples, eval_examples)

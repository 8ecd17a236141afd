"""One-vs-rest logistic regression by Newton steps over many classes, penalties and folds at once.

The minimum is scikit-learn's: over weights w (d + 1), the last being the intercept,
C sum_i log(1 + exp(-s_i w.x_i)) + half |w|^2, where s_i is +1 for rows of the class and -1 for the rest. The
intercept is penalised by liblinear and by no other solver. On ten codes a Newton step costs little, so the
50 fits per factor of LogisticRegressionCV reach their exact minimum in a fraction of its time.
"""

import warnings
from dataclasses import dataclass

import numpy as np

STEPS = 100
# Newton decrement, relative to the objective, after which the step just taken is the last.
TOLERANCE = 1e-9
# Numbers in the Hessians of the problems solved at once, so that many codes cost time but not memory.
HESSIANS = 10_000_000
# Values per block of rows x problems, so that a block stays near the processor's cache.
BLOCK = 100_000


@dataclass(frozen=True)
class Classifier:
    """values (classes,) in order; weights (classes, d + 1), the intercept last."""

    values: np.ndarray
    weights: np.ndarray
    converged: bool

    def decisions(self, codes: np.ndarray) -> np.ndarray:
        """Log odds (n, classes) of each class against the rest."""
        return with_intercept(codes) @ self.weights.T

    def predict(self, codes: np.ndarray) -> np.ndarray:
        """The value of largest log odds, (n,)."""
        return self.values[np.argmax(self.decisions(codes), axis=1)]


def with_intercept(codes: np.ndarray) -> np.ndarray:
    """codes (n, d) with a last column of ones."""
    return np.hstack([codes, np.ones((len(codes), 1))])


@dataclass(frozen=True)
class Problems:
    """P binary problems on design (n, p): own_sums (P, p) add up each one's own rows, penalties (P,)."""

    design: np.ndarray
    own_sums: np.ndarray
    penalties: np.ndarray
    ridge: np.ndarray

    def select(self, which: np.ndarray) -> "Problems":
        """The problems `which`, a mask or positions."""
        return Problems(self.design, self.own_sums[which], self.penalties[which], self.ridge)

    def own_odds(self, weights: np.ndarray) -> np.ndarray:
        """Sum of the log odds of each problem's own rows, (P,)."""
        return (self.own_sums * weights).sum(axis=1)

    def evaluate(self, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Objective (P,), gradient (P, p) and Hessian (P, p, p) at weights (P, p)."""
        n_problems, p = weights.shape
        row, column = np.triu_indices(p)
        loss, slope = np.zeros(n_problems), np.zeros((p, n_problems))
        curvature = np.zeros((len(row), n_problems))
        size = max(16, BLOCK // n_problems)
        for start in range(0, len(self.design), size):
            x = self.design[start : start + size]
            odds = x @ weights.T
            # The exponential of -|odds| cannot overflow; loss, probability and curvature all follow from it.
            small = np.exp(-np.abs(odds))
            inverse = 1 / (1 + small)
            loss += (np.maximum(odds, 0) - np.log(inverse)).sum(axis=0)
            slope += x.T @ np.where(odds >= 0, inverse, 1 - inverse)
            curvature += (x[:, row] * x[:, column]).T @ (small * inverse**2)
        # Labels enter linearly, so the sums of the own rows are all that is needed of them.
        objective = self.penalties * (loss - self.own_odds(weights))
        objective += (self.ridge * weights**2).sum(axis=1) / 2
        gradient = self.penalties[:, None] * (slope.T - self.own_sums) + self.ridge * weights
        hessian = np.empty((n_problems, p, p))
        hessian[:, row, column] = hessian[:, column, row] = (self.penalties * curvature).T
        # The tiny addition keeps the free intercept of a class without rows from a singular system.
        return objective, gradient, hessian + np.diag(self.ridge + 1e-10)


def solve(problems: Problems, start: np.ndarray) -> tuple[np.ndarray, bool]:
    """Weights (P, p) at the minimum, by Newton steps halved until they descend, and whether all converged."""
    together = max(1, HESSIANS // start.shape[1] ** 2)
    if len(start) > together:
        parts = [
            np.arange(first, min(first + together, len(start))) for first in range(0, len(start), together)
        ]
        solved = [solve(problems.select(part), start[part]) for part in parts]
        return np.concatenate([weights for weights, _ in solved]), all(converged for _, converged in solved)
    solution, open_problems = start.copy(), np.arange(len(start))
    weights, size = start, np.ones(len(start))
    objective, gradient, hessian = problems.evaluate(weights)
    for _ in range(STEPS):
        step = -np.linalg.solve(hessian, gradient[:, :, None])[:, :, 0]
        decrement = -(gradient * step).sum(axis=1)
        tried = weights + size[:, None] * step
        new_objective, new_gradient, new_hessian = problems.evaluate(tried)
        # Separable rows leave a small difference of large sums; its rounding must not reject the last steps.
        rounding = 1e-12 * problems.penalties * np.abs(problems.own_odds(tried))
        better = new_objective <= objective - 1e-4 * size * decrement + rounding
        weights = np.where(better[:, None], tried, weights)
        objective = np.where(better, new_objective, objective)
        gradient = np.where(better[:, None], new_gradient, gradient)
        hessian = np.where(better[:, None, None], new_hessian, hessian)
        size = np.where(better, 1.0, size / 2)
        solution[open_problems] = weights
        going_on = ~(better & (decrement <= TOLERANCE * (1 + np.abs(objective))))
        if not going_on.any():
            return solution, True
        open_problems, problems = open_problems[going_on], problems.select(going_on)
        weights, size, objective = weights[going_on], size[going_on], objective[going_on]
        gradient, hessian = gradient[going_on], hessian[going_on]
    return solution, False


def _problems(design, classes, penalties, ridge) -> Problems:
    """One problem per penalty and class, classes fastest."""
    n_classes = classes.max() + 1
    sums = np.zeros((n_classes, design.shape[1]))
    np.add.at(sums, classes, design)
    return Problems(design, np.tile(sums, (len(penalties), 1)), np.repeat(penalties, n_classes), ridge)


def fit(codes: np.ndarray, labels: np.ndarray) -> Classifier:
    """LogisticRegression() of 2018: liblinear, one-vs-rest, C = 1, the intercept penalised."""
    values, classes = np.unique(labels, return_inverse=True)
    design = with_intercept(codes)
    problems = _problems(design, classes, np.ones(1), np.ones(design.shape[1]))
    weights, converged = solve(problems, np.zeros((len(values), design.shape[1])))
    return Classifier(values, weights, converged)


def multinomial(codes: np.ndarray, labels: np.ndarray):
    """LogisticRegression() of scikit-learn since 0.22, multinomial by lbfgs, and whether it converged."""
    from sklearn.linear_model import LogisticRegression

    return _fitted(LogisticRegression(C=1.0, solver="lbfgs", max_iter=100, tol=1e-4), codes, labels)


def multinomial_cv(codes: np.ndarray, labels: np.ndarray, penalties: np.ndarray, folds: int):
    """LogisticRegressionCV() of scikit-learn since 0.22, one C for all classes, and whether it converged."""
    from sklearn.linear_model import LogisticRegressionCV
    from sklearn.model_selection import KFold

    model = LogisticRegressionCV(Cs=penalties, cv=KFold(folds), solver="lbfgs", max_iter=100, tol=1e-4)
    return _fitted(model, codes, labels)


def _fitted(model, codes: np.ndarray, labels: np.ndarray):
    """The model, fitted, and whether it converged."""
    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings():
        # Told by a flag instead, beside the score that it concerns.
        warnings.simplefilter("ignore", ConvergenceWarning)
        # Announcements of coming defaults; every setting that matters here is given.
        warnings.simplefilter("ignore", FutureWarning)
        model.fit(codes, labels)
    return model, bool(np.max(model.n_iter_) < 100)


def path(
    design: np.ndarray, classes: np.ndarray, penalties: np.ndarray, start: np.ndarray
) -> tuple[np.ndarray, bool]:
    """Weights (penalties, classes, d + 1) from the smallest C up, each starting from the one before."""
    ridge = np.append(np.ones(design.shape[1] - 1), 0.0)
    weights, converged = [], True
    for penalty in penalties:
        start, reached = solve(_problems(design, classes, np.array([penalty]), ridge), start)
        weights.append(start)
        converged &= reached
    return np.stack(weights), converged


def held_out_accuracy(design, classes, penalties, weights, folds: int) -> tuple[np.ndarray, bool]:
    """Binary accuracy (penalties, classes), summed over unshuffled folds; fits start from `weights`."""
    n_classes = weights.shape[1]
    ridge = np.append(np.ones(design.shape[1] - 1), 0.0)
    accuracy, converged = np.zeros(weights.shape[:2]), True
    for held_out in np.array_split(np.arange(len(design)), folds):
        kept = np.delete(np.arange(len(design)), held_out)
        sums = np.zeros((n_classes, design.shape[1]))
        np.add.at(sums, classes[kept], design[kept])
        problems = Problems(
            design[kept], np.tile(sums, (len(penalties), 1)), np.repeat(penalties, n_classes), ridge
        )
        fitted, reached = solve(problems, weights.reshape(-1, design.shape[1]))
        is_own = classes[held_out][:, None] == np.arange(n_classes)
        right = (design[held_out] @ fitted.T > 0).reshape(len(held_out), -1, n_classes) == is_own[:, None]
        accuracy += right.mean(axis=0)
        converged &= reached
    return accuracy, converged


def fit_cv(codes: np.ndarray, labels: np.ndarray, penalties: np.ndarray, folds: int = 5) -> Classifier:
    """LogisticRegressionCV of 2018: each class takes the C of best held-out binary accuracy, refitted.

    The intercept is free, folds are unshuffled, and ties go to the smallest C.
    """
    values, classes = np.unique(labels, return_inverse=True)
    design = with_intercept(codes)
    weights, converged = path(design, classes, penalties, np.zeros((len(values), design.shape[1])))
    accuracy, all_converged = held_out_accuracy(design, classes, penalties, weights, folds)
    best = np.argmax(accuracy, axis=0)
    return Classifier(values, weights[best, np.arange(len(values))], converged and all_converged)

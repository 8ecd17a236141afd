"""One-vs-rest linear support vector machine on a single code, solved exactly.

The problem is scikit-learn's LinearSVC(class_weight="balanced"): for each class minimise, over slope w and
intercept b, half (w^2 + b^2) + sum_i C_i max(0, 1 - s_i (w x_i + b))^2 with s_i = +-1, the intercept
penalised too. With one code the rows inside the margin are a prefix or suffix of the sorted rows, so running
sums give the gradient and Hessian of all classes in O(log n): milliseconds, where liblinear takes half a
second.
"""

from dataclasses import dataclass

import numpy as np

MAX_STEPS = 100


class RunningSums:
    """Sums of 1, x, x^2 over the rows of one class, or of all, whose x is below a threshold."""

    def __init__(self, code: np.ndarray, classes: np.ndarray, n_classes: int):
        order = np.argsort(code, kind="stable")
        self.n, self.sorted_code = len(code), code[order]
        by_class = np.argsort(classes[order], kind="stable")
        # A row's place among all rows sorted by (class, x), found again from class x n + rank of x.
        self.keys = classes[order][by_class] * self.n + by_class
        self.all = _running(self.sorted_code)
        self.of_class = _running(self.sorted_code[by_class])
        self.start = np.searchsorted(self.keys, np.arange(n_classes + 1) * self.n)
        self.class_total = self.of_class[self.start[1:]] - self.of_class[self.start[:-1]]

    def below(self, threshold: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Sums (3, classes) over rows with x < threshold (classes,): of each class's own rows and of all."""
        rank = np.searchsorted(self.sorted_code, threshold)
        place = np.searchsorted(self.keys, np.arange(len(threshold)) * self.n + rank)
        own = self.of_class[place] - self.of_class[self.start[:-1]]
        return own.T, self.all[rank].T


def _running(code: np.ndarray) -> np.ndarray:
    """Running sums (n + 1, 3) of 1, x and x^2."""
    powers = np.stack([np.ones_like(code), code, code**2], axis=1)
    return np.concatenate([np.zeros((1, 3)), np.cumsum(powers, axis=0)])


@dataclass
class Problem:
    """All classes of one code and factor; weights are C_i of the class's own rows and of the others."""

    sums: RunningSums
    own_weight: np.ndarray
    other_weight: np.ndarray

    def in_margin(self, w: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Weighted sums (3, classes) over margin rows: own with w x + b < 1, other with w x + b > -1."""
        total_own = self.sums.class_total.T
        total_other = self.sums.all[-1][:, None] - total_own
        slope = np.where(w == 0, 1.0, w)
        own, _ = self.sums.below(np.where(w == 0, np.where(b < 1, np.inf, -np.inf), (1 - b) / slope))
        own = np.where(w < 0, total_own - own, own)
        of_class, of_all = self.sums.below(
            np.where(w == 0, np.where(b > -1, -np.inf, np.inf), (-1 - b) / slope)
        )
        below_other = of_all - of_class
        other = np.where(w < 0, below_other, total_other - below_other)
        return own * self.own_weight, other * self.other_weight

    def objective(self, w: np.ndarray, b: np.ndarray) -> np.ndarray:
        """The value to minimise, per class."""
        own, other = self.in_margin(w, b)
        squares = [s[2] * w**2 + s[0] * b**2 + s[0] + 2 * s[1] * w * b for s in (own, other)]
        return (w**2 + b**2) / 2 + sum(squares) + 2 * (other[1] - own[1]) * w + 2 * (other[0] - own[0]) * b

    def newton_step(self, w: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Step (dw, db) to the minimum of the quadratic around (w, b), and the decrease it promises."""
        own, other = self.in_margin(w, b)
        both = own + other
        gradient_w = w + 2 * (both[2] * w + both[1] * b + other[1] - own[1])
        gradient_b = b + 2 * (both[1] * w + both[0] * b + other[0] - own[0])
        h_ww, h_wb, h_bb = 1 + 2 * both[2], 2 * both[1], 1 + 2 * both[0]
        determinant = h_ww * h_bb - h_wb**2
        dw = -(h_bb * gradient_w - h_wb * gradient_b) / determinant
        db = -(h_ww * gradient_b - h_wb * gradient_w) / determinant
        return dw, db, -(gradient_w * dw + gradient_b * db)


def solve(problem: Problem, n_classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Slopes and intercepts (classes,) at the minimum, by Newton steps halved until they descend."""
    w, b = np.zeros(n_classes), np.zeros(n_classes)
    value = problem.objective(w, b)
    for _ in range(MAX_STEPS):
        dw, db, decrease = problem.newton_step(w, b)
        moving = decrease > 1e-12 * (1 + value)
        if not moving.any():
            break
        size = np.ones(n_classes)
        for _ in range(30):
            tried = problem.objective(w + size * dw, b + size * db)
            worse = moving & (tried > value - 1e-4 * size * decrease)
            if not worse.any():
                break
            size = np.where(worse, size / 2, size)
        w, b = w + size * dw, b + size * db
        value = problem.objective(w, b)
    return w, b


def fit_predict(code: np.ndarray, labels: np.ndarray, test_code: np.ndarray, penalty: float) -> np.ndarray:
    """Labels (m,) predicted for test_code (m,) by the machine trained on code (n,) and labels (n,).

    penalty is LinearSVC's C; own rows weigh n / (classes x count) more, other rows 1, as in liblinear; with
    two classes there is one machine and both weigh.
    """
    values, classes = np.unique(labels, return_inverse=True)
    balance = len(labels) / (len(values) * np.bincount(classes))
    sums = RunningSums(code, classes, len(values))
    other = balance[::-1] if len(values) == 2 else np.ones(len(values))
    w, b = solve(Problem(sums, penalty * balance, penalty * other), len(values))
    return values[np.argmax(test_code[:, None] * w + b, axis=1)]

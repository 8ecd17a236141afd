"""Mutual information of binned codes, shared by MIG, modularity and the unsupervised scores.

Locatello et al. (2019), protocol section 6: each code is cut into 20 equal-width bins between its own
minimum and maximum, factors are used as they are, and the plug-in estimate is in nats.
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Information:
    """Plug-in information between binned codes and factors, in nats.

    matrix: I(code; factor), (d, K); entropy: H(factor), (K,); bias: Miller-Madow excess of `matrix`, (d, K);
    entropy_bias: what Miller-Madow adds to `entropy`, (K,).
    """

    matrix: np.ndarray
    entropy: np.ndarray
    bias: np.ndarray
    entropy_bias: np.ndarray


def bin_codes(codes: np.ndarray, bins: int) -> np.ndarray:
    """Bin number 0 .. bins-1 of every value of codes (n, d), each code between its own minimum and maximum.

    The edges are those of numpy.histogram, the maximum belongs to the last bin, and a constant code falls
    into one bin. Codes must be float64: float32 moves values across edges.
    """
    labels = np.empty(codes.shape, dtype=np.int64)
    for j, code in enumerate(codes.T):
        low, high = code.min(), code.max()
        if low == high:
            low, high = low - 0.5, high + 0.5
        # Written out because numpy.histogram refuses a range too narrow for its bins.
        left_edges = np.linspace(low, high, bins + 1)[:-1]
        labels[:, j] = np.digitize(code, left_edges) - 1
    return labels


def contingency(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Counts of the pairs (a, b) of two label vectors (n,), without empty rows and columns."""
    a_values, a_index = np.unique(a, return_inverse=True)
    b_values, b_index = np.unique(b, return_inverse=True)
    cells = np.bincount(a_index * len(b_values) + b_index, minlength=len(a_values) * len(b_values))
    return cells.reshape(len(a_values), len(b_values))


def plug_in(counts: np.ndarray) -> float:
    """Plug-in mutual information in nats of a contingency table."""
    n = counts.sum()
    row, column = np.nonzero(counts)
    cells = counts[row, column].astype(np.float64)
    # Whole numbers below 2**53 throughout, so an independent or constant code scores exactly 0.
    ratio = n * cells / (counts.sum(axis=1)[row] * counts.sum(axis=0)[column])
    return float(cells @ np.log(ratio) / n)


def miller_madow(counts: np.ndarray) -> float:
    """Excess of the plug-in information by Miller and Madow (1955), in nats, from the occupied cells."""
    occupied = np.count_nonzero
    rows, columns = occupied(counts.sum(axis=1)), occupied(counts.sum(axis=0))
    return (occupied(counts) - rows - columns + 1) / (2 * counts.sum())


def information(labels: np.ndarray, factors: np.ndarray) -> Information:
    """Information between every binned code, labels (n, d), and every factor, (n, K)."""
    d, n_factors = labels.shape[1], factors.shape[1]
    matrix, bias = np.empty((d, n_factors)), np.empty((d, n_factors))
    for j in range(d):
        for k in range(n_factors):
            counts = contingency(labels[:, j], factors[:, k])
            matrix[j, k], bias[j, k] = plug_in(counts), miller_madow(counts)
    own = [contingency(factors[:, k], factors[:, k]) for k in range(n_factors)]
    entropy = np.array([plug_in(counts) for counts in own])
    entropy_bias = np.array([(len(counts) - 1) / (2 * counts.sum()) for counts in own])
    return Information(matrix, entropy, bias, entropy_bias)


def binned(rows, bins: int) -> np.ndarray:
    """Bin labels (n, d) of the training codes, made once per `rows`."""
    return rows.shared(("bins", bins), lambda: bin_codes(rows.train()[0], bins))


def of_rows(rows, bins: int) -> Information:
    """Information between the training codes and factors, made once per `rows`."""
    return rows.shared(("information", bins), lambda: information(binned(rows, bins), rows.train()[1]))

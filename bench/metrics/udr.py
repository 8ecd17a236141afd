"""Unsupervised disentanglement ranking: do models of one setting find the same codes? (Duan et al. 2020)

A score of a set of models, not of one, so it is no entry of METRICS: the report computes it from the stored
codes of a setting's seeds. Protocol section 6.10.
"""

from dataclasses import dataclass

import numpy as np

# Penalty of the Lasso, and the KL in nats that a code must exceed to count as informative.
ALPHA = 0.1
MIN_KL = 0.01
# Coordinate descent stops after a sweep that moves no coefficient by more than this.
TOLERANCE = 1e-8
MAX_SWEEPS = 1_000


@dataclass(frozen=True)
class Ranking:
    """scores (M,), the median over the other models of pairs (M, M), whose entry [i, j] compares i with j."""

    scores: np.ndarray
    pairs: np.ndarray


def udr(codes: list[np.ndarray], kl: list[np.ndarray], similarity: str) -> Ranking:
    """UDR of M >= 2 models from their codes (n, d) of the same images and their KL per code (d,).

    similarity: `lasso` or `spearman`. A model without an informative code scores 0; the reference raises.
    """
    if similarity not in SIMILARITIES:
        raise ValueError(f"similarity is {similarity!r}, but must be one of {', '.join(SIMILARITIES)}.")
    if len(codes) < 2 or len({(array.shape[0], array.shape[1]) for array in codes}) > 1:
        raise ValueError(
            "UDR compares the codes of at least two models on the same images, of equal shape (n, d)."
        )
    informative = np.stack(kl) > MIN_KL
    matrices = SIMILARITIES[similarity](np.stack(codes).astype(np.float64), informative)
    pairs = agreements(matrices, informative)
    others = [np.delete(pairs[:, i], i) for i in range(len(codes))]
    return Ranking(np.median(others, axis=1), pairs)


def agreements(matrices: np.ndarray, informative: np.ndarray) -> np.ndarray:
    """Agreement (M, M) of all pairs of models: 1 for one partner per code, 0 without an informative code.

    Mean of max^2 / sum over the columns and over the rows of each of the matrices (M, M, d, d), of which only
    the codes that are `informative` (M, d) count.
    """
    counted = matrices * informative[:, None, :, None] * informative[None, :, None, :]
    numbers = informative.sum(axis=1)
    of_columns = _share(counted, 2).sum(axis=2) / np.maximum(numbers, 1)[None, :]
    of_rows = _share(counted, 3).sum(axis=2) / np.maximum(numbers, 1)[:, None]
    return (of_columns + of_rows) / 2


def _share(matrices: np.ndarray, axis: int) -> np.ndarray:
    """max^2 / sum along an axis, 0 where the sum is 0."""
    total = matrices.sum(axis=axis)
    return np.divide(matrices.max(axis=axis) ** 2, total, out=np.zeros_like(total), where=total > 0)


def standardised(codes: np.ndarray) -> np.ndarray:
    """codes (M, n, d) with mean 0 and variance 1; codes that never change become 0."""
    centred = codes - codes.mean(axis=1, keepdims=True)
    deviation = centred.std(axis=1, keepdims=True)
    return np.divide(centred, deviation, out=np.zeros_like(centred), where=deviation > 0)


def covariances(codes: np.ndarray) -> np.ndarray:
    """Mean products (M, M, d, d) of all codes of all pairs of models, codes (M, n, d) standardised."""
    count, n, d = codes.shape
    flat = codes.transpose(1, 0, 2).reshape(n, count * d)
    return (flat.T @ flat / n).reshape(count, d, count, d).transpose(0, 2, 1, 3)


def lasso(codes: np.ndarray, informative: np.ndarray) -> np.ndarray:
    """|coefficients| (M, M, d, d) that predict the codes of model j, the last axis, from those of model i.

    scikit-learn's Lasso(alpha=0.1), by coordinate descent on all pairs of models at once.
    """
    products = covariances(standardised(codes) * informative[:, None, :])
    own = products[np.arange(len(codes)), np.arange(len(codes))]
    weights = np.zeros_like(products)
    for _ in range(MAX_SWEEPS):
        moved = 0.0
        for k in range(codes.shape[2]):
            explained = np.einsum("il,ijlm->ijm", own[:, k], weights)
            partial = products[:, :, k] - explained + own[:, k, k][:, None, None] * weights[:, :, k]
            shrunk = np.sign(partial) * np.maximum(np.abs(partial) - ALPHA, 0)
            scale = np.broadcast_to(own[:, k, k][:, None, None], shrunk.shape)
            new = np.divide(shrunk, scale, out=np.zeros_like(shrunk), where=scale > 0)
            moved = max(moved, float(np.abs(new - weights[:, :, k]).max()))
            weights[:, :, k] = new
        if moved <= TOLERANCE:
            break
    return np.abs(weights)


def spearman(codes: np.ndarray, informative: np.ndarray) -> np.ndarray:
    """|rank correlations| (M, M, d, d) between the codes of model i and of model j."""
    from scipy.stats import rankdata

    ranks = np.stack([rankdata(array, axis=0) for array in codes])
    return np.abs(covariances(standardised(ranks) * informative[:, None, :]))


SIMILARITIES = {"lasso": lasso, "spearman": spearman}

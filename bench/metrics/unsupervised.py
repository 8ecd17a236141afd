"""Scores of a representation that use no factor: total correlation and dependence between codes."""

import numpy as np

from bench.metrics import flags, mutual_information
from bench.metrics.result import Result

KEYS = (
    "gaussian_total_correlation",
    "gaussian_wasserstein_correlation",
    "gaussian_wasserstein_correlation_norm",
    "mutual_info_score",
)


def total_correlation(covariance: np.ndarray) -> float:
    """Half (sum of log variances - log determinant): the KL of a Gaussian from the product of its marginals.

    inf if codes are linearly dependent.
    """
    _, log_determinant = np.linalg.slogdet(covariance)
    return float(0.5 * (np.log(np.diag(covariance)).sum() - log_determinant))


def wasserstein_correlation(covariance: np.ndarray) -> float:
    """Squared 2-Wasserstein distance of a Gaussian from the product of its marginals."""
    # The reference takes the square root of the unsymmetric D S, whose trace may come out complex; the
    # eigenvalues of D^1/2 S D^1/2 are the same and real.
    deviation = np.sqrt(np.diag(covariance))
    eigenvalues = np.linalg.eigvalsh(deviation[:, None] * covariance * deviation)
    return float(2 * np.trace(covariance) - 2 * np.sqrt(np.maximum(eigenvalues, 0)).sum())


def pairwise_information(labels: np.ndarray) -> np.ndarray:
    """Plug-in information between all pairs of binned codes, labels (n, d) -> (d, d), in nats."""
    d = labels.shape[1]
    matrix = np.zeros((d, d))
    for i in range(d):
        for j in range(i):
            counts = mutual_information.contingency(labels[:, i], labels[:, j])
            matrix[i, j] = matrix[j, i] = mutual_information.plug_in(counts)
    return matrix


def study(rows, *, rng, bins: int = 20) -> Result:
    """Unsupervised scores as in Locatello et al. (2019), protocol section 6.7, on the training codes.

    Codes that never change are left out of the total correlation, which is undefined with them in the
    reference; they count in the mean information between codes, as there.
    """
    codes, _ = rows.train()
    varying = codes[:, ~flags.is_constant(codes)]
    covariance = np.atleast_2d(np.cov(varying, rowvar=False)) if varying.size else np.zeros((0, 0))
    wasserstein = wasserstein_correlation(covariance)
    trace = float(np.trace(covariance))
    information = pairwise_information(mutual_information.binned(rows, bins))
    pairs = max(information.shape[0] * (information.shape[0] - 1), 1)
    values = {
        "gaussian_total_correlation": total_correlation(covariance),
        "gaussian_wasserstein_correlation": wasserstein,
        "gaussian_wasserstein_correlation_norm": wasserstein / trace if trace > 0 else 0.0,
        "mutual_info_score": float(information.sum() / pairs),
    }
    raised = flags.of_codes(codes) + flags.of_bins(len(codes), bins)
    return Result(values, {"covariance": covariance, "mutual_information": information}, raised)

"""Interventional robustness: how far a code strays while its factor keeps a value (Suter et al. 2019)."""

import numpy as np

from bench.metrics import flags, mutual_information
from bench.metrics.result import Result

KEYS = ("irs",)


def robustness(codes: np.ndarray, factors: np.ndarray, quantile: float) -> np.ndarray:
    """1 - (deviation while a factor keeps its value / largest deviation), (d, K), for codes that vary.

    The deviation is the `quantile` of |z - mean(z | value)| in each group, averaged over the values.
    """
    largest = np.abs(codes - codes.mean(axis=0)).max(axis=0)
    deviation = np.zeros((codes.shape[1], factors.shape[1]))
    for k, labels in enumerate(factors.T):
        order = np.argsort(labels, kind="stable")
        groups = np.split(codes[order], np.flatnonzero(np.diff(labels[order])) + 1)
        strays = [np.quantile(np.abs(group - group.mean(axis=0)), quantile, axis=0) for group in groups]
        deviation[:, k] = np.mean(strays, axis=0)
    return 1 - deviation / largest[:, None]


def weighted_best(matrix: np.ndarray, codes: np.ndarray) -> float:
    """Best factor of each code, averaged with the codes' largest deviations as weights."""
    largest = np.abs(codes - codes.mean(axis=0)).max(axis=0)
    return float(np.average(matrix.max(axis=1), weights=largest))


def prepared(rows, bins: int) -> tuple[np.ndarray, np.ndarray]:
    """Training codes that vary, and factors; those with more than `bins` values are cut into `bins` bins."""
    codes, factors = rows.train()
    return codes[:, ~flags.is_constant(codes)], mutual_information.bin_codes(factors.astype(np.float64), bins)


def study(rows, *, rng, bins: int = 20, quantile: float = 0.99) -> Result:
    """IRS of disentanglement_lib, protocol section 6.9, on the training rows; 0 without a varying code.

    Pure noise scores about 0.4 with few rows per value: a 0.99 quantile is compared with an absolute maximum.
    """
    codes, factors = prepared(rows, bins)
    raised = flags.of_codes(rows.train()[0]) + flags.of_factors(factors)
    if not codes.shape[1]:
        return Result({"irs": 0.0}, {}, raised)
    matrix = robustness(codes, factors, quantile)
    return Result({"irs": weighted_best(matrix, codes)}, {"robustness": matrix}, raised)


def corrected(rows, *, rng, bins: int = 20, quantile: float = 0.99, permutations: int = 5) -> Result:
    """IRS above its noise floor: each entry becomes (entry - floor) / (1 - floor), not below 0.

    The floor is the mean entry after permuting the codes against the factors, `permutations` times.
    """
    codes, factors = prepared(rows, bins)
    raised = flags.of_codes(rows.train()[0]) + flags.of_factors(factors)
    if not codes.shape[1]:
        return Result({"irs": 0.0}, {}, raised)
    floors = [robustness(rng.permutation(codes), factors, quantile) for _ in range(permutations)]
    floor = np.mean(floors, axis=0)
    above = robustness(codes, factors, quantile) - floor
    # A factor with one value leaves nothing above the floor, which may reach 1 there.
    matrix = np.maximum(np.divide(above, 1 - floor, out=np.zeros_like(floor), where=floor < 1), 0)
    return Result({"irs": weighted_best(matrix, codes)}, {"robustness": matrix, "floor": floor}, raised)

"""Mutual information gap: how much more the best code knows about a factor than the second best."""

import numpy as np

from bench.metrics import flags, mutual_information
from bench.metrics.result import Result

KEYS = ("mig",)


def gaps(information: np.ndarray, entropy: np.ndarray) -> np.ndarray:
    """(largest - second largest information) / H(factor) of information (d, K), one per factor (K,).

    NaN for a factor with one value. With a single code the second largest is 0.
    """
    ordered = np.sort(np.vstack([np.zeros_like(entropy), information]), axis=0)
    gap = ordered[-1] - ordered[-2]
    return np.divide(gap, entropy, out=np.full_like(gap, np.nan), where=entropy > 0)


def mean_gap(per_factor: np.ndarray) -> float:
    """Mean over the factors that vary; 0 if none does (the reference divides 0 by 0)."""
    varying = per_factor[~np.isnan(per_factor)]
    return float(varying.mean()) if varying.size else 0.0


def study(rows, *, rng, bins: int = 20) -> Result:
    """MIG as in Locatello et al. (2019), protocol section 6.3: plug-in information of mean codes in 20 bins.

    Chen et al. (2018), equation 6, estimate the same gap from the posterior over the whole grid.
    """
    found = mutual_information.of_rows(rows, bins)
    per_factor = gaps(found.matrix, found.entropy)
    arrays = {"mutual_information": found.matrix, "factor_entropy": found.entropy, "per_factor": per_factor}
    return Result({"mig": mean_gap(per_factor)}, arrays, flags.of_binned_rows(rows, bins))


def corrected(rows, *, rng, bins: int = 20) -> Result:
    """MIG of information freed from its plug-in bias (Miller and Madow 1955), never below 0.

    The plug-in estimate is too large by about (bins - 1)(values - 1) / 2n nats, so codes that know nothing
    seem to know something of a factor with many values.
    """
    found = mutual_information.of_rows(rows, bins)
    matrix = np.maximum(found.matrix - found.bias, 0)
    per_factor = gaps(matrix, found.entropy + found.entropy_bias)
    arrays = {"mutual_information": matrix, "per_factor": per_factor}
    return Result({"mig": mean_gap(per_factor)}, arrays, flags.of_binned_rows(rows, bins))

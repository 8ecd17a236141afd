"""Modularity: whether each code depends on one factor only (Ridgeway and Mozer 2018)."""

import numpy as np

from bench.metrics import flags, mutual_information
from bench.metrics.result import Result

KEYS = ("modularity",)


def per_code(information: np.ndarray) -> np.ndarray:
    """1 - (squared information outside the best factor) / (best squared x (K - 1)), of (d, K), per code (d,).

    A code without information scores 0, as in the reference; with one factor every informed code scores 1.
    """
    best = information.max(axis=1)
    rest = (information**2).sum(axis=1) - best**2
    template = best**2 * max(information.shape[1] - 1, 1)
    spread = np.divide(rest, template, out=np.ones(len(rest)), where=template > 0)
    return 1 - spread


def study(rows, *, rng, bins: int = 20) -> Result:
    """Modularity as in Locatello et al. (2019), protocol section 6.6: the mean over all codes, even dead.

    A code that knows nothing still has plug-in information, spread unevenly over the factors; it enters with
    full weight at about 0.7 (0.99 on Cars3D), a constant one at 0. `corrected` undoes both.
    """
    scores = per_code(mutual_information.of_rows(rows, bins).matrix)
    return Result(
        {"modularity": float(scores.mean())}, {"per_code": scores}, flags.of_binned_rows(rows, bins)
    )


def corrected(rows, *, rng, bins: int = 20, active_share: float = 0.01) -> Result:
    """Modularity of information freed from its plug-in bias, averaged over active codes; 0 without any.

    A code is active if, after the correction of Miller and Madow (1955), it knows at least `active_share` of
    the entropy of some factor.
    """
    found = mutual_information.of_rows(rows, bins)
    matrix = np.maximum(found.matrix - found.bias, 0)
    active = (matrix > 0).any(axis=1) & (matrix >= active_share * found.entropy).any(axis=1)
    scores = np.where(active, per_code(matrix), np.nan)
    value = float(scores[active].mean()) if active.any() else 0.0
    none_active = () if active.any() else ("no_active_code",)
    raised = tuple(dict.fromkeys(flags.of_binned_rows(rows, bins) + none_active))
    return Result({"modularity": value}, {"per_code": scores}, raised)

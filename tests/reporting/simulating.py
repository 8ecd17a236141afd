"""How often an interval holds a known truth."""

from collections.abc import Callable

import numpy as np
from numpy.random import Generator

from bench.reporting.statistics import Estimate


def coverage(truth: float, interval: Callable[[Generator], Estimate], simulations: int = 400) -> float:
    """Share of `simulations` studies whose `interval` holds `truth`."""
    rng = np.random.default_rng(0)
    intervals = [interval(rng) for _ in range(simulations)]
    return np.mean([e.low <= truth <= e.high for e in intervals])

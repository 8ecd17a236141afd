"""What every metric returns."""

from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True)
class Result:
    """Scores of one metric on one representation.

    values: the numbers, headline first; arrays: the matrices behind them, codes x factors;
    flags: short words for what the reader must know (`constant_code`, `no_active_code`, ...).
    """

    values: dict[str, float]
    arrays: dict[str, np.ndarray] = field(default_factory=dict)
    flags: tuple[str, ...] = ()

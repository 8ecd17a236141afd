"""Words for inputs that a metric can score but whose score needs a warning."""

import numpy as np


def is_constant(codes: np.ndarray) -> np.ndarray:
    """Whether each code of codes (n, d) never changes, (d,)."""
    # Compared by value: the variance of many equal floats is not always exactly 0.
    return codes.max(axis=0) == codes.min(axis=0)


def of_codes(codes: np.ndarray) -> tuple[str, ...]:
    """`constant_code` if a code never changes, `no_active_code` if none does."""
    constant = is_constant(codes)
    if constant.all():
        return ("constant_code", "no_active_code")
    return ("constant_code",) if constant.any() else ()


def of_factors(factors: np.ndarray) -> tuple[str, ...]:
    """`one_value_factor` if a factor has a single value in these rows, (n, K)."""
    return ("one_value_factor",) if is_constant(factors).any() else ()


def of_bins(n: int, bins: int) -> tuple[str, ...]:
    """`fewer_rows_than_bins` if n rows cannot fill the histogram."""
    return ("fewer_rows_than_bins",) if n < bins else ()


def of_binned_rows(rows, bins: int) -> tuple[str, ...]:
    """Flags of a metric that bins the training codes."""
    codes, factors = rows.train()
    return of_codes(codes) + of_factors(factors) + of_bins(len(codes), bins)

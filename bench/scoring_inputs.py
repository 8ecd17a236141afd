"""Representations given from outside: read, checked, or refused in one sentence."""

import zipfile
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

MAX_FACTORS = 1_000


@dataclass(frozen=True)
class Representation:
    """codes (n, d), factors (n, K), and, where there are any: names (K,), log_variance (n, d), test rows."""

    codes: np.ndarray
    factors: np.ndarray
    factor_names: tuple[str, ...] | None = None
    log_variance: np.ndarray | None = None
    test: tuple[np.ndarray, np.ndarray] | None = None


def read_representation(path) -> Representation:
    """The arrays `codes` and `factors`, optionally `factor_names` and `log_variance`, of an .npz file.

    Nothing is ever unpickled.
    """
    path = Path(path)
    if not path.is_file():
        raise ValueError(
            f"There is no file {path}; give an .npz with the arrays codes (n, d) and factors (n, K)."
        )
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
    except (ValueError, OSError, EOFError, AttributeError, TypeError, zipfile.BadZipFile) as error:
        raise ValueError(
            f"{path} is no .npz file of plain arrays ({error}); write it with numpy.savez, "
            "without Python objects."
        ) from error
    for name in ("codes", "factors"):
        if name not in arrays:
            raise ValueError(
                f"{path} has no array {name!r}, only {', '.join(arrays) or 'none'}; "
                "it needs codes (n, d) and factors (n, K)."
            )
    names = arrays.get("factor_names")
    given = Representation(
        arrays["codes"],
        arrays["factors"],
        None if names is None else tuple(map(str, names)),
        arrays.get("log_variance"),
    )
    return check_rows(given)


def check_rows(given: Representation, test=None) -> Representation:
    """The representation with float codes and int64 factors; ValueError in a sentence if senseless."""
    codes, factors = _codes("codes", given.codes), _factors("factors", given.factors)
    _same_length("codes", codes, "factors", factors)
    if len(codes) < (2 if test is not None else 3):
        raise ValueError(
            f"There is too little to score: codes has {len(codes)} row(s); give at least 3, better 15,000."
        )
    if factors.shape[1] > min(MAX_FACTORS, len(codes)):
        raise ValueError(
            f"factors has {factors.shape[1]} columns for {len(codes)} rows; it must be (n, K), one column "
            "per factor. Is it transposed?"
        )
    names = given.factor_names
    if names is not None and len(names) != factors.shape[1]:
        raise ValueError(
            f"factor_names has {len(names)} names for {factors.shape[1]} factors; give one per column."
        )
    if test is not None:
        test = _check_test(test, codes, factors)
    if given.log_variance is not None:
        _check_log_variance(given.log_variance, len(codes) + (len(test[0]) if test else 0), codes.shape[1])
    return replace(given, codes=codes, factors=factors, test=test)


def _array(name: str, given) -> np.ndarray:
    """An array of what was given; rows of different lengths make none."""
    try:
        return np.asarray(given)
    except ValueError as error:
        raise ValueError(f"{name} is no array: {error}.") from error


def _codes(name: str, given) -> np.ndarray:
    """Finite real numbers (n, d), d > 0."""
    codes = _array(name, given)
    if codes.ndim != 2 or codes.shape[1] == 0:
        raise ValueError(
            f"{name} has shape {codes.shape}; it must be (n, d), a row per sample and a column per code."
        )
    if codes.dtype.kind not in "fiub":
        raise ValueError(f"{name} holds {codes.dtype}; it must hold real numbers.")
    if not np.isfinite(codes).all():
        bad = int((~np.isfinite(codes)).any(axis=1).sum())
        raise ValueError(
            f"{name} has NaN or infinite values in {bad} of {len(codes)} rows; remove or repair them first."
        )
    return codes if codes.dtype == np.float32 else codes.astype(np.float64)


def _factors(name: str, given) -> np.ndarray:
    """Whole numbers (n, K), K > 0; floats are taken if they are whole."""
    factors = _array(name, given)
    if factors.ndim != 2 or factors.shape[1] == 0:
        raise ValueError(
            f"{name} has shape {factors.shape}; it must be (n, K), a row per sample and a column per factor."
        )
    if factors.dtype.kind not in "fiub":
        raise ValueError(
            f"{name} holds {factors.dtype}; it must hold whole numbers, one per value of the factor."
        )
    if factors.dtype.kind == "f" and not (
        np.isfinite(factors).all() and (factors == np.round(factors)).all()
    ):
        raise ValueError(
            f"{name} has values that are not whole numbers; number the values of each factor 0, 1, 2, "
            "or bin continuous ones first."
        )
    if np.abs(factors.astype(np.float64)).max(initial=0) > 2**53:
        raise ValueError(f"{name} has values beyond 2^53; number the values of each factor 0, 1, 2.")
    return factors.astype(np.int64)


def _same_length(name: str, array: np.ndarray, other_name: str, other: np.ndarray) -> None:
    """Refuse arrays of different lengths."""
    if len(array) != len(other):
        raise ValueError(
            f"{name} has {len(array)} rows but {other_name} has {len(other)}; the rows must be the same."
        )


def _check_test(test, codes: np.ndarray, factors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The test rows, of the same codes and factors as the training rows."""
    if not isinstance(test, tuple | list) or len(test) != 2:
        raise ValueError("test must be a pair (codes, factors) of the test rows.")
    test_codes, test_factors = _codes("test codes", test[0]), _factors("test factors", test[1])
    _same_length("test codes", test_codes, "test factors", test_factors)
    if not len(test_codes):
        raise ValueError("test has no rows; leave it out to test on a third of the given rows.")
    for name, one, other in (("codes", test_codes, codes), ("factors", test_factors, factors)):
        if one.shape[1] != other.shape[1]:
            raise ValueError(
                f"test {name} has {one.shape[1]} columns but {name} has {other.shape[1]}; they must agree."
            )
    return test_codes, test_factors


def _check_log_variance(log_variance, n: int, d: int) -> None:
    """Refuse log-variances that do not belong to the codes."""
    array = _codes("log_variance", log_variance)
    if array.shape != (n, d):
        raise ValueError(
            f"log_variance has shape {array.shape}; it must be ({n}, {d}), one per code of every row."
        )

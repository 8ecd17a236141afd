"""Synthetic representations and what published implementations score on them (reference/README.md)."""

import json
import math
from functools import lru_cache
from pathlib import Path

import numpy as np

from bench.rows import Rows

FOLDER = Path(__file__).parent / "reference"
EXPECTED = json.loads((FOLDER / "expected.json").read_text())["cases"]
NAMES = tuple(EXPECTED)


class Grid:
    """A full factor grid, as much of a data set as whole-grid rows need."""

    def __init__(self, name: str, sizes):
        self.name, self.factor_sizes, self.size = name, tuple(sizes), math.prod(sizes)

    def factors(self, index):
        return np.stack(np.unravel_index(index, self.factor_sizes), axis=-1)


@lru_cache(maxsize=2)
def arrays(name: str) -> dict[str, np.ndarray]:
    """The stored arrays, codes as float64 and factors as int64, as the reference was given them."""
    with np.load(FOLDER / f"{name}.npz") as file:
        stored = dict(file)
    for part in ("train", "test"):
        stored[f"codes_{part}"] = stored[f"codes_{part}"].astype(np.float64)
        stored[f"factors_{part}"] = stored[f"factors_{part}"].astype(np.int64)
    return stored


def rows(name: str) -> Rows:
    """The case's 10,000 training and 5,000 test rows as given rows."""
    a = arrays(name)
    return Rows.given(a["codes_train"], a["factors_train"], (a["codes_test"], a["factors_test"]))


def grid_codes(name: str, factors: np.ndarray) -> np.ndarray:
    """Codes (n, d) float32 of factors (n, K): additive tables plus noise, a function of the grid index."""
    a = arrays(name)
    signal = sum(a[f"table_{k}"][factors[:, k]] for k in range(factors.shape[1]))
    d = signal.shape[1]
    index = np.ravel_multi_index(tuple(factors.T), tuple(a["factor_sizes"])).astype(np.uint64)
    with np.errstate(over="ignore"):
        z = index[:, None] * np.uint64(d) + np.arange(1, d + 1, dtype=np.uint64)
        z = z * np.uint64(0x9E3779B97F4A7C15) + np.uint64(a["noise_seed"]) * np.uint64(0xD1B54A32D192ED03)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    uniform = ((z ^ (z >> np.uint64(31))) >> np.uint64(11)).astype(np.float64) * 2.0**-53
    return (signal + a["noise_sigma"] * math.sqrt(3) * (2 * uniform - 1)).astype(np.float32)


@lru_cache(maxsize=1)
def grid_rows(name: str, seed: int = 0) -> Rows:
    """Rows that draw from the case's whole factor grid, as the reference's samplers do."""
    grid = Grid(name, arrays(name)["factor_sizes"])
    codes = grid_codes(name, grid.factors(np.arange(grid.size)))
    return Rows.whole_grid(codes, None, grid, seed=seed)


def expected(name: str, metric: str) -> dict:
    """Values, tolerances and details of a metric on a case."""
    return EXPECTED[name]["metrics"][metric]

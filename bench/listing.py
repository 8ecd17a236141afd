"""What `bench list` shows: names and a few words each."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from bench.data import DATASETS
from bench.grid import load_grid, shipped_grids
from bench.metrics import DEFAULT_ESTIMATOR, METRICS
from bench.settings import IMAGE_SIZE, MODEL_SETTINGS

Lines = Iterator[tuple[str, str]]


def models() -> Lines:
    """Models with what they are and the parameter that a grid sweeps."""
    for name, settings in MODEL_SETTINGS.items():
        swept = f"  [{settings.hyperparameter}]" if settings.hyperparameter else ""
        yield name, settings.__doc__.splitlines()[0].rstrip(".") + swept


def metrics() -> Lines:
    """Metrics with their estimators, the default first."""
    for name, estimators in METRICS.items():
        default = DEFAULT_ESTIMATOR[name]
        others = [f"{name}@{other}" for other in estimators if other != default]
        yield name, f"{name}@{default}" + (f" (also {', '.join(others)})" if others else "")


def datasets() -> Lines:
    """Data sets with their factors and where their images can come from."""
    for name, entry in DATASETS.items():
        factors = ", ".join(
            f"{factor} {size}" for factor, size in zip(entry.factor_names, entry.factor_sizes, strict=True)
        )
        yield name, f"{factors}; {' or '.join(entry.caches)}"


def grids() -> Lines:
    """Grids that ship with bench."""
    for name, path in shipped_grids().items():
        yield name, f"{len(load_grid(path).cells):,} cells; {path}"


def architectures() -> Lines:
    """Architectures with the size of the images they take."""
    for name, side in IMAGE_SIZE.items():
        yield name, f"{side}×{side} images" + ("" if side == 64 else ", averaged from 64×64")


LISTINGS: dict[str, Callable[[], Lines]] = {
    "models": models,
    "metrics": metrics,
    "datasets": datasets,
    "grids": grids,
    "architectures": architectures,
}

"""bench reruns, and goes beyond, the disentanglement study of Locatello et al. (ICML 2019).

    grid = bench.load_grid("grids/quickstart.yaml")
    bench.run(grid)
    scores = bench.load_scores("results/quickstart", wide=True)

Everything is imported when it is first used: reading scores loads neither torch nor ray.
"""

from __future__ import annotations

import importlib

from bench.version import __version__

_PUBLIC = {
    "load_grid": "bench.grid",
    "run": "bench.running",
    "load_scores": "bench.store",
    "score": "bench.scoring",
    "score_encoder": "bench.encoders",
    "report": "bench.reporting",
}

__all__ = ["__version__", *_PUBLIC]


def __getattr__(name: str):
    if name not in _PUBLIC:
        raise AttributeError(f"bench has no {name!r}; it has {', '.join(_PUBLIC)}")
    return getattr(importlib.import_module(_PUBLIC[name]), name)


def __dir__() -> list[str]:
    return __all__

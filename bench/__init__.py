"""bench reruns, and goes beyond, the disentanglement study of Locatello et al. (ICML 2019).

    grid = bench.load_grid("grids/quickstart.yaml")
    bench.run(grid)
    scores = bench.load_scores("results/quickstart", wide=True)

Everything is imported when it is first used: reading scores loads neither torch nor ray.
"""

from __future__ import annotations

import importlib

from bench.version import __version__

#: public name -> where it is defined.
_PUBLIC = {
    "load_grid": ("bench.grid", "load_grid"),
    "run": ("bench.running", "run"),
    "load_scores": ("bench.reading", "load_scores"),
    "score": ("bench.scoring", "score"),
    "score_encoder": ("bench.encoders", "score_encoder"),
    "report": ("bench.reporting", "build"),
}

__all__ = ["__version__", *_PUBLIC]


def __getattr__(name: str):
    if name not in _PUBLIC:
        raise AttributeError(f"bench has no {name!r}; it has {', '.join(_PUBLIC)}")
    module, attribute = _PUBLIC[name]
    return getattr(importlib.import_module(module), attribute)


def __dir__() -> list[str]:
    return __all__

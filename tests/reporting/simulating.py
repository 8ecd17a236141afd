"""Studies of known effects, and how often an interval holds a known truth."""

from collections.abc import Callable

import numpy as np
from numpy.random import Generator

from bench.reporting.cells import assemble
from bench.reporting.claims.evidence import Evidence, Layout, of_paper
from bench.reporting.statistics import Estimate
from tests.reporting.synthetic import make_plan, make_scores


def coverage(truth: float, interval: Callable[[Generator], Estimate], simulations: int = 400) -> float:
    """Share of `simulations` studies whose `interval` holds `truth`."""
    rng = np.random.default_rng(0)
    intervals = [interval(rng) for _ in range(simulations)]
    return np.mean([e.low <= truth <= e.high for e in intervals])


def layout(datasets, seeds, models=("beta_vae", "factor_vae", "beta_tc_vae")) -> Layout:
    """Where the cells of a study lie; every objective has six values."""
    plan = make_plan(datasets, {m: [1, 2, 4, 6, 8, 16] for m in models}, seeds)
    scores = make_scores(plan, downstream=False)
    return Evidence.of_study(of_paper(assemble("made up", scores, plan))).layout


def with_scores(of: Layout, level: np.ndarray, rng: Generator, shared: float = 0.7) -> Evidence:
    """Scores of all metrics: `level` (n, metrics) and standard normal noise of the seeds, partly `shared`."""
    values = np.full((len(of.data), len(of.at)), np.nan)
    own = rng.standard_normal((len(values), len(of.metrics)))
    noise = np.sqrt(shared) * rng.standard_normal((len(values), 1)) + np.sqrt(1 - shared) * own
    values[:, [of.at[m.name] for m in of.metrics]] = level + noise
    return Evidence(of, values)

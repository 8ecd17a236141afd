"""Claims on the metrics themselves: agreement and shares of variance (Figures 2, 12, Table 5)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bench.reporting.claims.evidence import MILD, STRONG, Evidence, known_mean, mean
from bench.reporting.published import PUBLISHED

CLOSE_PAIRS = (("beta_vae", "factor_vae"), ("mig", "dci"))
ALIKE = ("dSprites", "Color-dSprites", "Scream-dSprites")


def closest_pairs(evidence: Evidence) -> np.ndarray:
    """Rank of 15, mean over data sets, of BetaVAE–FactorVAE and of MIG–DCI among all pairs of metrics: the
    lower pair’s."""
    pairs, rho = _pairs(evidence, evidence.layout.datasets)
    own = rho[:, [pair in CLOSE_PAIRS for pair in pairs]]
    higher, equal = ((f(rho[:, None], own[:, :, None])).sum(axis=2) for f in (np.greater, np.equal))
    ranks = np.where(np.isfinite(own), 1 + higher + (equal - 1) / 2, np.nan)
    return known_mean(ranks if len(pairs) == 15 else ranks[:0], axis=0)


def modularity_apart(evidence: Evidence) -> np.ndarray:
    """Modularity’s correlations with the other metrics: least margin of their mean below that of the others
    among themselves, and of each one’s mean size over data sets below 0.5."""
    pairs, rho = _pairs(evidence, evidence.layout.datasets)
    apart = np.array(["modularity" in pair for pair in pairs], bool)
    own, others = rho[:, apart], rho[:, ~apart]
    return np.append(MILD - known_mean(np.abs(own), axis=0), mean(others.ravel()) - mean(own.ravel()))


def agreement_by_dataset(evidence: Evidence) -> np.ndarray:
    """Mean correlation of the metrics but Modularity: least margin of that on dSprites, on Color- and on
    Scream-dSprites above 0.5 and above that on any other data set, and of any other’s below 0.7."""
    pairs, rho = _pairs(evidence, evidence.layout.datasets)
    found = known_mean(rho[:, ["modularity" not in pair for pair in pairs]], axis=1)
    alike = np.array([data in ALIKE for data in evidence.layout.datasets], bool)
    strong, mild = found[alike], found[~alike]
    return np.concatenate([strong - MILD, np.subtract.outer(strong, mild).ravel(), STRONG - mild])


def figure_2_distance(evidence: Evidence) -> float:
    """Mean absolute difference from the remembered numbers of Figure 2, Noisy-dSprites, in 100·ρ."""
    pairs, rho = _pairs(evidence, [data for data in evidence.layout.datasets if data == "Noisy-dSprites"])
    published = [PUBLISHED.figure_2(*pair) for pair in pairs]
    return mean(np.abs(100 * rho - np.array(published, float)).ravel())


def _pairs(evidence: Evidence, datasets: Sequence[str]) -> tuple[list[tuple[str, str]], np.ndarray]:
    """Every pair of metrics in the paper's order, and their correlations (data sets, pairs)."""
    metrics = evidence.layout.metrics
    left, right = np.triu_indices(len(metrics), 1)
    rho = evidence.between(metrics, metrics, datasets)[:, left, right]
    return [(metrics[a].metric, metrics[b].metric) for a, b in zip(left, right, strict=True)], rho


def objective_share(evidence: Evidence) -> float:
    """Mean R² in percent of the scores on the objective, over data sets and metrics, as at 50 seeds."""
    return mean(list(evidence.shares_explained("model").values()))


def value_share(evidence: Evidence) -> float:
    """Mean R² in percent of the scores on objective × value, over data sets and metrics, as at 50 seeds."""
    return mean(list(evidence.shares_explained("setting").values()))


def paper_objective_share(evidence: Evidence) -> float:
    """Mean of Table 5a over the data sets and metrics that the study has."""
    return mean([PUBLISHED.table_5("t5a", *entry) for entry in evidence.shares_explained("model")])


def paper_value_share(evidence: Evidence) -> float:
    """Mean of Table 5b over the data sets and metrics that the study has."""
    return mean([PUBLISHED.table_5("t5b", *entry) for entry in evidence.shares_explained("setting")])

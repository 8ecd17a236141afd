"""Claims on the metrics themselves: agreement, overlap, seeds, variance (Figures 2, 3, 12–15, Table 5)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bench.reporting.claims.evidence import Evidence, mean
from bench.reporting.published import PUBLISHED

CLOSE_PAIRS = (("beta_vae", "factor_vae"), ("mig", "dci"))
ALIKE = ("dSprites", "Color-dSprites", "Scream-dSprites")


def closest_pairs(evidence: Evidence) -> float:
    """Mean rank, of 15, of the pairs BetaVAE–FactorVAE and MIG–DCI among all pairs of metrics."""
    pairs, rho = _pairs(evidence, evidence.layout.datasets)
    own = rho[:, [pair in CLOSE_PAIRS for pair in pairs]]
    higher, equal = ((f(rho[:, None], own[:, :, None])).sum(axis=2) for f in (np.greater, np.equal))
    ranks = np.where(np.isfinite(own), 1 + higher + (equal - 1) / 2, np.nan)
    return mean(ranks.ravel()) if len(evidence.layout.metrics) == 6 else float("nan")


def modularity_apart(evidence: Evidence) -> float:
    """Mean correlation of Modularity with the other metrics minus that of the others among themselves."""
    pairs, rho = _pairs(evidence, evidence.layout.datasets)
    apart = np.array(["modularity" in pair for pair in pairs], bool)
    return mean(rho[:, apart].ravel()) - mean(rho[:, ~apart].ravel())


def agreement_by_dataset(evidence: Evidence) -> float:
    """Mean correlation of the metrics but Modularity: dSprites, Color-, Scream-dSprites minus the others."""
    pairs, rho = _pairs(evidence, evidence.layout.datasets)
    rho = rho[:, ["modularity" not in pair for pair in pairs]]
    alike = np.array([data in ALIKE for data in evidence.layout.datasets], bool)
    return mean(rho[alike].ravel()) - mean(rho[~alike].ravel())


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


def consistent_winner(evidence: Evidence) -> float:
    """Largest share of (data set, metric) in which one objective beats each other with P > ½."""
    layout, winners = evidence.layout, []
    for data in layout.datasets:
        rows = layout.place(data)
        evidence.note(rows, layout.metrics)
        for metric in layout.metrics:
            x = evidence.values[rows, layout.at[metric.name]]
            there = np.isfinite(x)
            label = layout.model[rows][there]
            others = len(np.unique(label)) - 1
            if others > 0:
                beaten = (wins(x[there], label) > 0.5).sum(axis=1)
                winners.append(beaten.argmax() if beaten.max() == others else len(layout.models))
    most = np.bincount(winners, minlength=len(layout.models) + 1)[:-1].max(initial=0)
    return float(most / len(winners)) if len(winners) > 1 else float("nan")


def wins(x: np.ndarray, label: np.ndarray) -> np.ndarray:
    """P(a random score of `x` (n,) with label a lies above one with label b), ties half: (labels, labels).

    statistics.auc of every pair of labels 0, 1, … at once: there are 630 in each resample of a whole study.
    """
    values, place = np.unique(x, return_inverse=True)
    counts = np.zeros((label.max() + 1, len(values)))
    np.add.at(counts, (label, place), 1)
    below = np.cumsum(counts, axis=1) - counts
    sizes = counts.sum(axis=1)
    with np.errstate(invalid="ignore"):  # a label without scores wins nothing
        return counts @ (below + counts / 2).T / np.outer(sizes, sizes)


def consistent_strength(evidence: Evidence) -> float:
    """Mean over objectives of the share of (data set, metric) with the most frequent best strength."""
    return mean([_most_frequent_best(evidence, model) for model in evidence.layout.models])


def _most_frequent_best(evidence: Evidence, model: str) -> float:
    """Share of (data set, metric) in which the most frequent best value of `model` has the highest median."""
    layout, best = evidence.layout, []
    strength = layout.settings["rank"].to_numpy()
    for data in layout.datasets:
        settings = layout.of_setting.get((data, model), np.array([], int))
        if len(settings) > 1:
            medians = evidence.medians_of(layout.metrics, settings)
            scored = np.isfinite(medians).all(axis=0)
            best += list(strength[settings][medians[:, scored].argmax(axis=0)])
    return np.bincount(best).max() / len(best) if len(best) > 1 else float("nan")


def bad_value_good_seed(evidence: Evidence) -> float:
    """P(a random seed of the worst value is at least as good as one of the best): Cars3D, mean of scores."""
    found = []
    for (data, _), settings in evidence.layout.of_setting.items():
        for metric in evidence.layout.metrics if data == "Cars3D" else ():
            medians = evidence.median_of(metric, settings)
            if len(medians) > 1 and np.isfinite(medians).all():
                best, worst = (
                    evidence.scores(metric, evidence.layout.members[settings[i]])
                    for i in (medians.argmax(), medians.argmin())
                )
                found.append((worst[:, None] >= best[None, :]).mean())
    return mean(found)


def objective_share(evidence: Evidence) -> float:
    """Mean R² in percent of the scores on the objective, over data sets and metrics, as at 50 seeds."""
    return mean(list(evidence.shares_explained("model").values()))


def value_share(evidence: Evidence) -> float:
    """Mean R² in percent of the scores on objective × value, over data sets and metrics, as at 50 seeds."""
    return mean(list(evidence.shares_explained("setting").values()))


def seed_share(evidence: Evidence) -> float:
    """What objective and value leave of the variance of the scores, in percent, as at 50 seeds."""
    return 100 - value_share(evidence)


def paper_objective_share(evidence: Evidence) -> float:
    """Mean of Table 5a over the data sets and metrics that the study has."""
    return mean([PUBLISHED.table_5("t5a", *entry) for entry in evidence.shares_explained("model")])


def paper_value_share(evidence: Evidence) -> float:
    """Mean of Table 5b over the data sets and metrics that the study has."""
    return mean([PUBLISHED.table_5("t5b", *entry) for entry in evidence.shares_explained("setting")])


def paper_seed_share(evidence: Evidence) -> float:
    """What the entries of Table 5b that the study has leave to the seed."""
    return 100 - paper_value_share(evidence)

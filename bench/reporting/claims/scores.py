"""Claims on the metrics themselves: agreement, overlap, seeds, variance (Figures 2, 3, 12–15, Table 5)."""

from __future__ import annotations

import numpy as np

from bench.reporting.claims.evidence import Evidence, mean
from bench.reporting.published import PUBLISHED

CLOSE_PAIRS = ({"beta_vae", "factor_vae"}, {"mig", "dci"})
ALIKE = ("dSprites", "Color-dSprites", "Scream-dSprites")


def closest_pairs(evidence: Evidence) -> float:
    """Mean rank, of 15, of the pairs BetaVAE–FactorVAE and MIG–DCI among all pairs of metrics."""
    pairs = evidence.pairs()
    close = [{a, b} in CLOSE_PAIRS for a, b in zip(pairs["a"], pairs["b"], strict=True)]
    return mean(pairs.loc[close, "rank"]) if len(evidence.layout.metrics) >= 6 else float("nan")


def modularity_apart(evidence: Evidence) -> float:
    """Mean correlation of Modularity with the other metrics minus that of the others among themselves."""
    pairs = evidence.pairs()
    apart = (pairs["a"] == "modularity") | (pairs["b"] == "modularity")
    return mean(pairs.loc[apart, "rho"]) - mean(pairs.loc[~apart, "rho"])


def agreement_by_dataset(evidence: Evidence) -> float:
    """Mean correlation of the metrics but Modularity: dSprites, Color-, Scream-dSprites minus the others."""
    pairs = evidence.pairs()
    pairs = pairs[(pairs["a"] != "modularity") & (pairs["b"] != "modularity")]
    alike = pairs["data"].isin(ALIKE)
    return mean(pairs.loc[alike, "rho"]) - mean(pairs.loc[~alike, "rho"])


def figure_2_distance(evidence: Evidence) -> float:
    """Mean absolute difference from the remembered numbers of Figure 2, Noisy-dSprites, in 100·ρ."""
    here = evidence.pairs("Noisy-dSprites")
    names = {"beta_vae": "betavae", "factor_vae": "factorvae"}
    gaps = []
    for row in here.itertuples():
        published = PUBLISHED.values.get(f"fig2_{names.get(row.a, row.a)}_{names.get(row.b, row.b)}")
        gaps += [abs(100 * row.rho - float(published.value))] if published else []
    return mean(gaps)


def consistent_winner(evidence: Evidence) -> float:
    """Share of (data set, metric) in which the objective that wins most often has the highest median."""
    return _most_frequent(evidence, "model")


def consistent_strength(evidence: Evidence) -> float:
    """Mean over objectives of the share of (data set, metric) with the most frequent best strength."""
    return mean([_most_frequent(evidence, "rank", model) for model in evidence.layout.models])


def _most_frequent(evidence: Evidence, what: str, model: str | None = None) -> float:
    """Share of (data set, metric) that the most frequent winner wins: the highest median of cell medians."""
    settings, winners = evidence.layout.settings, []
    metrics = evidence.layout.metrics
    chosen = np.ones(len(settings), bool) if model is None else (settings["model"] == model).to_numpy()
    label, data = settings[what].to_numpy(), settings["data"].to_numpy()
    for dataset in evidence.layout.datasets:
        here = chosen & (data == dataset)
        names = np.unique(label[here])
        if len(names) > 1:
            rows = [np.flatnonzero(here & (label == n)) for n in names]
            medians = np.array(
                [np.median(evidence.medians_of(metrics, settings), axis=0) for settings in rows]
            )
            scored = np.isfinite(medians).all(axis=0)
            winners += list(names[medians[:, scored].argmax(axis=0)])
    counts = np.unique(np.array(winners, dtype=str), return_counts=True)[1]
    return float(counts.max() / counts.sum()) if len(winners) > 1 else float("nan")


def bad_value_good_seed(evidence: Evidence) -> float:
    """P(a random seed of the worst value is at least as good as one of the best), mean over all scores."""
    found = []
    for settings in evidence.layout.of_setting.values():
        for metric in evidence.layout.metrics:
            medians = evidence.median_of(metric, settings)
            if len(medians) > 1 and np.isfinite(medians).all():
                best, worst = (
                    evidence.scores(metric, evidence.layout.members[settings[i]])
                    for i in (medians.argmax(), medians.argmin())
                )
                found.append((worst[:, None] >= best[None, :]).mean())
    return mean(found)


def objective_share(evidence: Evidence) -> float:
    """Mean R² in percent of the scores on the objective, over data sets and metrics."""
    return mean(evidence.share_explained("model"))


def value_share(evidence: Evidence) -> float:
    """Mean R² in percent of the scores on objective × value, over data sets and metrics."""
    return mean(evidence.share_explained("setting"))

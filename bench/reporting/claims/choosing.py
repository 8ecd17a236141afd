"""Claims on choosing models and on downstream tasks (Figures 4–6, 16–24, Table 1)."""

from __future__ import annotations

from itertools import combinations

import numpy as np

from bench.reporting.claims.evidence import Evidence, mean
from bench.reporting.statistics import spearman_rows

SPRITES = ("dSprites", "Color-dSprites", "Noisy-dSprites", "Scream-dSprites")


def best_label_free(evidence: Evidence) -> float:
    """Largest |mean correlation| over data sets and metrics of any unsupervised score with the metrics."""
    # the paper's four selectors: TC of samples; UDR came later
    rows = [c for c in evidence.layout.unsupervised if c.representation != "mean"]
    if not rows or not evidence.layout.metrics:
        return float("nan")
    found = evidence.between(rows, evidence.layout.metrics, evidence.layout.datasets)
    strongest = [abs(mean(found[:, row])) for row in range(len(rows))]
    return float(np.nanmax(strongest)) if np.isfinite(strongest).any() else float("nan")


def only_color_transfers(evidence: Evidence) -> float:
    """Correlation of cell medians dSprites–Color-dSprites minus the largest other pair’s, over metrics."""
    if not {"dSprites", "Color-dSprites"} < set(evidence.layout.datasets):
        return float("nan")
    settings, gaps = evidence.layout.settings, []
    place = (
        settings.assign(at=range(len(settings))).pivot(index="choice", columns="data", values="at").dropna()
    )
    pairs = list(combinations(place.columns, 2))
    own = [set(pair) == {"dSprites", "Color-dSprites"} for pair in pairs].index(True)
    for metric in evidence.layout.metrics if len(place) >= 5 else ():
        medians = {data: evidence.median_of(metric, place[data].to_numpy(int)) for data in place.columns}
        rho = spearman_rows(*(np.stack([medians[pair[side]] for pair in pairs]) for side in (0, 1)))
        gaps.append(rho[own] - np.max(np.delete(rho, own), initial=-1.0))
    return mean(gaps)


def downstream_on_sprites(evidence: Evidence) -> float:
    """Mean correlation of the metrics but Modularity with GBT accuracy at 10,000, dSprites variants."""
    column = evidence.layout.study.column("downstream", "trees/10000/mean_test_accuracy")
    metrics = [m for m in evidence.layout.metrics if m.metric != "modularity"]
    datasets = [d for d in evidence.layout.datasets if d in SPRITES]
    return _mean_correlation(evidence, metrics, [column], datasets)


def efficiency_gain(evidence: Evidence) -> float:
    """Mean correlation of the metrics with statistical efficiency, both learners, all data sets."""
    columns = [c for c in evidence.layout.tasks if c.key.endswith("/efficiency")]
    return _mean_correlation(evidence, evidence.layout.metrics, columns, evidence.layout.datasets)


def total_correlation_downstream(evidence: Evidence) -> float:
    """Mean correlation of TC, of samples and of the mean, with downstream accuracy."""
    rows = [c for c in evidence.layout.unsupervised if c.metric == "unsupervised"]
    columns = [c for c in evidence.layout.tasks if c.key.endswith("mean_test_accuracy")]
    return _mean_correlation(evidence, rows, columns, evidence.layout.datasets)


def _mean_correlation(evidence: Evidence, rows: list, columns: list, datasets: list[str]) -> float:
    if not rows or not columns or None in columns or not datasets:
        return float("nan")
    return mean(evidence.between(rows, columns, datasets).ravel())

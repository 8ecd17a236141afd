"""Claims on choosing models and on downstream tasks (Figures 4–6, 16–24, Table 1)."""

from __future__ import annotations

from itertools import combinations

import numpy as np

from bench.reporting.claims.evidence import Evidence, mean
from bench.reporting.exhibits.downstream import downstream_columns
from bench.reporting.exhibits.label_free import unsupervised_columns

SPRITES = ("dSprites", "Color-dSprites", "Noisy-dSprites", "Scream-dSprites")


def best_label_free(evidence: Evidence) -> float:
    """Largest |mean correlation| over data sets and metrics of any unsupervised score with the metrics."""
    rows = unsupervised_columns(evidence.study)
    if not rows or not evidence.metrics:
        return float("nan")
    found = evidence.rows_against(rows, evidence.metrics, evidence.datasets)
    return float(np.nanmax(np.abs(np.nanmean(found, axis=(0, 2)))))


def only_color_transfers(evidence: Evidence) -> float:
    """Correlation of cell medians dSprites–Color-dSprites minus the largest other pair’s, over metrics."""
    if not {"dSprites", "Color-dSprites"} < set(evidence.datasets):
        return float("nan")
    gaps = []
    for metric in evidence.metrics:
        table = evidence.medians.pivot(index="choice", columns="data", values=metric.name)
        rho = table.corr(method="spearman", min_periods=5)
        pairs = {frozenset(p): rho.loc[p] for p in combinations(rho.columns, 2)}
        own = pairs.pop(frozenset(("dSprites", "Color-dSprites")))
        gaps.append(own - np.nanmax([*pairs.values(), -1]))
    return mean(gaps)


def downstream_on_sprites(evidence: Evidence) -> float:
    """Mean correlation of the metrics but Modularity with GBT accuracy at 10,000, dSprites variants."""
    column = evidence.column("downstream", "trees/10000/mean_test_accuracy")
    metrics = [m for m in evidence.metrics if m.metric != "modularity"]
    datasets = [d for d in evidence.datasets if d in SPRITES]
    return _mean_correlation(evidence, metrics, [column], datasets)


def efficiency_gain(evidence: Evidence) -> float:
    """Mean correlation of the metrics with statistical efficiency, both learners, all data sets."""
    columns = [c for c in downstream_columns(evidence.study) if c.key.endswith("/efficiency")]
    return _mean_correlation(evidence, evidence.metrics, columns, evidence.datasets)


def total_correlation_downstream(evidence: Evidence) -> float:
    """Mean correlation of TC, of samples and of the mean, with downstream accuracy."""
    rows = [
        c for c in unsupervised_columns(evidence.study, ("sampled", "mean")) if c.metric == "unsupervised"
    ]
    columns = [c for c in downstream_columns(evidence.study) if c.key.endswith("mean_test_accuracy")]
    return _mean_correlation(evidence, rows, columns, evidence.datasets)


def _mean_correlation(evidence: Evidence, rows: list, columns: list, datasets: list[str]) -> float:
    if not rows or not columns or None in columns or not datasets:
        return float("nan")
    return mean(evidence.rows_against(rows, columns, datasets).ravel())

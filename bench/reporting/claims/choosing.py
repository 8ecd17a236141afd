"""Claims on choosing models and on downstream tasks (Figures 4–6, 16–24, Table 1)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np

from bench.reporting.cells import Column
from bench.reporting.claims.evidence import Evidence, Lacking, mean
from bench.reporting.exhibits.entangled_codes import TC
from bench.reporting.names import LEARNERS
from bench.reporting.statistics import spearman_rows

SPRITES = ("dSprites", "Color-dSprites", "Noisy-dSprites", "Scream-dSprites")
ELSEWHERE = ("SmallNORB", "Cars3D")  # neither dSprites variants nor Shapes3D, where the paper finds some
VISIBLE = 0.3  # below this |ρ| two rankings share less than a tenth of their variance


def most_consistent_selector(evidence: Evidence) -> float:
    """Largest share of (data set, metric) in which reconstruction, TC of samples, KL or ELBO has one sign and
    |ρ| ≥ 0.3."""
    # §7.5: a consistent selector has one sign throughout. A mean over the correlations would not tell weak
    # ones of one sign from strong ones of both.
    column = evidence.layout.column
    rows = [column("unsupervised", TC, "sampled")]
    rows += [column("training", key, "none") for key in ("reconstruction", "kl", "elbo")]
    found = evidence.between(rows, evidence.layout.metrics, evidence.layout.datasets)
    shares = [
        max(mean(rho >= VISIBLE), mean(rho <= -VISIBLE))
        for rho in (found[:, i][np.isfinite(found[:, i])] for i in range(len(rows)))
        if len(rho)
    ]
    return max(shares, default=float("nan"))


def only_color_transfers(evidence: Evidence) -> float:
    """Correlation of cell medians dSprites–Color-dSprites minus the largest other pair’s, over metrics."""
    if not {"dSprites", "Color-dSprites"} < set(evidence.layout.datasets):
        return float("nan")
    place, gaps = evidence.layout.shared, []
    pairs = list(combinations(place, 2))
    own = [set(pair) == {"dSprites", "Color-dSprites"} for pair in pairs].index(True)
    for metric in evidence.layout.metrics if len(place["dSprites"]) >= 5 else ():
        medians = {data: evidence.median_of(metric, settings) for data, settings in place.items()}
        rho = spearman_rows(*(np.stack([medians[pair[side]] for pair in pairs]) for side in (0, 1)))
        gaps.append(rho[own] - np.max(np.delete(rho, own), initial=-1.0))
    return mean(gaps)


def downstream_on_sprites(evidence: Evidence) -> float:
    """Mean correlation of the metrics but Modularity with GBT accuracy at 10,000, dSprites variants."""
    return _with_accuracy(evidence, SPRITES, modularity=False)


def modularity_downstream(evidence: Evidence) -> float:
    """Mean correlation of Modularity with GBT accuracy at 10,000, dSprites variants."""
    return _with_accuracy(evidence, SPRITES, modularity=True)


def downstream_elsewhere(evidence: Evidence) -> float:
    """Mean correlation of the metrics but Modularity with GBT accuracy at 10,000, SmallNORB and Cars3D."""
    return _with_accuracy(evidence, ELSEWHERE, modularity=False)


def efficiency_gain(evidence: Evidence) -> float:
    """Mean correlation of the metrics with statistical efficiency, both learners, all data sets."""
    columns = [evidence.layout.column("downstream", f"{learner}/efficiency") for learner in LEARNERS]
    return _mean_correlation(evidence, evidence.layout.metrics, columns, evidence.layout.datasets)


def efficiency_on_shapes(evidence: Evidence) -> float:
    """Mean correlation of DCI and MIG with the statistical efficiency of GBT on Shapes3D."""
    metrics = [m for m in evidence.layout.metrics if m.metric in ("dci", "mig")]
    column = evidence.layout.column("downstream", "trees/efficiency")
    return _mean_correlation(evidence, metrics, [column], ["Shapes3D"]) if len(metrics) > 1 else float("nan")


def total_correlation_downstream(evidence: Evidence) -> float:
    """Mean |correlation| of TC, of samples and of the mean, with downstream accuracy."""
    # sizes, since strong correlations of both signs are not mild ones, though their mean is
    rows = [evidence.layout.column("unsupervised", TC, where) for where in ("sampled", "mean")]
    columns = [c for c in evidence.layout.tasks if c.key.endswith("mean_test_accuracy")]
    if not columns:
        raise Lacking("the study has no downstream accuracy")
    return mean(np.abs(evidence.between(rows, columns, evidence.layout.datasets)).ravel())


def _with_accuracy(evidence: Evidence, datasets: Sequence[str], modularity: bool) -> float:
    column = evidence.layout.column("downstream", "trees/10000/mean_test_accuracy")
    metrics = [m for m in evidence.layout.metrics if (m.metric == "modularity") == modularity]
    return _mean_correlation(evidence, metrics, [column], datasets)


def _mean_correlation(
    evidence: Evidence, rows: Sequence[Column], columns: Sequence[Column], datasets: Sequence[str]
) -> float:
    there = [data for data in evidence.layout.datasets if data in datasets]
    return mean(evidence.between(rows, columns, there).ravel())

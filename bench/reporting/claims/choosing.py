"""Claims on choosing models and on downstream tasks (Figures 4–6, 16–24, Table 1)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bench.reporting.cells import Column
from bench.reporting.claims.evidence import MILD, STRONG, VISIBLE, Evidence, Lacking, known_mean, mean
from bench.reporting.exhibits.entangled_codes import TC
from bench.reporting.names import LEARNERS
from bench.reporting.statistics import spearman_rows

SPRITES = ("dSprites", "Color-dSprites", "Noisy-dSprites", "Scream-dSprites")
ELSEWHERE = ("SmallNORB", "Cars3D")  # neither dSprites variants nor Shapes3D, where the paper finds some


def consistent_selector(evidence: Evidence) -> np.ndarray:
    """Share of (data set, metric) in which reconstruction, TC of samples, KL or ELBO has one sign and |ρ| ≥
    0.3: the largest."""
    # §7.5: a consistent selector has one sign throughout. A mean over the correlations would not tell weak
    # ones of one sign from strong ones of both.
    column = evidence.layout.column
    rows = [column("unsupervised", TC, "sampled")]
    rows += [column("training", key, "none") for key in ("reconstruction", "kl", "elbo")]
    found = evidence.between(rows, evidence.layout.metrics, evidence.layout.datasets)
    return np.concatenate([known_mean(_visible(sign * found), axis=(0, 2)) for sign in (1, -1)])


def only_color_transfers(evidence: Evidence) -> np.ndarray:
    """Correlation of cell medians between data sets, mean over metrics: least margin of
    dSprites–Color-dSprites’s above 0.5 and above any other pair’s, and of the others’ below 0.7."""
    evidence.note(np.arange(len(evidence.values)), evidence.layout.metrics)
    if not {"dSprites", "Color-dSprites"} < set(evidence.layout.datasets):
        return np.array([np.nan])
    place, found = evidence.layout.shared, []
    left, right = np.triu_indices(len(place), 1)
    pairs = [{list(place)[a], list(place)[b]} for a, b in zip(left, right, strict=True)]
    for metric in evidence.layout.metrics:
        medians = np.stack([evidence.median_of(metric, settings) for settings in place.values()])
        medians = medians[:, np.isfinite(medians).all(axis=0)]
        if medians.shape[1] >= 5:
            found.append(spearman_rows(medians[left], medians[right]))
    rho = np.mean(found, axis=0) if found else np.full(len(pairs), np.nan)
    own = pairs.index({"dSprites", "Color-dSprites"})
    others = np.delete(rho, own)
    return np.array([rho[own] - MILD, *(rho[own] - others), *(STRONG - others)])


def downstream_on_sprites(evidence: Evidence) -> np.ndarray:
    """Correlation with GBT accuracy at 10,000: the least of the metrics but Modularity and of the dSprites
    variants."""
    return _with_accuracy(evidence, SPRITES, modularity=False).ravel()


def modularity_downstream(evidence: Evidence) -> np.ndarray:
    """|Correlation| of Modularity with GBT accuracy at 10,000: the largest of the dSprites variants’."""
    return np.abs(_with_accuracy(evidence, SPRITES, modularity=True)).ravel()


def downstream_elsewhere(evidence: Evidence) -> np.ndarray:
    """|Correlation| with GBT accuracy at 10,000: the largest of the metrics but Modularity and of SmallNORB
    and Cars3D."""
    return np.abs(_with_accuracy(evidence, ELSEWHERE, modularity=False)).ravel()


def efficiency_gain(evidence: Evidence) -> np.ndarray:
    """Share of (data set, metric) in which the metric’s correlation with statistical efficiency is ≥ 0.3: the
    larger of both learners’."""
    # Not a mean: gains for one learner would cancel with losses for the other.
    columns = [evidence.layout.column("downstream", f"{learner}/efficiency") for learner in LEARNERS]
    found = evidence.between(evidence.layout.metrics, columns, evidence.layout.datasets)
    return known_mean(_visible(found), axis=(0, 1))


def efficiency_on_shapes(evidence: Evidence) -> np.ndarray:
    """Correlation of DCI and of MIG with the statistical efficiency of GBT on Shapes3D: the lower."""
    metrics = [m for m in evidence.layout.metrics if m.metric in ("dci", "mig")]
    column = evidence.layout.column("downstream", "trees/efficiency")
    return _between(evidence, metrics, [column], ["Shapes3D"]).ravel()


def total_correlation_downstream(evidence: Evidence) -> np.ndarray:
    """TC with downstream accuracy: least margin of the mean |correlation| below 0.5, and of the mean
    correlation, of samples’ and of the mean’s, above −0.3."""
    # sizes, since strong correlations of both signs are not mild ones, though their mean is; a lower TC helps
    # where they are visibly of one sign
    rows = [evidence.layout.column("unsupervised", TC, where) for where in ("sampled", "mean")]
    columns = [c for c in evidence.layout.tasks if c.key.endswith("mean_test_accuracy")]
    if not columns:
        raise Lacking("the study has no downstream accuracy")
    rho = evidence.between(rows, columns, evidence.layout.datasets)
    return np.append(known_mean(rho, axis=(0, 2)) + VISIBLE, MILD - mean(np.abs(rho).ravel()))


def _with_accuracy(evidence: Evidence, datasets: Sequence[str], modularity: bool) -> np.ndarray:
    """Correlations (data sets, metrics) of Modularity or of the others with GBT accuracy at 10,000."""
    column = evidence.layout.column("downstream", "trees/10000/mean_test_accuracy")
    metrics = [m for m in evidence.layout.metrics if (m.metric == "modularity") == modularity]
    return _between(evidence, metrics, [column], datasets)[..., 0]


def _between(
    evidence: Evidence, rows: Sequence[Column], columns: Sequence[Column], datasets: Sequence[str]
) -> np.ndarray:
    """Evidence.between on those of `datasets` that are there; a single NaN where nothing is."""
    there = [data for data in evidence.layout.datasets if data in datasets]
    found = evidence.between(rows, columns, there)
    return found if found.size else np.full((1, 1, 1), np.nan)


def _visible(rho: np.ndarray) -> np.ndarray:
    """1 where `rho` is ≥ VISIBLE, 0 where it is less, NaN where it is unknown."""
    return np.where(np.isfinite(rho), rho >= VISIBLE, np.nan)

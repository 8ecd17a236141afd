"""Do the metrics agree? Rank correlations between the scores (the paper's Figures 2 and 12)."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.random import Generator

from bench.reporting.cells import Column, Study
from bench.reporting.exhibit import Exhibit, completeness, slug, too_little
from bench.reporting.plots import heatmap
from bench.reporting.statistics import spearman_matrix
from bench.reporting.style import PANEL_WIDTH, Drawing, figure, finish

TITLE, OF_PAPER = "Agreement of the metrics", "Figures 2, 12"


def metric_agreement(study: Study, rng: Generator) -> Exhibit:
    """Spearman between every two metrics over all trained models of a data set (locatello2019.md §7)."""
    metrics = study.metrics()
    if len(metrics) < 2:
        return too_little(
            TITLE, OF_PAPER, "a correlation needs two metrics; add some under `evaluation: metrics`."
        )
    numbers = correlations(study, metrics, rng)
    if numbers["spearman"].isna().all():
        return too_little(TITLE, OF_PAPER, "no data set has three trained cells whose scores differ.")
    return Exhibit(
        TITLE, OF_PAPER,
        "Spearman’s rank correlation × 100 between the scores of all trained models, over every "
        "objective, strength and seed. Orange: two metrics rank the models alike; blue: they rank them "
        "the other way round. Intervals (95 %, bootstrap over seeds within settings) are in the numbers.",
        completeness(study, metrics),
        tuple(_drawing(numbers, metrics, data) for data in study.datasets),
        numbers,
        _matrix(numbers, metrics),
    )  # fmt: skip


def correlations(study: Study, metrics: list[Column], rng: Generator) -> pd.DataFrame:
    """One row per data set and pair of metrics: spearman, low, high, n."""
    rows = []
    for data in study.datasets:
        cells = study.cells[(study.cells["data"] == data) & study.trained]
        values = study.values.loc[cells.index, [m.name for m in metrics]].to_numpy()
        matrix = spearman_matrix(values, values, cells["setting"].to_numpy(str), rng)
        for i, left in enumerate(metrics):
            for j, right in enumerate(metrics[:i]):
                estimate = matrix[i][j]
                rows.append(
                    {"data": data, "metric": right.label, "other": left.label, "spearman": estimate.value,
                     "low": estimate.low, "high": estimate.high, "n": estimate.n}
                )  # fmt: skip
    return pd.DataFrame(rows)


def square(numbers: pd.DataFrame, labels: list[str], data: str) -> np.ndarray:
    """The symmetric matrix (labels × labels) of one data set's correlations, 1 on the diagonal."""
    found = numbers[numbers["data"] == data].set_index(["metric", "other"])["spearman"]
    matrix = np.eye(len(labels))
    for (a, b), rho in found.items():
        i, j = labels.index(a), labels.index(b)
        matrix[i, j] = matrix[j, i] = rho
    return matrix


def _matrix(numbers: pd.DataFrame, metrics: list[Column]) -> pd.DataFrame:
    """The readable form: per data set the matrix of 100·ρ."""
    labels = [m.label for m in metrics]
    parts = []
    for data in numbers["data"].unique():
        part = pd.DataFrame(100 * square(numbers, labels, data), columns=labels).round(0).astype("Int64")
        part.insert(0, "metric", labels)
        part.insert(0, "data set", data)
        parts.append(part)
    return pd.concat(parts, ignore_index=True)


def _drawing(numbers: pd.DataFrame, metrics: list[Column], data: str) -> Drawing:
    labels = [m.label for m in metrics]
    size = PANEL_WIDTH * 0.94
    with figure(PANEL_WIDTH, size, left=0.29, right=0.98, top=0.93, bottom=0.25) as (drawn, axes):
        ax = axes[0, 0]
        heatmap(ax, square(numbers, labels, data), labels, labels)
        ax.set_title(data)
        n = numbers.loc[numbers["data"] == data, "n"]
        alt = f"Rank correlations between {', '.join(labels)} on {data}, up to {n.max():,} models"
        return finish(drawn, f"metric_agreement-{slug(data)}", alt)

"""Do the metrics agree? Rank correlations between the scores, and between estimators of one score."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.random import Generator

from bench.reporting.cells import Study
from bench.reporting.exhibit import Exhibit, bracket, completeness, numbered, too_little
from bench.reporting.exhibits.correlations import correlations, draw, readable
from bench.reporting.statistics import means, spearman_matrix


def metric_agreement(study: Study, rng: Generator) -> Exhibit:
    """Spearman between every two metrics over all trained models of a data set (locatello2019.md §7)."""
    title, of_paper, metrics = "Agreement of the metrics", "Figures 2, 12", study.metrics()
    if len(metrics) < 2:
        return too_little(title, of_paper, "a correlation needs two metrics under `evaluation: metrics`.")
    numbers = correlations(study, metrics, metrics, rng)
    if numbers["spearman"].isna().all():
        return too_little(title, of_paper, "no data set has three trained cells whose scores differ.")
    labels = [m.label for m in metrics]
    return Exhibit(
        title, of_paper,
        "Spearman’s rank correlation × 100 between the scores of all trained models, over every "
        "objective, strength and seed. Orange: two metrics rank the models alike; blue: the other way "
        "round; – : a score that does not vary. Intervals (95 %, bootstrap over seeds within settings) "
        "are in the CSV.",
        completeness(study, metrics),
        draw(numbers, labels, labels, "metric_agreement"),
        numbers,
        readable(numbers, labels, labels),
    )  # fmt: skip


def estimator_agreement(study: Study, rng: Generator) -> Exhibit:
    """Every further estimator of a metric beside the one that the other exhibits show."""
    title, main = "Two ways of computing one score", {m.metric: m for m in study.metrics()}
    rows = []
    for other in study.other_estimators():
        for data in study.datasets:
            cells = study.cells[(study.cells["data"] == data) & study.trained]
            pair = study.values.loc[cells.index, [main[other.metric].name, other.name]].to_numpy()
            [[rho]] = spearman_matrix(pair[:, :1], pair[:, 1:], numbered(cells["setting"]), rng)
            gap = pair[:, 1] - pair[:, 0]
            gap = gap[np.isfinite(gap)]
            difference, distance = means([gap, np.abs(gap)])
            rows.append(
                {"data set": data, "score": main[other.metric].label, "other way": other.label,
                 "spearman": rho.value, "low": rho.low, "high": rho.high, "mean difference": difference.value,
                 "difference_low": difference.low, "difference_high": difference.high,
                 "mean absolute difference": distance.value, "absolute_low": distance.low,
                 "absolute_high": distance.high, "n": rho.n}
            )  # fmt: skip
    if not rows:
        return too_little(title, "", "every metric was computed in one way only.")
    return Exhibit(
        title, "",
        "Every other exhibit rests on the left column. Rank correlation over the trained models, with "
        "its 95 % interval, and the mean difference other − score with Student’s.",
        completeness(study, [*study.metrics(), *study.other_estimators()]),
        numbers=pd.DataFrame(rows),
        table=_other_ways(pd.DataFrame(rows)),
    )  # fmt: skip


def _other_ways(numbers: pd.DataFrame) -> pd.DataFrame:
    """The table to read: each number with its interval."""
    rho = [bracket(*row, digits=3) for row in numbers[["spearman", "low", "high"]].to_numpy()]
    gap = numbers[["mean difference", "difference_low", "difference_high"]].to_numpy()
    table = numbers[["data set", "score", "other way"]].assign(
        spearman=rho, difference=[bracket(*row, digits=4) for row in gap], n=numbers["n"]
    )
    return table.drop(columns="data set") if table["data set"].nunique() == 1 else table

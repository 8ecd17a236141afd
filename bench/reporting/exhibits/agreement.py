"""Do the metrics agree? Rank correlations between the scores, and between estimators of one score."""

from __future__ import annotations

import pandas as pd
from numpy.random import Generator

from bench.reporting.cells import Study
from bench.reporting.exhibit import Exhibit, completeness, too_little
from bench.reporting.exhibits.correlations import correlations, draw, readable
from bench.reporting.statistics import spearman_matrix


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
            [[rho]] = spearman_matrix(pair[:, :1], pair[:, 1:], cells["setting"].to_numpy(str), rng)
            gap = pd.Series(pair[:, 1] - pair[:, 0]).dropna()
            rows.append(
                {"data set": data, "score": main[other.metric].label, "other way": other.label,
                 "spearman": rho.value, "low": rho.low, "high": rho.high, "mean difference": gap.mean(),
                 "mean absolute difference": gap.abs().mean(), "n": rho.n}
            )  # fmt: skip
    if not rows:
        return too_little(title, "", "every metric was computed in one way only.")
    return Exhibit(
        title, "",
        "Every other exhibit rests on the left column. Rank correlation over the trained models, with "
        "its 95 % interval, and the difference other − score.",
        completeness(study, study.other_estimators()),
        numbers=pd.DataFrame(rows),
        table=pd.DataFrame(rows),
    )  # fmt: skip

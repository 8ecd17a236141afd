"""Every setting with every score: the table to look numbers up in."""

from __future__ import annotations

import pandas as pd
from numpy.random import Generator

from bench.reporting.cells import Column, Study
from bench.reporting.exhibit import Exhibit, bracket, completeness, too_little
from bench.reporting.exhibits.strength import intervals
from bench.reporting.statistics import means, medians

TITLE = "Every setting, every score"


def scores_per_setting(study: Study, rng: Generator) -> Exhibit:
    """Mean over seeds with Student's 95 % interval, median and n of every setting and headline score."""
    metrics = study.metrics()
    if not metrics:
        return too_little(
            TITLE, "", "no supervised metric has a score; see `evaluation: metrics` in the grid."
        )
    numbers = setting_means(study, metrics)
    return Exhibit(
        TITLE, "",
        "Mean over the seeds of a setting with its 95 % interval (Student’s t, exact for normal scores "
        "at few seeds); medians are in the CSV. "
        f"{intervals(numbers['n'], 'Their intervals')} Click a column’s head to sort.",
        completeness(study, metrics, models=study.models(trained_only=False)),
        numbers=numbers,
        table=_readable(numbers, metrics),
    )  # fmt: skip


def setting_means(study: Study, columns: list[Column]) -> pd.DataFrame:
    """One row per setting and column: mean and median with intervals, n (seeds with a score), planned."""
    found = list(study.settings(columns, study.models(trained_only=False)))
    scores = [x for _, _, x in found]
    rows = [
        {"data": first["data"], "model": first["model"], "setting": first["label"], "choice": first["choice"],
         "score": column.label, "mean": estimate.value, "low": estimate.low, "high": estimate.high,
         "median": middle.value, "median_low": middle.low, "median_high": middle.high, "n": len(x),
         "planned": first["planned"]}
        for (column, first, x), estimate, middle in zip(found, means(scores), medians(scores), strict=True)
    ]  # fmt: skip
    return pd.DataFrame(rows)


def _readable(numbers: pd.DataFrame, metrics: list[Column]) -> pd.DataFrame:
    """Settings × metrics with `mean [low, high]` and the number of seeds."""
    shown = numbers.assign(text=[bracket(*row) for row in numbers[["mean", "low", "high"]].to_numpy()])
    keys = ["data", "choice", "setting"]
    table = shown.pivot_table(index=keys, columns="score", values="text", aggfunc="first", sort=False)
    seeds = numbers.groupby(keys, sort=False)[["n", "planned"]].agg(["min", "max"])
    table = table[[m.label for m in metrics]].copy()
    table["seeds"] = [
        f"{low} of {planned}" if low == high else f"{low}–{high} of {planned}"
        for low, high, planned in zip(
            seeds["n", "min"], seeds["n", "max"], seeds["planned", "max"], strict=True
        )
    ]  # fmt: skip
    table = table.reset_index().drop(columns="choice").rename(columns={"data": "data set"})
    table.columns.name = None
    return table.drop(columns="data set") if table["data set"].nunique() == 1 else table

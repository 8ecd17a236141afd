"""Which objective is better? Probability that a random model of one beats a random model of another."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd
from numpy.random import Generator

from bench.reporting.cells import Column, Study
from bench.reporting.exhibit import Exhibit, completeness, too_little
from bench.reporting.names import model_name
from bench.reporting.statistics import probability_of_winning, seed_weights


def winning_objectives(study: Study, rng: Generator) -> Exhibit:
    """P(a random model of objective A scores above one of B) per data set and metric (§7.5)."""
    title, metrics = "Objective against objective", study.metrics()
    if len(study.models()) < 2 or not metrics:
        return too_little(title, "Figures 3, 13", "two objectives with a supervised score are needed.")
    rows = [row for data in study.datasets for metric in metrics for row in _duels(study, data, metric, rng)]
    numbers = pd.DataFrame(rows)
    if numbers.empty:
        return too_little(title, "Figures 3, 13", "no two objectives are scored on one data set.")
    return Exhibit(
        title, "Figures 3, 13",
        "Probability that a random trained model of the objective scores above a random one of the "
        "other, over all their values and seeds, ties counting half, with its 95 % interval (bootstrap "
        "over seeds). Average over data sets and metrics here, every pair in the CSV.",
        completeness(study, metrics), numbers=numbers, table=_readable(numbers, study), text=_prose(numbers),
    )  # fmt: skip


def _duels(study: Study, data: str, metric: Column, rng: Generator) -> list[dict]:
    """One row per pair of objectives on one data set and metric."""
    sides = {}
    for model in study.models():
        x = study.of(metric, data=data, model=model)
        if len(x):
            weights = seed_weights(study.cells.loc[x.index, "setting"].to_numpy(str), rng)
            sides[model] = x.to_numpy(), weights
    rows = []
    for a, b in combinations(sides, 2):
        wins = probability_of_winning(sides[a][0], sides[b][0], sides[a][1], sides[b][1])
        rows.append(
            {"data": data, "metric": metric.label, "objective": model_name(a), "against": model_name(b),
             "probability": wins.value, "low": wins.low, "high": wins.high, "n": wins.n}
        )  # fmt: skip
    return rows


def _readable(numbers: pd.DataFrame, study: Study) -> pd.DataFrame:
    """Objective × objective: mean probability over data sets and metrics, in percent."""
    labels = [model_name(m) for m in study.models()]
    mean = numbers.groupby(["objective", "against"])["probability"].mean()
    table = pd.DataFrame("–", index=labels, columns=labels)
    for (a, b), probability in mean.items():
        table.loc[a, b] = f"{100 * probability:.0f} %"
        table.loc[b, a] = f"{100 - 100 * probability:.0f} %"
    return table.rename_axis("P(row > column)").reset_index()


def _prose(numbers: pd.DataFrame) -> tuple[str, ...]:
    sure = (numbers["low"] > 0.5) | (numbers["high"] < 0.5)
    overlap = numbers["probability"].between(0.05, 0.95)
    best = numbers.assign(
        winner=np.where(numbers["probability"] >= 0.5, numbers["objective"], numbers["against"])
    )[sure]
    text = f"{int(sure.sum())} of {len(numbers)} comparisons have an interval that leaves out 50 %; in "
    text += f"{int(overlap.sum())} the worse objective still wins at least one time in twenty."
    if len(best):
        counts = best["winner"].value_counts()
        text += f" {counts.index[0]} wins most of the clear ones ({counts.iloc[0]} of {len(best)})."
    return (text,)

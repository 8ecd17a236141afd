"""Which objective is better? Probability that a random model of one beats a random model of another."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd
from numpy.random import Generator

from bench.reporting.cells import Column, Study
from bench.reporting.exhibit import Exhibit, bracket, completeness, numbered, too_little
from bench.reporting.names import model_name
from bench.reporting.statistics import (
    Estimate,
    mean_of_estimates,
    probability_of_winning,
    seed_weights,
    widening,
    winning_draws,
)


def winning_objectives(study: Study, rng: Generator) -> Exhibit:
    """P(a random model of objective A scores above one of B) per data set and metric (§7.5)."""
    title, metrics = "Objective against objective", study.metrics()
    if len(study.models()) < 2 or not metrics:
        return too_little(title, "Figures 3, 13", "two objectives with a supervised score are needed.")
    duels = [
        duel for data in study.datasets for duel in _duels(study, data, metrics, _resamples(study, data, rng))
    ]
    numbers = pd.DataFrame([duel[0] for duel in duels])
    if numbers.empty:
        return too_little(title, "Figures 3, 13", "no two objectives are scored on one data set.")
    means = _means(duels, study)
    return Exhibit(
        title, "Figures 3, 13",
        "Probability in percent that a random trained model of the objective scores above a random one of "
        "the other, over all their values and seeds, ties counting half, with its 95 % interval (bootstrap "
        "over seeds). Mean over data sets and metrics here, every pair in the CSV.",
        completeness(study, metrics), numbers=numbers, table=_readable(means, study), summary=means,
        text=_prose(numbers),
    )  # fmt: skip


def _resamples(study: Study, data: str, rng: Generator) -> dict[str, tuple[pd.Index, np.ndarray, np.ndarray]]:
    """Model -> its cells on a data set, their settings and resamples of seeds, which all metrics share."""
    cells = study.cells[study.cells["data"] == data]
    settings = numbered(cells["setting"])
    found = {model: (cells["model"] == model).to_numpy() for model in study.models()}
    return {
        model: (cells.index[own], settings[own], seed_weights(settings[own], rng))
        for model, own in found.items()
        if own.any()
    }


def _duels(
    study: Study,
    data: str,
    metrics: list[Column],
    resamples: dict[str, tuple[pd.Index, np.ndarray, np.ndarray]],
) -> list[tuple[dict, Estimate, np.ndarray]]:
    """A row, its estimate and its draws per metric and pair of objectives that are scored on one data set."""
    found = []
    for metric in metrics:
        sides = {}
        for model, (index, settings, weights) in resamples.items():
            x = study.values.loc[index, metric.name].to_numpy()
            there = np.isfinite(x)
            if there.any():
                sides[model] = x[there], weights[:, there], settings[there]
        for a, b in combinations(sides, 2):
            (x, left, of_x), (y, right, of_y) = sides[a], sides[b]
            drawn = winning_draws(x, y, left, right)
            wins = probability_of_winning(x, y, drawn, np.concatenate([of_x, of_y]))
            row = {"data": data, "metric": metric.label, "objective": model_name(a), "against": model_name(b),
                   "probability": wins.value, "low": wins.low, "high": wins.high, "n": wins.n}  # fmt: skip
            found.append((row, wins, drawn))
    return found


def _means(duels: list[tuple[dict, Estimate, np.ndarray]], study: Study) -> pd.DataFrame:
    """One row per pair of objectives: mean probability over data sets and metrics, with its interval."""
    wider = widening(numbered(study.cells.loc[study.trained, "setting"]))
    rows = []
    for a, b in combinations([model_name(m) for m in study.models()], 2):
        own = [d for d in duels if (d[0]["objective"], d[0]["against"]) == (a, b)]
        if own:
            mean = mean_of_estimates([d[1] for d in own], [d[2] for d in own], wider, (0, 1))
            rows.append({"objective": a, "against": b, "probability": mean.value, "low": mean.low,
                         "high": mean.high, "n": mean.n})  # fmt: skip
    return pd.DataFrame(rows)


def _readable(means: pd.DataFrame, study: Study) -> pd.DataFrame:
    """Objective × objective: the mean probability in percent, with its interval."""
    labels = [model_name(m) for m in study.models()]
    table = pd.DataFrame("–", index=labels, columns=labels)
    for row in means.itertuples():
        percent = 100 * np.array([row.probability, row.low, row.high])
        table.loc[row.objective, row.against] = bracket(*percent, digits=0)
        table.loc[row.against, row.objective] = bracket(*(100 - percent)[[0, 2, 1]], digits=0)
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
        first = counts.index[counts == counts.iloc[0]]
        verb = "win" if len(first) > 1 else "wins"
        text += f" {' and '.join(first)} {verb} most often: {counts.iloc[0]} of these {len(best)}"
        text += " each." if len(first) > 1 else "."
    return (text,)

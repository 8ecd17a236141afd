"""What the scores tell apart: trained from untrained networks, and one setting from another."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd
from numpy.random import Generator
from scipy import stats

from bench.reporting.cells import Column, Study
from bench.reporting.exhibit import Exhibit, bracket, completeness, numbered, too_little
from bench.reporting.exhibits.settings import setting_means
from bench.reporting.names import REFERENCE, count
from bench.reporting.statistics import (
    LEVEL,
    percentiles,
    probability_of_winning,
    seed_weights,
    share,
    variance_explained,
    winning_draws,
)

TITLE = "What separates"
PERMUTATIONS = 200


def what_separates(study: Study, rng: Generator) -> Exhibit:
    """Per score: trained against untrained, variance explained by the setting, pairs of settings apart."""
    metrics = study.metrics()
    if not metrics:
        return too_little(
            TITLE, "", "no supervised metric has a score; see `evaluation: metrics` in the grid."
        )
    numbers = pd.DataFrame([_row(study, data, metric, rng) for data in study.datasets for metric in metrics])
    pairs = apart(setting_means(study, metrics))
    several = len(study.datasets) > 1
    return Exhibit(
        TITLE, "",
        "Trained above untrained: probability that a random trained network scores above a random "
        "untrained one, and how many lie above the best of them, with the interval of their share. Few "
        "untrained networks leave the probability open even where all are beaten. "
        "Explained by setting: adjusted share of the variance over the trained networks, with p of permuted "
        "labels. Pairs apart: pairs of settings whose 95 % intervals of the mean do not overlap. That is a "
        "count of what this study’s intervals decide, more with more seeds, and has no interval itself; "
        "beside it, how many pairs are apart when scores are shuffled over the settings: the mean and the "
        "range of 95 % of the shuffles.",
        completeness(study, metrics, models=study.models(trained_only=False)),
        numbers=numbers,
        table=_readable(numbers),
        text=(*_prose(numbers, study.datasets), _pairs_lead(pairs)),
        points=tuple(_named_pairs(pairs, several)),
    )  # fmt: skip


def _row(study: Study, data: str, metric: Column, rng: Generator) -> dict:
    scores = study.of(metric, data=data)
    cells = study.cells.loc[scores.index]
    trained = (cells["model"] != REFERENCE).to_numpy()
    x, settings = scores.to_numpy()[trained], numbered(cells["setting"])[trained]
    untrained = scores.to_numpy()[~trained]
    floor = np.full(len(untrained), -1)  # no trained setting; untrained networks differ by their seed alone
    drawn = winning_draws(x, untrained, seed_weights(settings, rng), seed_weights(floor, rng))
    wins = probability_of_winning(x, untrained, drawn, np.concatenate([settings, floor]))
    explained = variance_explained(x, settings, settings, rng)
    above = share(x > untrained.max(initial=-np.inf), settings, rng)  # given these untrained ones
    both = len(x) and len(untrained)
    found, possible, chance = disjoint_pairs(x, settings, rng)
    chance_low, chance_high = percentiles(chance)
    return {
        "data": data, "metric": metric.label, "n": len(x), "untrained": len(untrained),
        "trained_wins": wins.value, "wins_low": wins.low, "wins_high": wins.high,
        "above_best_untrained": round(above.value * len(x)) if both else None,
        "above_low": above.low if both else None,
        "above_high": above.high if both else None,
        "r2_setting": explained.raw.value, "adjusted": explained.adjusted.value,
        "adjusted_low": explained.adjusted.low, "adjusted_high": explained.adjusted.high,
        "null": explained.null.value, "p": explained.p,
        "pairs_apart": found, "pairs": possible, "pairs_apart_by_chance": float(chance.mean()),
        "by_chance_low": chance_low, "by_chance_high": chance_high,
    }  # fmt: skip


def disjoint_pairs(x: np.ndarray, settings: np.ndarray, rng: Generator) -> tuple[int, int, np.ndarray]:
    """Pairs of settings with disjoint 95 % t-intervals: found, possible, and found in each shuffle of scores.

    Settings with one seed have no interval and form no pair.
    """
    names, group, sizes = np.unique(settings, return_inverse=True, return_counts=True)
    members = (group[:, None] == np.flatnonzero(sizes > 1)).astype(float)
    n = members.sum(axis=0)
    if len(n) < 2:
        return 0, 0, np.zeros(PERMUTATIONS)

    def pairs_apart(scores: np.ndarray) -> np.ndarray:
        means = scores @ members / n
        variance = np.maximum(scores**2 @ members - n * means**2, 0) / (n - 1)
        half = stats.t.ppf((1 + LEVEL) / 2, n - 1) * np.sqrt(variance / n)
        low, high = means - half, means + half
        return (low[:, :, None] > high[:, None, :]).sum(axis=(1, 2))

    centred = (x - x.mean())[None]
    shuffled = rng.permuted(np.repeat(centred, PERMUTATIONS, axis=0), axis=1)
    return int(pairs_apart(centred)[0]), len(n) * (len(n) - 1) // 2, pairs_apart(shuffled)


def apart(means: pd.DataFrame) -> pd.DataFrame:
    """Pairs of trained settings of one data set whose intervals do not overlap, the widest gap first.

    `means` as from setting_means. The gap is counted in units of the score's range over the settings.
    """
    rows = []
    kept = means[(means["model"] != REFERENCE) & means["low"].notna()]
    for (data, score), group in kept.groupby(["data", "score"], sort=False):
        scale = np.ptp(group["mean"]) or 1.0
        for a, b in combinations(group.sort_values("mean", ascending=False).to_dict("records"), 2):
            if a["low"] > b["high"]:
                rows.append(
                    {"data": data, "score": score, "above": a["setting"], "below": b["setting"],
                     "same_model": a["model"] == b["model"], "gap": (a["low"] - b["high"]) / scale,
                     "above_mean": bracket(a["mean"], a["low"], a["high"]),
                     "below_mean": bracket(b["mean"], b["low"], b["high"])}
                )  # fmt: skip
    columns = ["data", "score", "above", "below", "same_model", "gap", "above_mean", "below_mean"]
    return pd.DataFrame(rows, columns=columns).sort_values("gap", ascending=False, ignore_index=True)


def _prose(numbers: pd.DataFrame, datasets: list[str]) -> list[str]:
    """Two paragraphs on a single data set, each only where there is something to say; none on several."""
    if len(datasets) > 1:
        return []
    return [paragraph for paragraph in (_trained_or_not(numbers), _by_setting(numbers)) if paragraph]


def _trained_or_not(here: pd.DataFrame) -> str:
    here = here[here["above_best_untrained"].notna()]
    if here.empty:
        return ""
    parts = [f"{r.metric} {r.above_best_untrained:.0f} of {r.n}" for r in here.itertuples()]
    return (
        "Trained networks that score above the best of "
        f"{count(int(here['untrained'].max()), 'untrained one')}: {', '.join(parts)}."
    )


def _by_setting(here: pd.DataFrame) -> str:
    here = here[here["p"].notna()].sort_values("adjusted", ascending=False)
    clear, unclear = here[here["p"] < 0.05], here[here["p"] >= 0.05]
    text = ""
    if len(clear):
        parts = [f"{r.metric} {100 * r.adjusted:.0f} %" for r in clear.itertuples()]
        text = f"The setting explains (adjusted for chance) of the variance of {', '.join(parts)}. "
    if len(unclear):
        parts = [f"{r.metric} (p = {r.p:.2f})" for r in unclear.itertuples()]
        text += f"{'It' if text else 'The setting'} makes no visible difference to {', '.join(parts)}."
    return text.strip()


def _pairs_lead(pairs: pd.DataFrame) -> str:
    if pairs.empty:
        return "No two settings have 95 % intervals of the mean that do not overlap: more seeds are needed."
    return "Settings whose 95 % intervals of the mean do not overlap, the widest gaps first:"


def _named_pairs(pairs: pd.DataFrame, several: bool) -> list[str]:
    """The two widest gaps within one objective, and the widest of each of the three clearest scores."""
    shown = pd.concat([pairs[pairs["same_model"]].head(2), pairs.drop_duplicates("score").head(3)])
    return [
        f"{r.above} above {r.below} in {r.score}{f' on {r.data}' if several else ''}: {r.above_mean} against "
        f"{r.below_mean}"
        for r in shown.drop_duplicates(["data", "score", "above", "below"]).itertuples()
    ]


def _readable(numbers: pd.DataFrame) -> pd.DataFrame:
    table = pd.DataFrame({"data set": numbers["data"], "score": numbers["metric"]})
    if (numbers["untrained"] > 0).any():
        table["P(trained > untrained)"] = [
            bracket(*r) for r in numbers[["trained_wins", "wins_low", "wins_high"]].to_numpy()
        ]
        table["above best untrained"] = [
            "–"
            if pd.isna(r.above_best_untrained)
            else f"{r.above_best_untrained:.0f} of {r.n} "
            f"({100 * r.above_low:.0f} to {100 * r.above_high:.0f} %)"
            for r in numbers.itertuples()
        ]
    table["explained by setting"] = [
        bracket(*r) for r in numbers[["adjusted", "adjusted_low", "adjusted_high"]].to_numpy()
    ]
    table["p"] = [f"{p:.3f}" if pd.notna(p) else "–" for p in numbers["p"]]
    table["pairs apart"] = [f"{r.pairs_apart} of {r.pairs}" for r in numbers.itertuples()]
    by_chance = numbers[["pairs_apart_by_chance", "by_chance_low", "by_chance_high"]].to_numpy()
    table["by chance"] = [bracket(*row, digits=1) for row in by_chance]
    return table.drop(columns="data set") if table["data set"].nunique() == 1 else table

"""Which matters more, objective, value or seed? Variance explained (the paper's Table 5)."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.random import Generator

from bench.reporting.cells import Study
from bench.reporting.exhibit import Exhibit, bracket, completeness, numbered, too_little
from bench.reporting.names import PAPER_SEEDS, count
from bench.reporting.published import PUBLISHED
from bench.reporting.statistics import (
    VarianceExplained,
    mean_of_estimates,
    seed_weights,
    variance_explained,
    widening,
)

LEVELS = {"objective": "model", "objective × value": "setting"}
TABLES = {"objective": "t5a", "objective × value": "t5b"}


def variance_by_choice(study: Study, rng: Generator) -> Exhibit:
    """R² of every score by objective and by objective × value (locatello2019.md §7.1), beside the paper's."""
    title, of_paper = "Variance explained by objective and by value", "Table 5"
    numbers, shares = explained(study, rng)
    wider = widening(numbered(study.cells.loc[study.trained, "setting"]))
    if numbers.empty or numbers["r2"].isna().all():
        return too_little(
            title, of_paper, "two objectives or two values with more cells than settings are needed."
        )
    return Exhibit(
        title, of_paper,
        "Share of a score’s variance over the trained models of a data set that the objective, or the "
        "objective with its value, explains; what is left is the seed (and noise of the metric). R² in "
        "sample is what the paper prints, and its interval is of studies of this size; it grows with few "
        "seeds even without any effect, up to `null` on average, which the adjusted share takes out. Both "
        f"intervals: 95 %, bootstrap over seeds. `null at {PAPER_SEEDS}` is that floor in the paper. p: how "
        "often R² is reached when settings are dealt to the objectives at random, or models to the "
        "objectives with their values.",
        completeness(study, study.metrics()), numbers=numbers, table=_readable(numbers),
        text=_prose(numbers, shares, wider),
    )  # fmt: skip


def explained(study: Study, rng: Generator) -> tuple[pd.DataFrame, list[VarianceExplained]]:
    """One row per data set, metric and level: r2, adjusted with interval, null, p, n, the paper's R²; shares.

    The scores of a data set share their resamples, so that a mean over scores has an interval.
    """
    rows, shares = [], []
    for data in study.datasets:
        cells = study.cells[(study.cells["data"] == data) & study.trained]
        groups = {column: numbered(cells[column]) for column in LEVELS.values()}
        weights = seed_weights(groups["setting"], rng)
        for metric in study.metrics():
            x = study.values.loc[cells.index, metric.name].to_numpy()
            there = np.isfinite(x)
            settings = groups["setting"][there]
            for level, column in LEVELS.items():
                labels = groups[column][there]
                share = variance_explained(x[there], labels, settings, rng, weights=weights[:, there])
                shares.append(share)
                rows.append(
                    {"data": data, "metric": metric.label, "level": level, "r2": share.raw.value,
                     "r2_low": share.raw.low, "r2_high": share.raw.high,
                     "adjusted": share.adjusted.value, "low": share.adjusted.low, "high": share.adjusted.high,
                     "null": share.null, f"null_at_{PAPER_SEEDS}": _null_at_paper(labels, settings),
                     "p": share.p, "n": share.adjusted.n,
                     "paper": PUBLISHED.table_5(TABLES[level], data,
                     metric.metric) if metric.headline else None}
                )  # fmt: skip
    return pd.DataFrame(rows), shares


def _null_at_paper(labels: np.ndarray, settings: np.ndarray) -> float:
    """(k − 1)/(n − 1) of these settings with the paper's number of seeds."""
    return (len(set(labels)) - 1) / (max(len(set(settings)) * PAPER_SEEDS, 2) - 1)


def _prose(numbers: pd.DataFrame, shares: list[VarianceExplained], wider: float) -> tuple[str, ...]:
    """The headline: unweighted means over data sets and metrics, beside the paper's over the same entries."""
    parts = []
    told = numbers[numbers["r2"].notna()]
    told = told[told["paper"].notna()] if told["paper"].notna().any() else told
    for level in LEVELS:
        own = told[told["level"] == level]
        if own.empty:
            continue
        found = [shares[i] for i in own.index]
        in_sample = [1 - (1 - s.drawn) * (1 - s.null) for s in found]
        raw = mean_of_estimates([s.raw for s in found], in_sample, wider)
        adjusted = mean_of_estimates([s.adjusted for s in found], [s.drawn for s in found], wider)
        raw, adjusted = (_in_percent(e.value, e.low, e.high) for e in (raw, adjusted))
        text = f"{level}: R² {raw} %, adjusted {adjusted} %"
        paper = own["paper"].dropna()
        text += f" (the paper on these {len(paper)}: {paper.mean():.0f} %)" if len(paper) else ""
        parts.append(text)
    n = told[["data", "metric"]].drop_duplicates().shape[0]
    return (f"Mean over {count(n, 'pair')} of data set and metric. " + "; ".join(parts) + ".",)


def _readable(numbers: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "data set": numbers["data"],
            "score": numbers["metric"],
            "explained by": numbers["level"],
            "R², %": [_in_percent(*r) for r in numbers[["r2", "r2_low", "r2_high"]].to_numpy()],
            "paper’s R²": [_percent(p) for p in numbers["paper"]],
            "adjusted, %": [_in_percent(*r) for r in numbers[["adjusted", "low", "high"]].to_numpy()],
            "null": (100 * numbers["null"]).map(_percent),
            f"null at {PAPER_SEEDS}": (100 * numbers[f"null_at_{PAPER_SEEDS}"]).map(_percent),
            "p": [f"{p:.3f}" if pd.notna(p) else "–" for p in numbers["p"]],
        }
    )


def _in_percent(value: float, low: float, high: float) -> str:
    return bracket(100 * value, 100 * low, 100 * high, digits=0)


def _percent(value: float | None) -> str:
    return "–" if value is None or pd.isna(value) else f"{value:.0f} %"

"""Which matters more, objective, value or seed? Variance explained (the paper's Table 5)."""

from __future__ import annotations

import pandas as pd
from numpy.random import Generator

from bench.reporting.cells import Study
from bench.reporting.exhibit import Exhibit, bracket, completeness, too_little
from bench.reporting.published import PUBLISHED
from bench.reporting.statistics import variance_explained

LEVELS = {"objective": "model", "objective × value": "setting"}
TABLES = {"objective": "t5a", "objective × value": "t5b"}
PAPER_SEEDS = 50


def variance_by_choice(study: Study, rng: Generator) -> Exhibit:
    """R² of every score by objective and by objective × value (locatello2019.md §7.1), beside the paper's."""
    title, of_paper = "Variance explained by objective and by value", "Table 5"
    numbers = explained(study, rng)
    if numbers.empty or numbers["r2"].isna().all():
        return too_little(
            title, of_paper, "two objectives or two values with more cells than settings are needed."
        )
    return Exhibit(
        title, of_paper,
        "Share of a score’s variance over the trained models of a data set that the objective, or the "
        "objective with its value, explains; what is left is the seed (and noise of the metric). R² in "
        "sample is what the paper prints; it grows with few seeds even without any effect, up to `null` "
        "on average, so the adjusted share comes with the 95 % interval (bootstrap over seeds). `null at "
        f"{PAPER_SEEDS}` is that floor in the paper. p: permuted labels that reach R².",
        completeness(study, study.metrics()), numbers=numbers, table=_readable(numbers), text=_prose(numbers),
    )  # fmt: skip


def explained(study: Study, rng: Generator) -> pd.DataFrame:
    """One row per data set, metric and level: r2, adjusted with interval, null, p, n and the paper's R²."""
    rows = []
    for data in study.datasets:
        for metric in study.metrics():
            x = study.of(metric, data=data)
            cells = study.cells.loc[x.index]
            trained = (study.trained[x.index]).to_numpy()
            cells, scores = cells[trained], x.to_numpy()[trained]
            for level, column in LEVELS.items():
                labels, settings = cells[column].to_numpy(str), cells["setting"].to_numpy(str)
                share, groups = variance_explained(scores, labels, settings, rng), len(set(labels))
                rows.append(
                    {"data": data, "metric": metric.label, "level": level, "r2": share.raw,
                     "adjusted": share.adjusted.value, "low": share.adjusted.low, "high": share.adjusted.high,
                     "null": share.null, f"null_at_{PAPER_SEEDS}": _null_at_paper(groups, cells),
                     "p": share.p,
                     "n": share.adjusted.n,
                     "paper": PUBLISHED.table_5(TABLES[level], data,
                     metric.metric) if metric.headline else None}
                )  # fmt: skip
    return pd.DataFrame(rows)


def _null_at_paper(groups: int, cells: pd.DataFrame) -> float:
    """(k − 1)/(n − 1) of these settings with the paper's number of seeds."""
    return (groups - 1) / (max(cells["setting"].nunique() * PAPER_SEEDS, 2) - 1)


def _prose(numbers: pd.DataFrame) -> tuple[str, ...]:
    """The headline: unweighted means over data sets and metrics, beside the paper's over the same entries."""
    parts = []
    for level in LEVELS:
        own = numbers[(numbers["level"] == level) & numbers["r2"].notna()]
        if own.empty:
            continue
        text = f"{level}: R² {100 * own['r2'].mean():.0f} %, adjusted {100 * own['adjusted'].mean():.0f} %"
        paper = own["paper"].dropna()
        text += f" (the paper on these {len(paper)} entries: {paper.mean():.0f} %)" if len(paper) else ""
        parts.append(text)
    n = numbers[["data", "metric"]].drop_duplicates().shape[0]
    return (f"Mean over {n} pairs of data set and metric. " + "; ".join(parts) + ".",)


def _readable(numbers: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "data set": numbers["data"],
            "score": numbers["metric"],
            "explained by": numbers["level"],
            "R²": (100 * numbers["r2"]).map(_percent),
            "paper’s R²": [_percent(p) for p in numbers["paper"]],
            "adjusted": [
                bracket(*(100 * v for v in r), digits=0)
                for r in numbers[["adjusted", "low", "high"]].to_numpy()
            ],
            "null": (100 * numbers["null"]).map(_percent),
            f"null at {PAPER_SEEDS}": (100 * numbers[f"null_at_{PAPER_SEEDS}"]).map(_percent),
            "p": [f"{p:.3f}" if pd.notna(p) else "–" for p in numbers["p"]],
        }
    )


def _percent(value: float | None) -> str:
    return "–" if value is None or pd.isna(value) else f"{value:.0f} %"

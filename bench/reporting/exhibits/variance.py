"""Which matters more, objective, value or seed? Variance explained (the paper's Table 5)."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.random import Generator

from bench.reporting.cells import Study
from bench.reporting.claims.evidence import at_paper_seeds
from bench.reporting.exhibit import Exhibit, bracket, completeness, numbered, too_little
from bench.reporting.exhibits.beside_paper import left_out, not_beside_table_5, told
from bench.reporting.names import PAPER_SEEDS, count
from bench.reporting.published import PUBLISHED
from bench.reporting.statistics import (
    Estimate,
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
    reason, gaps = not_beside_table_5(study)
    numbers, shares = explained(study, rng)
    numbers["paper"] = None if reason else _of_paper(numbers, study, gaps)
    wider = widening(numbered(study.cells.loc[study.trained, "setting"]))
    if numbers.empty or numbers["r2"].isna().all():
        return too_little(
            title, of_paper, "two objectives or two values with more cells than settings are needed."
        )
    return Exhibit(
        title, of_paper,
        "Share of a score’s variance over the trained models of a data set that the objective, or the "
        "objective with its value, explains; what is left is the seed (and noise of the metric). R² in "
        "sample is what the paper prints, and its interval is of studies of this size. It grows with few "
        "seeds even without any effect, by (k − 1)/(n − 1) with k groups of n models; `adjusted` takes that "
        "out: it is R² at endless seeds of these settings. Both intervals: 95 %, bootstrap over seeds. "
        "Null: R² when settings are dealt to the objectives at random, or models to the objectives with "
        "their values, its mean and 95 % of the dealings; p: how often they reach R². Settings differ, so a "
        "random dealing of them explains much too, which `adjusted` leaves in. "
        f"`null at {PAPER_SEEDS}`: the mean null of this study’s settings at the paper’s {PAPER_SEEDS} seeds."
        + left_out("The paper’s R²", reason) + left_out("Some of the paper’s R²", told(gaps, study)),
        completeness(study, study.metrics()), numbers=numbers, table=_readable(numbers),
        text=_prose(numbers, shares, wider),
    )  # fmt: skip


def explained(study: Study, rng: Generator) -> tuple[pd.DataFrame, list[VarianceExplained]]:
    """One row per data set, metric and level: r2, adjusted, null, each with its range, p, n; the shares.

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
            found = {
                level: variance_explained(
                    x[there], groups[column][there], settings, rng, weights=weights[:, there]
                )
                for level, column in LEVELS.items()
            }
            of_settings = found["objective × value"].raw
            for level, share in found.items():
                at_paper = _null_at_paper(groups[LEVELS[level]][there], settings, of_settings)
                shares.append(share)
                rows.append(
                    {"data": data, "metric": metric.label, "level": level,
                     "r2": share.raw.value, "r2_low": share.raw.low, "r2_high": share.raw.high,
                     "adjusted": share.adjusted.value, "low": share.adjusted.low, "high": share.adjusted.high,
                     "null": share.null.value, "null_low": share.null.low, "null_high": share.null.high,
                     f"null_at_{PAPER_SEEDS}": at_paper, "p": share.p, "n": share.adjusted.n}
                )  # fmt: skip
    return pd.DataFrame(rows), shares


def _null_at_paper(labels: np.ndarray, settings: np.ndarray, of_settings: Estimate) -> float:
    """Mean null of these settings with the paper's number of seeds each.

    Of u units, dealing k labels to them explains (k − 1)/(u − 1) of what the units explain. Units are the
    settings, or, where each has its own label, the cells, which explain everything (variance_explained).
    """
    groups, count = len(set(labels)), len(set(settings))
    if groups < 2 or np.isnan(of_settings.value):  # one seed each does not say how far settings differ
        return np.nan
    if groups == count:
        return (groups - 1) / (PAPER_SEEDS * count - 1)
    share = at_paper_seeds(of_settings.value, of_settings.n, count, count)
    return max(share, 0.0) * (groups - 1) / (count - 1)


def _of_paper(numbers: pd.DataFrame, study: Study, gaps: dict[tuple[str, str], str]) -> list[float | None]:
    """The paper's R² in percent for each row that it may stand beside."""
    metrics = {m.label: m.metric for m in study.metrics()}
    return [
        None if (r.data, r.metric) in gaps else PUBLISHED.table_5(TABLES[r.level], r.data, metrics[r.metric])
        for r in numbers.itertuples()
    ]


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
        in_sample = [1 - (1 - s.drawn) * (1 - s.floor) for s in found]
        raw = mean_of_estimates([s.raw for s in found], in_sample, wider, (0, 1))
        least = float(np.mean([-s.floor / (1 - s.floor) for s in found]))  # where R² in sample is 0
        adjusted = mean_of_estimates([s.adjusted for s in found], [s.drawn for s in found], wider, (least, 1))
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
            "null, %": [_in_percent(*r) for r in numbers[["null", "null_low", "null_high"]].to_numpy()],
            f"null at {PAPER_SEEDS}": (100 * numbers[f"null_at_{PAPER_SEEDS}"]).map(_percent),
            "p": [f"{p:.3f}" if pd.notna(p) else "–" for p in numbers["p"]],
        }
    )


def _in_percent(value: float, low: float, high: float) -> str:
    return bracket(100 * value, 100 * low, 100 * high, digits=0)


def _percent(value: float | None) -> str:
    return "–" if value is None or pd.isna(value) else f"{value:.0f} %"

"""Does a good setting stay good on other data and metrics? (Figures 4 right, 17, 18, Table 1)."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd
from numpy.random import Generator

from bench.reporting.cells import Study
from bench.reporting.claims.evidence import of_paper
from bench.reporting.exhibit import Exhibit, bracket, completeness, slug, too_little
from bench.reporting.exhibits.beside_paper import left_out, not_beside_table_1
from bench.reporting.exhibits.correlations import draw_matrix
from bench.reporting.exhibits.strength import intervals, setting_medians
from bench.reporting.names import PAPER_METRICS
from bench.reporting.plots import name_models, scatter
from bench.reporting.published import PUBLISHED
from bench.reporting.selection import KINDS, draws_of, scores_by_seed, success_rates
from bench.reporting.statistics import resampled_medians, spearman_resampled
from bench.reporting.style import INK, PAGE_WIDTH, Drawing, figure, finish

TWO_DATASETS = "settings can only be compared across two data sets."


def transfer_between_datasets(study: Study, rng: Generator) -> Exhibit:
    """Spearman between data sets of the cell medians, per metric (Figures 4 right, 17)."""
    title, of_paper = "Do good settings transfer between data sets?", "Figures 4 (right), 17"
    if len(study.datasets) < 2 or not study.metrics():
        return too_little(title, of_paper, TWO_DATASETS)
    numbers = dataset_correlations(study, rng)
    if numbers["spearman"].isna().all():
        return too_little(title, of_paper, "the data sets share fewer than three scored settings.")
    drawings = tuple(
        draw_matrix(
            _square(numbers[numbers["metric"] == label], study.datasets), study.datasets, study.datasets,
            label,
            f"transfer_between_datasets-{slug(label)}",
        )
        for label in dict.fromkeys(numbers["metric"])
    )  # fmt: skip
    return Exhibit(
        title, of_paper,
        "Spearman × 100 between two data sets of the median score of every setting they share. The paper "
        "finds agreement between dSprites and Color-dSprites only. Intervals (bootstrap over seeds) are "
        "in the numbers; they are of studies of this size, since medians of few seeds are noisy and pull "
        "every correlation towards 0.",
        completeness(study, study.metrics()), drawings, numbers,
    )  # fmt: skip


def dataset_correlations(study: Study, rng: Generator) -> pd.DataFrame:
    """One row per metric and pair of data sets: Spearman of the shared settings' medians, with interval."""
    rows = []
    for metric in study.metrics():
        medians: dict[str, dict[str, tuple[float, np.ndarray, int]]] = {d: {} for d in study.datasets}
        found = [(f, x) for _, f, x in study.settings([metric], study.models()) if len(x)]
        for (first, x), drawn in zip(found, resampled_medians([x for _, x in found], rng), strict=True):
            medians[first["data"]][first["choice"]] = (float(np.median(x)), drawn, len(x))
        for a, b in combinations(study.datasets, 2):
            shared = [c for c in medians[a] if c in medians[b]]
            at = [[medians[d][c] for c in shared] for d in (a, b)]
            seeds = [n for side in at for _, _, n in side]
            rho = spearman_resampled(
                *(np.array([middle for middle, _, _ in side]) for side in at),
                *(np.array([drawn for _, drawn, _ in side]).T for side in at),
                np.repeat(np.arange(len(seeds)), seeds),
            )
            rows.append(
                {"metric": metric.label, "data": a, "other": b, "spearman": rho.value, "low": rho.low,
                 "high": rho.high, "settings": rho.n}
            )  # fmt: skip
    return pd.DataFrame(rows)


def _square(numbers: pd.DataFrame, datasets: list[str]) -> np.ndarray:
    values = np.eye(len(datasets))
    for row in numbers.itertuples():
        i, j = datasets.index(row.data), datasets.index(row.other)
        values[i, j] = values[j, i] = row.spearman
    return values


def medians_across_datasets(study: Study, rng: Generator) -> Exhibit:
    """Median of every setting on the first data set against every other, per metric (Figure 18)."""
    title, of_paper = "Settings on one data set against another", "Figure 18"
    if len(study.datasets) < 2 or not study.metrics():
        return too_little(title, of_paper, TWO_DATASETS)
    base, *others = study.datasets
    numbers = setting_medians(study, study.metrics(), study.models())
    if numbers.empty:
        return too_little(title, of_paper, "no trained cell has a supervised score.")
    wide = numbers.pivot_table(
        index=["score", "model", "choice"], columns="data", values="median", sort=False
    ).reset_index()
    wide = wide.reindex(columns=["score", "model", *study.datasets])
    return Exhibit(
        title, of_paper,
        f"One point per setting: its median on {base} (horizontal) and on another data set (vertical); the "
        "medians and their intervals are among the numbers. "
        f"{intervals(numbers['n'], 'The intervals')} The paper: only Color-dSprites lines up with dSprites.",
        completeness(study, study.metrics()), (_medians(wide, base, others, study),),
        numbers.drop(columns="choice"),
    )  # fmt: skip


def _medians(numbers: pd.DataFrame, base: str, others: list[str], study: Study) -> Drawing:
    labels = [m.label for m in study.metrics()]
    height = 0.75 + 0.95 * len(others)
    margins = {"left": 0.085, "right": 0.995, "top": 1 - 0.45 / height, "bottom": 0.35 / height}
    with figure(PAGE_WIDTH, height, len(others), len(labels), **margins, wspace=0.36, hspace=0.3) as (
        drawn,
        axes,
    ):
        name_models(drawn, study.models(), 0.1)
        for (i, j), ax in np.ndenumerate(axes):
            here = numbers[numbers["score"] == labels[j]]
            groups = {m: here[here["model"] == m] for m in study.models()}
            scatter(ax, {m: (g[base], g[others[i]]) for m, g in groups.items() if len(g)}, named=False)
            ax.locator_params(axis="x", nbins=2)
            ax.locator_params(axis="y", nbins=3)
            ax.tick_params(labelsize=5.5)
            if i == 0:
                ax.set_title(labels[j], fontsize=7)
            if j == 0:
                ax.set_ylabel(others[i], fontsize=7, color=INK, fontweight="bold")
        drawn.supxlabel(f"median on {base}", fontsize=7, y=0.004)
        alt = f"Medians of settings on {base} against {', '.join(others)}"
        return finish(drawn, "medians_across_datasets", alt, wide=True)


def selection_success(study: Study, rng: Generator) -> Exhibit:
    """Is a setting chosen at one seed, metric and data set better than a random one? (Tables 1, 6)."""
    title, of_paper = "Chosen settings against random ones", "Table 1 = Table 6"
    metrics = [m for m in study.metrics() if m.metric in PAPER_METRICS] or study.metrics()  # to compare rates
    scores = scores_by_seed(study, metrics)
    reason = not_beside_table_1(study)
    rows = []
    for kind, (metric, data, published) in KINDS.items():
        estimate = success_rates(scores, kind, draws_of(kind))
        others = {seeds: success_rates(scores, kind, rng, seeds) for seeds in ("together", "any")}
        paper = None if reason else PUBLISHED.values[published]
        rows.append({"metric": metric, "data set": data, "percent": 100 * estimate.value,
        "low": 100 * estimate.low,
                     "high": 100 * estimate.high, "draws": estimate.n,
                     "paper": float(paper.value) if paper else None,
                     **{f"{seeds}{end}": 100 * getattr(rate, name) for seeds, rate in others.items()
                     for end, name in (("", "value"), ("_low", "low"), ("_high", "high"))}})  # fmt: skip
    numbers = pd.DataFrame(rows)
    if numbers["percent"].isna().all():
        return too_little(
            title, of_paper, "a setting must be scored at two seeds, and there must be two settings."
        )
    table = numbers[["metric", "data set"]].assign(
        **{
            "chosen ≥ random, %": [
                bracket(*r, digits=1) for r in numbers[["percent", "low", "high"]].to_numpy()
            ],
            "paper, %": [f"{p:.1f}" if pd.notna(p) else "–" for p in numbers["paper"]],
            "at one new seed": _brackets(numbers, "together"),
            "at any seed": _brackets(numbers, "any"),
            "draws": numbers["draws"],
        }
    )
    return Exhibit(
        title, of_paper,
        "How often the setting with the best score at one seed, metric and data set is at least as good "
        "as a random setting on the target: 10,000 draws, both at seeds of their own other than the "
        "first (locatello2019.md §7.2), over the paper’s metrics, if there are any of them. 50 % is chance. "
        "Intervals: bootstrap over seeds. The paper leaves "
        "the seeds open; the last columns say what becomes of the rate if both settings stand at one new "
        "seed, or if any seed may be drawn, the first as well."
        + _other_rates(study) + left_out("The paper’s rates", reason),
        completeness(study, metrics), numbers=numbers, table=table,
    )  # fmt: skip


def _other_rates(study: Study) -> str:
    """The sentence on the findings' rates, where the study has what those leave out (claims.of_paper)."""
    if of_paper(study).cells["setting"].nunique() == study.cells.loc[study.trained, "setting"].nunique():
        return ""
    return " The findings’ rates are over the paper’s objectives and data sets alone, these over all."


def _brackets(numbers: pd.DataFrame, name: str) -> list[str]:
    found = numbers[[name, f"{name}_low", f"{name}_high"]].to_numpy()
    return [bracket(*row, digits=1) for row in found]

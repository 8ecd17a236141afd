"""Is there a rule for choosing the regularisation strength? (the paper's Figures 4 left, 15)."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from numpy.random import Generator

from bench.reporting.cells import Column, Study
from bench.reporting.exhibit import Exhibit, completeness, slug, too_little
from bench.reporting.names import HYPERPARAMETER_NAMES, REFERENCE, model_name, number
from bench.reporting.plots import label_ends, line, names_that_fit, reference_band
from bench.reporting.statistics import median_coverage, medians
from bench.reporting.style import INK, PAGE_WIDTH, PANEL_WIDTH, Drawing, figure, finish, quiet_axis

TITLE, OF_PAPER = "Scores against the regularisation strength", "Figures 4 (left), 15"


def scores_against_strength(study: Study, rng: Generator) -> Exhibit:
    """Median of every setting against the ordinal position of its strength, one line per objective."""
    metrics = study.metrics()
    if not metrics or not study.models():
        return too_little(TITLE, OF_PAPER, "no trained cell has a supervised score.")
    numbers = setting_medians(study, metrics, study.models())
    if numbers.empty:
        return too_little(TITLE, OF_PAPER, "no trained cell has a supervised score.")
    return Exhibit(
        TITLE, OF_PAPER,
        "Median over the seeds of each setting; the horizontal axis counts the values of an objective "
        "from the weakest to the strongest, since values of different objectives are not comparable "
        f"({strengths(study, study.models())}). {intervals(numbers['n'])}{floor(study)}",
        completeness(study, metrics, models=study.models(trained_only=False)),
        tuple(draw_lines(study, metrics, study.models(), numbers, "scores_against_strength")),
        numbers,
    )  # fmt: skip


def setting_medians(study: Study, columns: list[Column], models: list[str]) -> pd.DataFrame:
    """One row per data set, column and setting of `models`: median, low, high, n and the strength's rank."""
    found = list(study.settings(columns, models))
    rows = [
        {"data": first["data"], "score": column.label, "model": first["model"], "setting": first["label"],
         "choice": first["choice"], "strength": first["strength"], "rank": first["rank"],
         "median": middle.value, "low": middle.low, "high": middle.high, "n": middle.n}
        for (column, first, _), middle in zip(found, medians([f[-1] for f in found]), strict=True)
        if middle.n
    ]  # fmt: skip
    return pd.DataFrame(rows)


def strengths(study: Study, models: list[str]) -> str:
    """`β-VAE β 1, 4; FactorVAE γ 6, 20`: the values behind the ordinal positions of `models`."""
    parts = []
    for model in models:
        cells = study.cells[study.cells["model"] == model]
        values = sorted(cells["strength"].dropna().unique())
        if values:
            name = cells["hyperparameter"].dropna().iloc[0]
            listed = ", ".join(number(v) for v in values)
            lines = list(dict.fromkeys(further(label, model) for label in cells["label"]))
            each = f" (a line for each of {'; '.join(lines)})" if len(lines) > 1 else ""
            parts.append(f"{model_name(model)} {HYPERPARAMETER_NAMES.get(name, name)} {listed}{each}")
    return "; ".join(parts) if parts else "no objective here has one"


def swept(label: str, model: str) -> list[tuple[str, str]]:
    """Names and values in the printed setting of a model: `DIP-VAE-I λ_od = 1, λ_d/λ_od = 10` has two."""
    parts = label.removeprefix(model_name(model)).strip()
    return [tuple(part.split(" = ", 1)) for part in parts.split(", ") if part]


def further(label: str, model: str) -> str:
    """What a printed setting says beyond its strength: `λ_d/λ_od = 10`; '' in a sweep of nothing else."""
    return ", ".join(f"{name} = {value}" for name, value in swept(label, model)[1:])


def intervals(seeds: pd.Series, what: str = "Bars") -> str:
    """What the intervals of `medians`, called `what`, mean where settings have these numbers of seeds."""
    alone = " A setting with one seed has none." if (seeds < 2).any() else ""
    n = seeds[seeds > 1].min()
    if n < 6:
        return (
            f"{what} are the range of the seeds: with {n:.0f} of them it holds the true median with "
            f"probability {100 * median_coverage(int(n)):.0f} %, with six or more seeds they are 95 % "
            f"intervals.{alone}"
        )
    return f"{what} are 95 % intervals over seeds, from order statistics.{alone}"


def floor(study: Study) -> str:
    """The sentence on the grey band, where the study has untrained networks."""
    return " Grey: range and median of the untrained networks." if (~study.trained).any() else ""


def draw_lines(
    study: Study, columns: list[Column], models: list[str], numbers: pd.DataFrame, name: str
) -> list[Drawing]:
    """One panel per column for one data set; for several, a matrix of data sets × columns."""
    datasets = study.datasets
    if len(datasets) == 1:
        return [_panel(study, datasets[0], column, models, numbers, name) for column in columns]
    rows, wide = len(datasets), len(columns)
    height = 0.7 + rows * 0.95
    margins = {"left": 0.085, "right": 0.89, "top": 1 - 0.25 / height, "bottom": 0.4 / height}
    with figure(PAGE_WIDTH, height, rows, wide, **margins, wspace=0.36, hspace=0.28) as (drawn, axes):
        for (i, j), ax in np.ndenumerate(axes):
            _lines(ax, study, datasets[i], columns[j], models, numbers, 5.5 if j == wide - 1 else None)
            ax.tick_params(labelsize=5.5)
            ax.locator_params(axis="y", nbins=4)
            if i == 0:
                ax.set_title(columns[j].label, fontsize=7)
            if j == 0:
                ax.set_ylabel(datasets[i], fontsize=7, color=INK, fontweight="bold")
        drawn.supxlabel("strength, weakest to strongest value", fontsize=7, y=0.004)
        alt = f"Matrix of line plots: medians against strength, {rows} data sets by {wide} scores"
        return [finish(drawn, name, alt, wide=True)]


def _panel(
    study: Study, data: str, column: Column, models: list[str], numbers: pd.DataFrame, name: str
) -> Drawing:
    with figure(PANEL_WIDTH, 2.35, left=0.13, right=0.74, top=0.89, bottom=0.18) as (drawn, axes):
        ax = axes[0, 0]
        _lines(ax, study, data, column, models, numbers, 7)
        ax.set_title(column.label)
        ax.set_xlabel("strength, weakest to strongest value")
        alt = f"{column.label} against regularisation strength on {data}, one line per objective"
        return finish(drawn, f"{name}-{slug(column.label)}", alt)


def _lines(
    ax: Axes,
    study: Study,
    data: str,
    column: Column,
    models: list[str],
    numbers: pd.DataFrame,
    fontsize: float | None,
) -> None:
    """The lines of one panel; objectives stand side by side at a position. Names at `fontsize`, if any.

    An objective that varies more than its strength has a line for each value of the rest: one line through
    all settings of a strength would be no function of it.
    """
    here = numbers[(numbers["data"] == data) & (numbers["score"] == column.label)]
    quiet_axis(ax, "y")
    reference_band(ax, study.of(column, data=data, model=REFERENCE).to_numpy())
    last, names, details = int(numbers["rank"].max()), [], []
    for place, model in enumerate(models):
        own, ends = here[here["model"] == model], []
        rest = [
            further(label, model) if known else label  # settings without a strength are single points
            for label, known in zip(own["setting"], own["strength"].notna(), strict=True)
        ]
        for _, part in own.groupby(rest, sort=False):
            part = part.sort_values("rank")
            at = part["rank"].to_numpy() + 0.05 * (place - (len(models) - 1) / 2)
            line(ax, at, part["median"].to_numpy(), part["low"].to_numpy(), part["high"].to_numpy(), model)
            values = ", ".join(f"= {value}" for _, value in swept(part["setting"].iloc[0], model)[1:])
            ends.append((model, at[-1], float(part["median"].iloc[-1]), values))
        details += [end for end in ends if len(ends) > 1]
        names += [(*max(ends, key=lambda end: end[2])[:3], model_name(model))] if ends else []
    ax.set_xlim(0.75, last + 0.25)
    ax.set_xticks(range(1, last + 1))
    if fontsize:
        fits = len(details) + len(names) <= names_that_fit(ax, fontsize)
        label_ends(ax, [*details, *names] if fits else names, last + 0.25, fontsize)

"""How far do the scores of one objective spread, and which objective is best? (the paper's Figures 3, 13)."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from numpy.random import Generator

from bench.reporting.cells import Column, Study
from bench.reporting.exhibit import Exhibit, completeness, numbered, slug, too_little
from bench.reporting.names import REFERENCE, model_name
from bench.reporting.plots import violin
from bench.reporting.statistics import pooled_median
from bench.reporting.style import INK, PAGE_WIDTH, PANEL_WIDTH, Drawing, figure, finish, quiet_axis

TITLE, OF_PAPER = "Scores of each objective", "Figures 3 (left), 13"


def scores_per_model(study: Study, rng: Generator) -> Exhibit:
    """The distribution of every score per objective, over strengths and seeds; untrained in grey."""
    metrics, models = study.metrics(), study.models(trained_only=False)
    if not metrics:
        return too_little(
            TITLE, OF_PAPER, "no supervised metric has a score; see `evaluation: metrics` in the grid."
        )
    spread = {
        (data, metric.label, model): study.of(metric, data=data, model=model)
        for data in study.datasets for metric in metrics for model in models
    }  # fmt: skip
    return Exhibit(
        TITLE, OF_PAPER,
        "Every trained model of an objective, over all its strengths and seeds; the tick is the median, "
        "the thin line spans the quartiles, shapes are densities cut at the range of the data."
        f"{' Grey: networks at their initial weights.' if REFERENCE in models else ''} "
        "Look at how much the objectives overlap.",
        completeness(study, metrics, models=models),
        tuple(_panels(spread, study.datasets, metrics, models, rng)),
        _numbers(study, spread, rng),
    )  # fmt: skip


def _numbers(study: Study, spread: dict[tuple[str, str, str], pd.Series], rng: Generator) -> pd.DataFrame:
    rows = []
    for (data, metric, model), x in spread.items():
        if x.empty:
            continue
        middle = pooled_median(x.to_numpy(), numbered(study.cells.loc[x.index, "setting"]), rng)
        quartiles = dict(zip(("min", "q25", "q75", "max"), np.quantile(x, [0, 0.25, 0.75, 1]), strict=True))
        rows.append(
            {"data": data, "metric": metric, "model": model_name(model), "n": len(x), "median": middle.value,
             "low": middle.low, "high": middle.high, **quartiles}
        )  # fmt: skip
    return pd.DataFrame(rows)


def _panels(
    spread: dict, datasets: list[str], metrics: list[Column], models: list[str], rng: Generator
) -> list[Drawing]:
    """One panel per metric for one data set; for several, the paper's matrix, data sets × metrics."""
    if len(datasets) == 1:
        return [_panel(spread, datasets[0], metric, models, rng) for metric in metrics]
    rows, columns = len(datasets), len(metrics)
    height = 0.45 + rows * (0.25 + 0.115 * len(models))
    margins = {"left": 0.15, "right": 0.995, "top": 1 - 0.25 / height, "bottom": 0.25 / height}
    with figure(PAGE_WIDTH, height, rows, columns, **margins, wspace=0.12, hspace=0.25) as (drawn, axes):
        for (i, j), ax in np.ndenumerate(axes):
            _violins(
                ax, [spread[datasets[i], metrics[j].label, m].to_numpy() for m in models], models, rng, j == 0
            )
            ax.tick_params(labelsize=5.5)
            if i == 0:
                ax.set_title(metrics[j].label, fontsize=7)
            if j == 0:
                ax.set_ylabel(datasets[i], fontsize=7, color=INK, fontweight="bold")
        alt = f"Matrix of violins: {rows} data sets by {columns} metrics, one violin per objective"
        return [finish(drawn, "scores_per_model", alt, wide=True)]


def _panel(spread: dict, data: str, metric: Column, models: list[str], rng: Generator) -> Drawing:
    height = 0.75 + 0.24 * len(models)
    margins = {"left": 0.24, "right": 0.96, "top": 1 - 0.28 / height, "bottom": 0.42 / height}
    with figure(PANEL_WIDTH, height, **margins) as (drawn, axes):
        ax = axes[0, 0]
        _violins(ax, [spread[data, metric.label, m].to_numpy() for m in models], models, rng, True)
        ax.set_title(metric.label)
        ax.set_xlabel(data)
        alt = f"{metric.label} of every model of each objective on {data}"
        return finish(drawn, f"scores_per_model-{slug(metric.label)}", alt)


def _violins(ax: Axes, scores: list[np.ndarray], models: list[str], rng: Generator, named: bool) -> None:
    """Violins from top to bottom in the paper's order of objectives."""
    quiet_axis(ax, "x")
    for place, (x, model) in enumerate(zip(scores, models, strict=True)):
        violin(ax, x, place, model, rng)
    ax.set_ylim(len(models) - 0.45, -0.55)
    ax.set_yticks(range(len(models)), [model_name(m) for m in models] if named else [])
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)

"""Is disentanglement useful? Downstream accuracy and statistical efficiency (Figures 5, 6, 19–23)."""

from __future__ import annotations

from itertools import product

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from numpy.random import Generator

from bench.reporting.cells import Column, Study
from bench.reporting.exhibit import Exhibit, completeness, numbered, slug, too_little
from bench.reporting.exhibits.correlations import correlations, draw, readable
from bench.reporting.names import LEARNERS
from bench.reporting.plots import name_models, scatter, spread
from bench.reporting.statistics import median_by_thirds
from bench.reporting.style import INK, PAGE_WIDTH, PANEL_WIDTH, Drawing, figure, finish, quiet_axis

#: Six models in each of three groups: the median of fewer says little.
FEWEST = 18
SIZES = (10, 100, 1000, 10_000)
NEEDS = "the metric `downstream` is needed beside a supervised one."
#: Thirds of the models; darker is higher, in a grey print, too.
GROUPS = {"low": "#9aa5b1", "middle": "#5f7d9c", "high": "#1f4e79"}


def downstream_columns(study: Study) -> list[Column]:
    """Mean test accuracy by learner and number of labels, then efficiency: the ten columns of Figure 5."""
    keys = [f"{learner}/{size}/mean_test_accuracy" for learner in LEARNERS for size in SIZES]
    keys += [f"{learner}/efficiency" for learner in LEARNERS]
    return [c for key in keys if (c := study.column("downstream", key)) is not None]


def downstream_agreement(study: Study, rng: Generator) -> Exhibit:
    """Spearman of the metrics with downstream accuracy and efficiency (Figures 5, 19)."""
    title, of_paper = "Metrics and downstream accuracy", "Figures 5, 19"
    metrics, tasks = study.metrics(), downstream_columns(study)
    if not metrics or not tasks:
        return too_little(title, of_paper, NEEDS)
    numbers = correlations(study, metrics, tasks, rng)
    if numbers["spearman"].isna().all():
        return too_little(title, of_paper, "no data set has three trained cells whose scores differ.")
    rows, columns = [m.label for m in metrics], [t.label for t in tasks]
    return Exhibit(
        title, of_paper,
        "Spearman × 100 between metrics and the accuracy of predicting the factors from the codes with "
        "10 to 10,000 labels, by logistic regression (LR) and gradient-boosted trees (GBT); efficiency "
        "is accuracy at 100 over accuracy at 10,000.",
        completeness(study, [*metrics, *tasks]), draw(numbers, rows, columns, "downstream_agreement"),
        numbers,
        readable(numbers, rows, columns),
    )  # fmt: skip


def efficiency_trees(study: Study, rng: Generator) -> Exhibit:
    """Statistical efficiency of boosted trees against every metric (Figures 6, 21)."""
    return _efficiency(study, "trees", "Figures 6, 21")


def efficiency_linear(study: Study, rng: Generator) -> Exhibit:
    """Statistical efficiency of logistic regression against every metric (Figure 20)."""
    return _efficiency(study, "logistic_regression", "Figure 20")


def _efficiency(study: Study, learner: str, of_paper: str) -> Exhibit:
    title = f"Statistical efficiency of {LEARNERS[learner]} against the metrics"
    metrics, column = study.metrics(), study.column("downstream", f"{learner}/efficiency")
    if not metrics or column is None:
        return too_little(title, of_paper, NEEDS)
    values = study.values.loc[study.trained, [column.name, *(m.name for m in metrics)]]
    values.columns = ["efficiency", *(m.label for m in metrics)]
    numbers = study.cells.loc[values.index, ["data", "model", "label", "seed"]].join(values)
    return Exhibit(
        title, of_paper,
        "One point per trained model: accuracy with 100 labels over accuracy with 10,000, against each "
        "metric. The paper finds no reliable gain. A high efficiency may only mean a low accuracy at "
        "10,000.",
        completeness(study, [*metrics, column]),
        tuple(_clouds(numbers, study, metrics, f"efficiency_{learner}")), numbers,
    )  # fmt: skip


def _clouds(numbers: pd.DataFrame, study: Study, metrics: list[Column], name: str) -> list[Drawing]:
    def points(data: str, metric: Column) -> dict:
        here = numbers[numbers["data"] == data]
        return {
            m: (part[metric.label].to_numpy(), part["efficiency"].to_numpy())
            for m in study.models()
            if len(part := here[here["model"] == m])
        }

    if len(study.datasets) == 1:
        return [_cloud(points(study.datasets[0], m), m, study.datasets[0], name) for m in metrics]
    rows, columns = len(study.datasets), len(metrics)
    height = 0.65 + rows * 0.95
    margins = {"left": 0.085, "right": 0.995, "top": 1 - 0.45 / height, "bottom": 0.22 / height}
    with figure(PAGE_WIDTH, height, rows, columns, **margins, wspace=0.36, hspace=0.3) as (drawn, axes):
        name_models(drawn, study.models(), 0.1)
        for (i, j), ax in np.ndenumerate(axes):
            scatter(ax, points(study.datasets[i], metrics[j]), named=False)
            ax.locator_params(nbins=3)
            ax.tick_params(labelsize=5.5)
            if i == 0:
                ax.set_title(metrics[j].label, fontsize=7)
            if j == 0:
                ax.set_ylabel(study.datasets[i], fontsize=7, color=INK, fontweight="bold")
        alt = f"Efficiency against {columns} metrics on {rows} data sets, one point per model"
        return [finish(drawn, name, alt, wide=True)]


def _cloud(points: dict, metric: Column, data: str, name: str) -> Drawing:
    with figure(PANEL_WIDTH, 2.4, left=0.16, right=0.72, top=0.9, bottom=0.18) as (drawn, axes):
        scatter(axes[0, 0], points)
        axes[0, 0].set_title(f"{data}")
        axes[0, 0].set_xlabel(metric.label)
        axes[0, 0].set_ylabel("efficiency")
        return finish(drawn, f"{name}-{slug(metric.label)}", f"Efficiency against {metric.label} on {data}")


def accuracy_by_group(study: Study, rng: Generator) -> Exhibit:
    """Accuracy against labels for the low, middle and high third of DCI and of MIG (Figures 22, 23)."""
    title, of_paper = "Accuracy with more labels, by thirds of DCI and MIG", "Figures 22, 23"
    by = [m for m in study.metrics() if m.metric in ("dci", "mig")]
    tasks = {
        (learner, size): column
        for learner in LEARNERS
        for size in SIZES
        if (column := study.column("downstream", f"{learner}/{size}/mean_test_accuracy")) is not None
    }
    if not by or len({size for _, size in tasks}) < 2:
        return too_little(
            title, of_paper, "DCI or MIG, and `downstream` with two numbers of labels are needed."
        )
    numbers = _thirds(study, by, tasks, rng)
    if numbers.empty:
        return too_little(
            title, of_paper, f"a data set needs {FEWEST} trained cells with an accuracy for three groups."
        )
    return Exhibit(
        title, of_paper,
        "Median accuracy of the third of the models with the lowest, middle and highest score (thirds "
        "are our reading of the paper’s groups), with its 95 % interval (bootstrap over seeds, thirds made "
        "anew in every resample). The paper finds higher groups better, best seen for GBT at 100 labels.",
        completeness(study, [*by, *tasks.values()]), tuple(_curves(numbers, study, by)), numbers,
    )  # fmt: skip


def _thirds(study: Study, by: list[Column], tasks: dict, rng: Generator) -> pd.DataFrame:
    """Thirds of the trained cells of a data set that have both the metric and the accuracy."""
    rows = []
    for data, metric in product(study.datasets, by):
        cells = study.cells[study.trained & (study.cells["data"] == data)]
        values = study.values.loc[cells.index[study.values.loc[cells.index, metric.name].notna()]]
        alike: dict[bytes, list[tuple[str, int]]] = {}  # accuracies on the same cells share their resamples
        for task, column in tasks.items():
            alike.setdefault(values[column.name].notna().to_numpy().tobytes(), []).append(task)
        for same in alike.values():
            x = values[[tasks[task].name for task in same]].dropna()
            if len(x) < FEWEST:
                continue
            scores, settings = values.loc[x.index, metric.name], numbered(cells.loc[x.index, "setting"])
            found = median_by_thirds(scores.to_numpy(), x.to_numpy(), settings, rng)
            rows += [
                {"data": data, "grouped_by": metric.label, "learner": LEARNERS[learner], "labels": size,
                 "group": group, "median": m.value, "low": m.low, "high": m.high, "n": m.n}
                for (learner, size), thirds in zip(same, found, strict=True)
                for group, m in zip(GROUPS, thirds, strict=True)
            ]  # fmt: skip
    return pd.DataFrame(rows)


def _curves(numbers: pd.DataFrame, study: Study, by: list[Column]) -> list[Drawing]:
    """Per grouping metric a matrix: learners × data sets."""
    drawings = []
    learners = list(dict.fromkeys(numbers["learner"]))
    for metric in by:
        wide = len(study.datasets) > 1
        edges = numbers.loc[numbers["grouped_by"] == metric.label, ["median", "low", "high"]].to_numpy()
        margin = 0.05 * (np.nanmax(edges) - np.nanmin(edges)) + 0.005
        limits = np.nanmin(edges) - margin, np.nanmax(edges) + margin
        width, height = (PAGE_WIDTH if wide else PANEL_WIDTH), 0.35 + 1.35 * len(learners)
        margins = {
            "left": 0.075 if wide else 0.16,
            "right": 0.94 if wide else 0.88,
            "top": 1 - 0.25 / height,
            "bottom": 0.35 / height,
        }
        with figure(
            width, height, len(learners), len(study.datasets), **margins, wspace=0.12, hspace=0.35
        ) as (drawn, axes):
            for (i, j), ax in np.ndenumerate(axes):
                own = numbers[
                    (numbers["grouped_by"] == metric.label)
                    & (numbers["learner"] == learners[i])
                    & (numbers["data"] == study.datasets[j])
                ]
                _curve(ax, own, 6 if wide else 7.5)
                ax.set_ylim(*limits)
                if j == len(study.datasets) - 1:
                    _name_groups(ax, own)
                if i == 0:
                    ax.set_title(study.datasets[j], fontsize=6 if wide else 7)
                if j == 0:
                    ax.set_ylabel(f"{learners[i]} accuracy", fontsize=7)
                elif j:
                    ax.tick_params(labelleft=False)
            drawn.supxlabel(f"labels; lines: thirds of {metric.label}", fontsize=7, y=0.01)
            alt = f"Accuracy against labels for thirds of {metric.label}"
            drawings.append(finish(drawn, f"accuracy_by_group-{slug(metric.label)}", alt, wide))
    return drawings


def _curve(ax: Axes, own: pd.DataFrame, fontsize: float) -> None:
    """Accuracy of the three groups against the number of labels, in one panel."""
    quiet_axis(ax, "y")
    ax.set_xscale("log")
    for group, ink in GROUPS.items():
        part = own[own["group"] == group]
        ax.vlines(part["labels"], part["low"], part["high"], color=ink, linewidth=0.8)
        ax.plot(part["labels"], part["median"], color=ink, marker="o", markersize=2.5, linewidth=1.1)
    ax.tick_params(labelsize=fontsize)


def _name_groups(ax: Axes, own: pd.DataFrame) -> None:
    """The groups’ names right of the last points, moved apart where they would collide."""
    ends = own[own["labels"] == own["labels"].max()].set_index("group")["median"].sort_values()
    low, high = ax.get_ylim()
    gap = (high - low) * 0.09 / (ax.get_position().height * ax.figure.get_figheight())
    for group, height in zip(ends.index, spread(list(ends), gap, low, high), strict=True):
        ax.text(1.04, (height - low) / (high - low), group, transform=ax.transAxes, color=GROUPS[group],
                fontsize=5.5, va="center")  # fmt: skip

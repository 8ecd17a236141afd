"""Every two metrics against each other, one point per model (the paper's Figure 11)."""

from __future__ import annotations

from numpy.random import Generator

from bench.reporting.cells import Column, Study
from bench.reporting.exhibit import Exhibit, completeness, too_little
from bench.reporting.plots import name_models, scatter
from bench.reporting.style import PAGE_WIDTH, Drawing, figure, finish


def metric_pairs(study: Study, rng: Generator) -> Exhibit:
    """Scatter matrix of the metrics on the first data set, dSprites in the paper."""
    title, of_paper, metrics = "Metrics against each other", "Figure 11", study.metrics()
    data = study.datasets[0]
    rows = study.cells.index[study.trained & (study.cells["data"] == data)]
    values = study.values.loc[rows, [m.name for m in metrics]].dropna(how="all")
    if len(metrics) < 2 or values.empty:
        return too_little(title, of_paper, f"two metrics on trained cells of {data} are needed.")
    values.columns = [m.label for m in metrics]
    numbers = study.cells.loc[values.index, ["data", "model", "label", "seed"]].join(values)
    return Exhibit(
        title, of_paper, f"One point per trained model of {data}. The paper’s strongest pair is MIG and DCI.",
        completeness(study, metrics, data), (_drawing(numbers, metrics, study.models(), data),), numbers,
    )  # fmt: skip


def _drawing(numbers, metrics: list[Column], models: list[str], data: str) -> Drawing:
    """Lower triangle: row metric against column metric."""
    size = len(metrics) - 1
    height = 0.75 + max(0.95 * size, 1.9)
    margins = {"left": 0.09, "right": 0.99, "top": 1 - 0.3 / height, "bottom": 0.45 / height}
    with figure(PAGE_WIDTH, height, size, size, **margins, wspace=0.28, hspace=0.28) as (drawn, axes):
        name_models(drawn, models, 0.12)
        for i, row in enumerate(metrics[1:]):
            for j, column in enumerate(metrics[:-1]):
                ax = axes[i, j]
                if j > i:
                    ax.set_axis_off()
                    continue
                parts = {m: numbers[numbers["model"] == m] for m in models}
                scatter(
                    ax, {m: (p[column.label], p[row.label]) for m, p in parts.items() if len(p)}, named=False
                )
                ax.locator_params(nbins=3)
                ax.tick_params(labelsize=5.5)
                if j == 0:
                    ax.set_ylabel(row.label, fontsize=6.5)
                if i == size - 1:
                    ax.set_xlabel(column.label, fontsize=6.5)
        alt = f"Scatter matrix of {', '.join(m.label for m in metrics)} on {data}"
        return finish(drawn, "metric_pairs", alt, wide=True)

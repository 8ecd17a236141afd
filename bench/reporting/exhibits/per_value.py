"""How much does the seed matter? Scores per value of one objective (the paper's Figures 3 right, 14)."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.random import Generator

from bench.reporting.cells import Column, Study
from bench.reporting.exhibit import Exhibit, completeness, too_little
from bench.reporting.exhibits.strength import intervals, swept
from bench.reporting.names import model_name
from bench.reporting.plots import violin
from bench.reporting.statistics import medians
from bench.reporting.style import INK, PAGE_WIDTH, Drawing, figure, finish, quiet_axis


def scores_per_value(study: Study, rng: Generator) -> Exhibit:
    """Scores of every value of every objective, on Cars3D as in the paper or else the first data set."""
    title, of_paper = "Scores of each value: the seed’s share", "Figures 3 (right), 14"
    metrics, models = study.metrics(), [m for m in study.models() if _values(study, m) > 1]
    if not metrics or not models or study.cells["seed"].nunique() < 2:
        return too_little(title, of_paper, "an objective with two values and two seeds is needed.")
    data = next((d for d in study.datasets if d.startswith("Cars3D")), study.datasets[0])
    found = [
        (column, first, x) for column, first, x in study.settings(metrics,
         models) if first["data"] == data and len(x)
    ]  # fmt: skip
    if not found:
        return too_little(title, of_paper, f"no trained cell of {data} has a supervised score.")
    numbers = _numbers(found)
    return Exhibit(
        title, of_paper,
        f"{data}: all seeds of every value, the weakest on top. Look at how far the seeds of one value "
        "spread against the distance between values. Medians are among the numbers. "
        f"{intervals(numbers['n'], 'Their intervals')}{_row_names(found)}",
        completeness(study, metrics, data, models), (_drawing(found, metrics, models, data, rng),), numbers,
    )  # fmt: skip


def _row_names(found: list[tuple[Column, dict, np.ndarray]]) -> str:
    """` Rows of DIP-VAE-I: λ_od, λ_d/λ_od.` where an objective varies more than its strength."""
    names = {
        first["model"]: [name for name, _ in swept(first["label"], first["model"])] for _, first, _ in found
    }
    return "".join(f" Rows of {model_name(m)}: {', '.join(n)}." for m, n in names.items() if len(n) > 1)


def _values(study: Study, model: str) -> int:
    return study.cells.loc[study.cells["model"] == model, "choice"].nunique()


def _numbers(found: list[tuple[Column, dict, np.ndarray]]) -> pd.DataFrame:
    rows = [
        {"data": first["data"], "metric": column.label, "setting": first["label"], "n": len(x),
         "min": x.min(),
         "median": middle.value, "low": middle.low, "high": middle.high, "max": x.max()}
        for (column, first, x), middle in zip(found, medians([f[-1] for f in found]), strict=True)
    ]  # fmt: skip
    return pd.DataFrame(rows)


def _drawing(
    found: list[tuple[Column, dict, np.ndarray]], metrics: list[Column], models: list[str], data: str,
    rng: Generator
) -> Drawing:  # fmt: skip
    """Rows objectives, columns metrics, a violin per value."""
    rows = {m: list(dict.fromkeys(f["choice"] for _, f, _ in found if f["model"] == m)) for m in models}
    settings = {f["choice"]: [value for _, value in swept(f["label"], f["model"])] for _, f, _ in found}
    values = max(map(len, rows.values()))
    height = 0.5 + len(models) * (0.22 + 0.12 * max(values, 6))
    margins = {"left": 0.13, "right": 0.995, "top": 1 - 0.25 / height, "bottom": 0.25 / height}
    with figure(PAGE_WIDTH, height, len(models), len(metrics), **margins, wspace=0.14, hspace=0.3) as (
        drawn,
        axes,
    ):
        for (i, j), ax in np.ndenumerate(axes):
            own = rows[models[i]]
            quiet_axis(ax, "x")
            for column, first, x in found:
                if column == metrics[j] and first["model"] == models[i]:
                    violin(ax, x, own.index(first["choice"]), models[i], rng)
            ax.set_ylim(len(own) - 0.45, -0.55)
            shown = [", ".join(settings[choice]) for choice in own] if j == 0 else []
            ax.set_yticks(range(len(shown)), shown)
            ax.locator_params(axis="x", nbins=3)
            ax.tick_params(labelsize=5.5, length=0)
            if i == 0:
                ax.set_title(metrics[j].label, fontsize=7)
            if j == 0:
                ax.set_ylabel(model_name(models[i]), fontsize=7, color=INK, fontweight="bold")
        alt = f"Matrix of violins on {data}: objectives by metrics, one violin per value"
        return finish(drawn, "scores_per_value", alt, wide=True)

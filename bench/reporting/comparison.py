"""Two studies side by side: another machine, precision or number of steps."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.random import Generator
from scipy import stats

from bench.reporting.beside import common_columns, namesakes, not_compared, of_other_images
from bench.reporting.cells import Column, Study
from bench.reporting.exhibit import Exhibit, bracket, completeness, slug, too_little
from bench.reporting.names import OTHER_METRICS, count
from bench.reporting.plots import scatter
from bench.reporting.statistics import LEVEL, spearman, spearman_interval
from bench.reporting.style import MUTED, PANEL_WIDTH, Drawing, figure, finish


def side_by_side(study: Study, other: Study, rng: Generator, differ: str = "") -> Exhibit:
    """The settings that both studies have: rank correlation of their means, and the mean difference.

    A setting is matched by data set, model and hyperparameters, whatever steps, precision or seeds; one that
    a study holds twice (with two numbers of steps) is left out and counted. The interval is Student's over
    the settings. Each metric is compared by the fullest estimator of `study` that both have. `differ` is what
    told_apart says.
    """
    title = f"{study.name} beside {other.name}"
    columns = _one_each(common_columns(study, other))
    (mine, left_out), (theirs, other_left_out) = (_means(of, columns) for of in (study, other))
    pairs = mine.merge(theirs, on=["data", "match", "score"], suffixes=("", "_other"))
    left_out += other_left_out
    left_out += not_compared(study, other, columns, set(zip(pairs["data"], pairs["score"], strict=True)))
    if pairs.empty:
        needs = "the two studies share no scored setting of one data set, source and estimator."
        return too_little(title, "", needs + left_out)
    rows = [
        {"data set": data, "score": score, **_difference(part)}
        for (data, score), part in pairs.groupby(["data", "score"], sort=False)
    ]
    table = pd.DataFrame(rows)
    shown = table.drop(columns=["low", "high", "spearman_low", "spearman_high"]).assign(
        spearman=[bracket(*r) for r in table[["spearman", "spearman_low", "spearman_high"]].to_numpy()],
        difference=[bracket(*r, digits=3) for r in table[["difference", "low", "high"]].to_numpy()],
    )
    labels = [column.label for column in columns if (pairs["score"] == column.label).any()]
    return Exhibit(
        title, "",
        f"Means over seeds of the settings that both studies have; difference = {study.name} − "
        f"{other.name}. 95 % intervals over settings. Points on the line are equal in both."
        f"{differ}{left_out}{of_other_images(study, other, columns)}",
        f"{completeness(study, columns)} {other.name}: {completeness(other, namesakes(other, columns))}",
        tuple(_drawing(pairs[pairs["score"] == label], label, study, other) for label in labels),
        pairs.drop(columns="match"), shown, table,
    )  # fmt: skip


def _one_each(columns: list[Column]) -> list[Column]:
    """The first headline column of each supervised metric."""
    headlines = [c for c in columns if c.headline and c.metric not in OTHER_METRICS]
    return list({column.metric: column for column in reversed(headlines)}.values())[::-1]


def _means(study: Study, columns: list[Column]) -> tuple[pd.DataFrame, str]:
    """Mean and n of every setting that stands once in a study, and a sentence on those that do not."""
    rows = [
        {"data": first["data"], "match": f"{first['model']}|{first['hyperparameters']}",
         "score": column.label,
         "model": first["model"], "setting": first["label"], "mean": float(x.mean()), "n": len(x)}
        for column, first, x in study.settings(columns, study.models()) if len(x)
    ]  # fmt: skip
    found = pd.DataFrame(rows, columns=["data", "match", "score", "model", "setting", "mean", "n"])
    twice = found.duplicated(["data", "match", "score"], keep=False)
    settings = found.loc[twice, ["data", "match"]].drop_duplicates()
    said = f" Left out: {count(len(settings), 'setting')} that {study.name} holds more than once, with other "
    return found[~twice], f"{said}steps or another precision." if len(settings) else ""


def _difference(part: pd.DataFrame) -> dict:
    gap = (part["mean"] - part["mean_other"]).to_numpy()
    half = np.nan
    if len(gap) > 1:
        half = stats.t.ppf((1 + LEVEL) / 2, len(gap) - 1) * gap.std(ddof=1) / np.sqrt(len(gap))
    rho = spearman(part["mean"].to_numpy(), part["mean_other"].to_numpy())
    rho_low, rho_high = spearman_interval(rho, len(gap))
    return {"settings": len(gap), "spearman": rho, "spearman_low": rho_low, "spearman_high": rho_high,
            "difference": gap.mean(), "low": gap.mean() - half,
            "high": gap.mean() + half, "largest difference": np.abs(gap).max()}  # fmt: skip


def _drawing(pairs: pd.DataFrame, score: str, study: Study, other: Study) -> Drawing:
    with figure(PANEL_WIDTH, 2.5, left=0.15, right=0.72, top=0.9, bottom=0.17) as (drawn, axes):
        ax = axes[0, 0]
        groups = {m: pairs[pairs["model"] == m] for m in study.models()}
        scatter(ax, {m: (g["mean_other"], g["mean"]) for m, g in groups.items() if len(g)})
        ends = [pairs[["mean", "mean_other"]].min().min(), pairs[["mean", "mean_other"]].max().max()]
        ax.plot(ends, ends, color=MUTED, linewidth=0.8, zorder=0.5)
        ax.set_title(score)
        ax.set_xlabel(other.name)
        ax.set_ylabel(study.name)
        return finish(
            drawn, f"comparison-{slug(score)}", f"Means of {score}, {study.name} against {other.name}"
        )

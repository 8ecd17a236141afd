"""Two studies side by side: another machine, precision or number of steps."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.random import Generator
from scipy import stats

from bench.reporting.cells import Column, Study
from bench.reporting.exhibit import Exhibit, bracket, completeness, slug, too_little
from bench.reporting.names import count, image_count
from bench.reporting.plots import scatter
from bench.reporting.statistics import LEVEL, spearman, spearman_interval
from bench.reporting.style import MUTED, PANEL_WIDTH, Drawing, figure, finish


def side_by_side(study: Study, other: Study, rng: Generator) -> Exhibit:
    """The settings that both studies have: rank correlation of their means, and the mean difference.

    A setting is matched by data set, model and hyperparameters, whatever steps, precision or seeds; one that
    a study holds twice (with two numbers of steps) is left out and counted. The interval is Student's over
    the settings.
    """
    title = f"{study.name} beside {other.name}"
    common = {m.label: m for m in study.metrics()}.keys() & {m.label: m for m in other.metrics()}.keys()
    labels = [m.label for m in study.metrics() if m.label in common]
    (mine, left_out), (theirs, other_left_out) = (_means(of, labels) for of in (study, other))
    pairs = mine.merge(theirs, on=["data", "match", "score"], suffixes=("", "_other"))
    left_out += other_left_out
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
    return Exhibit(
        title, "",
        f"Means over seeds of the settings that both studies have; difference = {study.name} − "
        f"{other.name}. 95 % intervals over settings. Points on the line are equal in both."
        f"{left_out}{_other_images(study, other, labels)}",
        f"{completeness(study, _of(study, labels))} {other.name}: {completeness(other, _of(other, labels))}",
        tuple(_drawing(pairs[pairs["score"] == s], s, study,
        other) for s in labels if (pairs["score"] == s).any()),
        pairs.drop(columns="match"), shown, table,
    )  # fmt: skip


def _of(study: Study, labels: list[str]) -> list[Column]:
    return [m for m in study.metrics() if m.label in labels]


def _other_images(study: Study, other: Study, labels: list[str]) -> str:
    """Where one score is of other images in the two studies, which moves it as another machine would."""
    apart: dict[str, list[str]] = {}
    for mine, theirs in zip(_of(study, labels), _of(other, labels), strict=True):
        left, right = study.images[mine.name], other.images[theirs.name]
        for data in [d for d in study.datasets if d in left and d in right and left[d] != right[d]]:
            told = f"{image_count(left[data])} in {study.name}, {image_count(right[data])} in {other.name}"
            apart.setdefault(f"{data} ({told})", []).append(mine.label)
    return "".join(f" Not of the same images on {told}: {', '.join(found)}." for told, found in apart.items())


def _means(study: Study, labels: list[str]) -> tuple[pd.DataFrame, str]:
    """Mean and n of every setting that stands once in a study, and a sentence on those that do not."""
    metrics = _of(study, labels)
    rows = [
        {"data": first["data"], "match": f"{first['model']}|{first['hyperparameters']}",
         "score": column.label,
         "model": first["model"], "setting": first["label"], "mean": float(x.mean()), "n": len(x)}
        for column, first, x in study.settings(metrics, study.models()) if len(x)
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

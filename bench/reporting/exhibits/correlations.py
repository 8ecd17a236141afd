"""Rank correlations between two lists of scores, as numbers and as heat maps: the form of seven exhibits."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.random import Generator

from bench.reporting.cells import Column, Study
from bench.reporting.exhibit import numbered, slug
from bench.reporting.plots import heatmap
from bench.reporting.statistics import spearman_matrix
from bench.reporting.style import Drawing, figure, finish


def correlations(study: Study, rows: list[Column], columns: list[Column], rng: Generator) -> pd.DataFrame:
    """One row per data set and pair of columns: spearman, low, high and n over its trained models.

    The unit is one model, pooled over objectives, strengths and seeds (locatello2019.md §7). A pair stands
    once, and no column beside itself.
    """
    found, seen = [], set()
    for data in study.datasets:
        cells = study.cells[(study.cells["data"] == data) & study.trained]
        values = study.values.loc[cells.index]
        estimates = spearman_matrix(
            values[[c.name for c in rows]].to_numpy(), values[[c.name for c in columns]].to_numpy(),
            numbered(cells["setting"]), rng,
        )  # fmt: skip
        for row, line in zip(rows, estimates, strict=True):
            for column, estimate in zip(columns, line, strict=True):
                if row == column or (data, column, row) in seen:
                    continue
                seen.add((data, row, column))
                found.append(
                    {"data": data, "row": row.label, "column": column.label, "spearman": estimate.value,
                     "low": estimate.low, "high": estimate.high, "n": estimate.n}
                )  # fmt: skip
    return pd.DataFrame(found, columns=["data", "row", "column", "spearman", "low", "high", "n"])


def matrix(numbers: pd.DataFrame, rows: list[str], columns: list[str], data: str) -> np.ndarray:
    """The correlations of one data set as (rows, columns); a label in both lists correlates 1 with itself."""
    found = numbers[numbers["data"] == data].set_index(["row", "column"])["spearman"].to_dict()
    return np.array(
        [[1.0 if r == c else found.get((r, c), found.get((c, r), np.nan)) for c in columns] for r in rows]
    )


def readable(numbers: pd.DataFrame, rows: list[str], columns: list[str]) -> pd.DataFrame:
    """Per data set the matrix of 100·ρ, as the paper prints it."""
    parts = []
    for data in numbers["data"].unique():
        part = (
            pd.DataFrame(100 * matrix(numbers, rows, columns, data), columns=columns).round(0).astype("Int64")
        )
        part.insert(0, "", rows)
        part.insert(0, "data set", data)
        parts.append(part)
    table = pd.concat(parts, ignore_index=True)
    return table.drop(columns="data set") if table["data set"].nunique() == 1 else table


def draw(numbers: pd.DataFrame, rows: list[str], columns: list[str], name: str) -> tuple[Drawing, ...]:
    """One heat map per data set."""
    return tuple(
        draw_matrix(matrix(numbers, rows, columns, data), rows, columns, data, f"{name}-{slug(data)}")
        for data in numbers["data"].unique()
    )


def draw_matrix(values: np.ndarray, rows: list[str], columns: list[str], title: str, name: str) -> Drawing:
    """A heat map with room for its labels, one column of a paper wide."""
    left = 0.3 + 0.062 * max(len(label) for label in rows)
    bottom = 0.25 + 0.043 * max(len(label) for label in columns)
    cell = min(0.42, max(0.27, (3.4 - left) / len(columns)))
    right, height = left + cell * len(columns), bottom + min(cell, 0.36) * len(rows) + 0.25
    width = max(right, left + 0.078 * len(title)) + 0.06  # the title of few columns is wider than they are
    margins = {"left": left / width, "right": right / width, "top": 1 - 0.23 / height}
    with figure(width, height, **margins, bottom=bottom / height) as (drawn, axes):
        heatmap(axes[0, 0], values, rows, columns, fontsize=7)
        axes[0, 0].set_title(title)
        alt = f"Rank correlations × 100, {title}: {', '.join(rows)} against {', '.join(columns)}"
        return finish(drawn, name, alt)

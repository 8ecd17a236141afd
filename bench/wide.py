"""The wide form of scores: one row per cell, one column per headline score."""

from __future__ import annotations

import json

import pandas as pd

from bench.metrics import DEFAULT_ESTIMATOR, HEADLINE
from bench.store import canonical_json

CELL_COLUMNS = [
    "cell_id", "study", "dataset", "source", "model", "hyperparameter", "strength", "hyperparameters",
    "seed", "steps", "precision",
]  # fmt: skip


def widen(frame: pd.DataFrame) -> pd.DataFrame:
    """One row per cell, one column per headline score (see load_scores); failed scores are NaN."""
    frame = frame.copy()
    for name in frame.columns[frame.dtypes == "category"]:
        frame[name] = frame[name].astype(object)
    way = ["metric", "estimator", "settings"]
    first = frame.groupby(way, dropna=False)["key"].transform("first")
    headline = frame[frame["key"] == frame["metric"].map(HEADLINE).fillna(first)].copy()
    defaults = {**DEFAULT_ESTIMATOR, "training": "study"}
    default = headline["estimator"] == headline["metric"].map(defaults).fillna("user")
    estimator = ("@" + headline["estimator"]).where(~default, "")
    representation = (headline["representation"] + ":").where(
        ~headline["representation"].isin(["mean", "none"]), ""
    )
    images = headline["images"].map(lambda n: f"[{n}]")
    mixed = headline.groupby(way)["images"].transform("nunique") > 1
    headline["column"] = (
        representation + headline["metric"] + estimator + _told_settings(headline) + images.where(mixed, "")
    )
    cells = frame[CELL_COLUMNS].drop_duplicates("cell_id").set_index("cell_id")
    scores = headline.pivot(index="cell_id", columns="column", values="value")
    scores.columns.name = None
    return cells.join(scores).reset_index()


def _told_settings(scores: pd.DataFrame) -> pd.Series:
    """Settings of each score, without the version of a metric that is there in one version only."""
    settings = scores["settings"].map(
        {text: json.loads(text or "{}") for text in scores["settings"].unique()}
    )
    versions = (
        settings.map(lambda told: told.get("version", 1)).groupby(scores["metric"]).transform("nunique")
    )
    shown = [
        {name: value for name, value in told.items() if name != "version" or n > 1}
        for told, n in zip(settings, versions, strict=True)
    ]
    return pd.Series([canonical_json(told) if told else "" for told in shown], scores.index, dtype=object)

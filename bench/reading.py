"""Scores of a study as its readers have them: each once, its own alone, tidy or wide."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from bench.mirror import PLAN, SCORES, is_address, pulled_study
from bench.store import REQUEST_KEY, SCORE_KEY, read_files, score_files
from bench.study import own_names


def load_scores(path: str | Path, wide: bool = False) -> pd.DataFrame:
    """Scores of a study as a tidy DataFrame: one row per number, or with `wide` one row per cell.

    `path` is a study's folder (results/quickstart) or address (s3://bucket/results/quickstart), its scores/
    folder, or one Parquet file. Doubled scores are removed: ok beats failed, then the newest wins; and, where
    the study's plan is there, rows of another study.
    The wide form has one column per headline score: `dci` for a metric's default estimator on the mean
    representation, `dci@study` for another estimator, `sampled:unsupervised` for another representation,
    `mine:spread` for a user's own metric, by the first of its keys.
    Raises FileNotFoundError with what to run.
    """
    path = pulled_study(str(path), (PLAN, SCORES)) if is_address(path) else Path(path)
    frame = read_scores(path).scores
    if not wide:
        return frame
    from bench.wide import widen  # which knows of metrics, as no other reader has to

    return widen(frame)


@dataclass(frozen=True)
class Reading:
    """What score files say: the `scores`, each once, and what of the rows is not among them.

    `strangers`: cells with rows of another study, by its name; `differing`: scores that are ok more than once
    with values that are not the same.
    """

    scores: pd.DataFrame
    strangers: dict[str, int]
    differing: int


def read_scores(path: Path) -> Reading:
    """The scores of a study's folder, its scores/ folder or one file (see load_scores)."""
    folder = path / "scores" if (path / "scores").is_dir() else path
    files = [folder] if folder.is_file() else score_files(folder)
    if not files:
        raise FileNotFoundError(
            f"no scores in {path}; `bench run GRID` makes them, `bench status` lists studies"
        )
    frame = read_files(files).to_pandas()
    own = is_own(frame, own_names(path))
    strangers = frame[~own].astype({"study": object}).groupby("study")["cell_id"].nunique().to_dict()
    frame = frame[own]
    scores = without_doubles(frame)
    differing = _differing(frame) if len(scores) < len(frame) else 0
    return Reading(scores, strangers, differing)


def is_own(frame: pd.DataFrame, names: set[str]) -> pd.Series:
    """Mask (n,) of the rows of a study of these `names` (bench.study.own_names); all where it has none."""
    return frame["study"].isin(names) | (not names)


def _differing(frame: pd.DataFrame) -> int:
    """Scores that are ok more than once with different values."""
    ok = frame[frame["status"] == "ok"].drop_duplicates([*SCORE_KEY, "value"])
    return int(ok[ok.duplicated(list(SCORE_KEY))].drop_duplicates(list(SCORE_KEY)).shape[0])


def without_doubles(frame: pd.DataFrame) -> pd.DataFrame:
    """One row per score key: ok beats failed, then the newest wins.

    Rows are in the order of requests; within one in the file's, which is the metric's own, headline first.
    """
    order = frame.assign(_failed=frame["status"].astype(str) != "ok")
    order = order.sort_values(["_failed", "created_at"], ascending=[False, True], kind="stable")
    unique = order.drop_duplicates(list(SCORE_KEY), keep="last").drop(columns="_failed")
    for name in unique.columns[unique.dtypes == "category"]:  # in the order of words, not of files
        unique[name] = unique[name].cat.set_categories(sorted(unique[name].cat.categories))
    return unique.sort_values(list(REQUEST_KEY), kind="stable").reset_index(drop=True)

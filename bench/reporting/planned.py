"""What a study plans of scores, and how far it is: cells as `bench status` counts them, scores nobody has."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from bench.plan import Request
from bench.store import REQUEST_KEY


def cell_statuses(
    scores: pd.DataFrame, row: np.ndarray, cells: int, requests: Sequence[Request]
) -> np.ndarray:
    """`scored`, `failed` or `missing` for each of `cells`: what `bench status` calls done, failed, missing.

    A cell is scored where every planned request has an ok score, and failed where every one is settled.
    `row` (n,) is the place among the cells of each of the n `scores`.
    """
    is_ok = (scores["status"] == "ok").to_numpy()
    scored, settled = np.ones((2, cells), bool)
    for request in requests:
        asked = _of_request(scores, request)
        good, any_of_it = np.zeros((2, cells), bool)
        good[row[asked & is_ok]] = any_of_it[row[asked]] = True
        scored &= good
        settled &= any_of_it
    return np.where(scored, "scored", np.where(settled, "failed", "missing")).astype(object)


def leading_keys(scores: pd.DataFrame, requests: Sequence[Request]) -> dict[tuple[str, str, str], str]:
    """(metric, estimator, settings) -> the key that stands first among its scores, in their own order.

    The order of bench.reading.load_scores is the metric's own, headline first. A planned request that has no
    score has the name of its function, as a user's function without `keys` has.
    """
    planned = {request[1:4]: request[1].rpartition(":")[2] for request in requests}
    kinds = ["metric", "estimator", "settings"]
    first = scores[[*kinds, "key"]].drop_duplicates(kinds).astype(object)
    return planned | {tuple(found[:3]): found[3] for found in first.itertuples(index=False, name=None)}


def _of_request(scores: pd.DataFrame, request: Request) -> np.ndarray:
    """Mask (n,) of the scores that answer a request."""
    pairs = zip(REQUEST_KEY[1:], request, strict=True)
    return np.logical_and.reduce([(scores[name] == wanted).to_numpy() for name, wanted in pairs])

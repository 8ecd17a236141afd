"""Code tables, or given rows, and METRICS become score rows: one dictionary per number.

Shared by score_pack and bench.score. Loads neither torch nor ray; pandas only where a table is returned.
"""

import time
import traceback
from collections.abc import Callable, Iterable
from functools import partial

import numpy as np

from bench.metrics import INTERVENTIONAL, METRICS, Request, parse_requests
from bench.metrics.requests import plan
from bench.rows import FactorIndex, Rows, evaluation_rng
from bench.scoring_inputs import Representation, check_rows

# Evaluations of a metric that draws rows of its own; their spread gives its interval.
DRAWS = 5

COLUMNS = ("representation", "images", "metric", "estimator", "settings", "key", "value", "null",
           "interval_low", "interval_high", "flags", "status", "error", "seconds")  # fmt: skip


def planned_requests(metrics, representations, images: int = 0) -> list[tuple[str, str, str, str, int]]:
    """Every (representation, metric, estimator, settings, images) that an evaluation asks for."""
    planned = plan(parse_requests(metrics), representations)
    return [(where, r.metric, r.estimator, r.settings_json, images) for where, r in planned]


def planned_keys(requests: Iterable[Request], representations) -> list[dict]:
    """One {representation, metric, estimator, settings, key} for every number the requests will give."""
    return [
        {"representation": where, "metric": r.metric, "estimator": r.estimator,
         "settings": r.settings_json, "key": key}
        for where, r in plan(requests, representations)
        for key in r.keys
    ]  # fmt: skip


def score_table(
    mean: np.ndarray,
    log_variance: np.ndarray,
    index: np.ndarray | None,
    dataset,
    requests: Iterable[Request],
    representations: Iterable[str],
    wanted: set[tuple] | None = None,
) -> tuple[list[dict], dict[tuple[str, str, str], np.ndarray]]:
    """Score rows of one cell's code table, and the arrays behind them by (representation, metric, name).

    mean, log_variance: (N, d) of every image of `dataset`, or of the images `index` (N,); without
    log_variance only the mean is scored. Every request comes with its companions (see bench.metrics.expand);
    `wanted` keeps only some (representation, metric, estimator, settings). A metric that raises gives rows
    with status `failed`; the others go on.
    """
    by_factor = FactorIndex(dataset.factors(np.arange(dataset.size) if index is None else index))

    def rows_of(representation: str) -> Rows:
        if index is None:
            return Rows.whole_grid(mean, log_variance, dataset, representation, by_factor)
        return Rows.sample(mean, log_variance, index, dataset, representation, by_factor)

    planned = [
        (where, r)
        for where, r in _possible(requests, representations, log_variance)
        if wanted is None or (where, r.metric, r.estimator, r.settings_json) in wanted
    ]
    return _score_planned(planned, rows_of, dataset.name, 0 if index is None else len(index), seed=0)


def score(codes, factors, metrics=("all",), test=None, seed=0, factor_names=None, log_variance=None):
    """Scores of any representation as a DataFrame, one row per number, with the score columns of a study.

    codes (n, d) and factors (n, K) are used as they are, once each; `test` = (codes, factors) gives the test
    rows, without it the first two thirds train (at most 10,000) and the rest test (at most 5,000). metrics:
    a list of names as in a grid, or ["all"]. factor_names must be one per factor. log_variance (n, d), of the
    training rows and then the test rows, adds the sampled representation. ValueError in one sentence for
    input that cannot be scored.
    """
    import pandas as pd

    given = check_rows(Representation(codes, factors, factor_names, log_variance), test)
    requests = parse_requests(named(metrics))
    planned = _possible(requests, ("mean", "sampled"), given.log_variance)

    def rows_of(representation: str) -> Rows:
        noise = given.log_variance if representation == "sampled" else None
        return Rows.given(given.codes, given.factors, given.test, noise, seed)

    rows, _ = _score_planned(planned, rows_of, "given", len(given.codes), seed)
    return pd.DataFrame(rows, columns=list(COLUMNS))


def named(metrics):
    """The metrics that were named; every one of bench, by its default estimator, for ["all"]."""
    return list(METRICS) if metrics in (["all"], ("all",)) else metrics


def _possible(requests, representations, log_variance) -> list[tuple[str, Request]]:
    """The plan, without the sampled representation where there is no posterior to sample from."""
    planned = plan(requests, representations)
    return [(where, r) for where, r in planned if where == "mean" or log_variance is not None]


def _score_planned(planned, rows_of: Callable[[str], Rows], name: str, images: int, seed: int):
    """Rows and arrays of every (representation, request)."""
    made, scores, arrays = {}, [], {}

    def rows(where: str, null: bool) -> Rows:
        """The rows of a representation, or the same with shuffled codes, made once."""
        if (where, null) not in made:
            rng = evaluation_rng(name, "null", str(seed))
            made[where, null] = rows(where, False).permuted(rng) if null else rows_of(where)
        return made[where, null]

    for where, request in planned:
        identity = {"representation": where, "images": images, "metric": request.metric,
                    "estimator": request.estimator, "settings": request.settings_json}  # fmt: skip
        started = time.process_time()
        try:
            numbers, found = _score_one(request, partial(rows, where), name, seed)
        except (Exception, SystemExit) as error:
            # The only place where a metric's failure is caught: it becomes rows, and the next metric runs.
            if isinstance(error, SystemExit) and request.metric in METRICS:
                raise  # not a user's metric that leaves by this door: somebody ends this process
            failed = {"status": "failed", "error": traceback.format_exc().strip()}
            numbers, found = [_number(key) | failed for key in request.keys], {}
        seconds = time.process_time() - started
        scores += [identity | number | {"seconds": seconds} for number in numbers]
        arrays |= {(where, request.label, array): values for array, values in found.items()}
    return scores, arrays


def _score_one(request: Request, rows: Callable[[bool], Rows], name: str, seed: int):
    """The numbers of one metric with its chance level and interval, and its arrays."""

    def evaluate(stream: str, null: bool = False):
        rng = evaluation_rng(name, request.metric, f"{seed}/{stream}")
        return request.function(rows(null), rng=rng, **request.settings)

    result = evaluate("0")
    if tuple(result.values) != request.keys:
        given, planned = ", ".join(result.values), ", ".join(request.keys)
        raise ValueError(f"{request.metric} gave the keys {given}, but was to give {planned}")
    null = evaluate("null", null=True).values if request.null else {}
    draws = range(1, DRAWS) if request.metric in INTERVENTIONAL else ()
    repeats = [result.values, *(evaluate(str(draw)).values for draw in draws)]
    numbers = []
    for key, value in result.values.items():
        low, high = interval([repeat[key] for repeat in repeats])
        numbers.append(_number(key, float(value), null.get(key), low, high, ",".join(result.flags)))
    return numbers, {name: np.asarray(values, dtype=np.float32) for name, values in result.arrays.items()}


def interval(repeats: list[float]) -> tuple[float | None, float | None]:
    """95 % interval of one evaluation: the first of repeated ones -+ t x their standard deviation."""
    if len(repeats) == 1:
        return None, None
    from scipy.stats import t

    reach = float(t.ppf(0.975, len(repeats) - 1) * np.std(repeats, ddof=1))
    return repeats[0] - reach, repeats[0] + reach


def _number(key: str, value=None, null=None, low=None, high=None, flags: str = "") -> dict:
    """The columns that differ between the numbers of one metric."""
    return {"key": key, "value": value, "null": null, "interval_low": low, "interval_high": high,
            "flags": flags, "status": "ok", "error": ""}  # fmt: skip

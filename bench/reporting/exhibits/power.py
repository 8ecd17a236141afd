"""How many seeds are needed? Seeds per setting that separate two settings at the effects seen here."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.random import Generator

from bench.reporting.cells import Study
from bench.reporting.exhibit import Exhibit, bracket, completeness, too_little
from bench.reporting.statistics import pooled_deviation, seeds_needed

TITLE = "How many seeds are needed"
COMMON_DIFFERENCE = 0.05  # a difference people argue about, on scores that live between 0 and 1


def seeds_to_separate(study: Study, rng: Generator) -> Exhibit:
    """Seeds per setting for a t test (5 %, power 80 %) of the settings’ means, per data set and metric."""
    metrics, rows = study.metrics(), []
    found = [(c, f, x) for c, f, x in study.settings(metrics, study.models()) if len(x) > 1]
    for data in study.datasets:
        for metric in metrics:
            groups = [x for c, f, x in found if c == metric and f["data"] == data]
            if len(groups) > 1:
                rows.append({"data": data, "metric": metric.label, **_row(groups)})
    numbers = pd.DataFrame(rows)
    if numbers.empty:
        return too_little(TITLE, "", "a data set needs two settings with two seeds each.")
    return Exhibit(
        TITLE, "",
        "Seeds per setting that a two-sided t test at 5 % needs to see a difference of two settings’ means "
        "with probability 80 %, from the standard deviation over the seeds of a setting, pooled over "
        f"settings, with its 95 % interval: for a difference of {COMMON_DIFFERENCE}, for that of the best "
        "and the second-best setting, and of the best and the median one. Differences of best settings are "
        "flattered by choice, so take their seeds as a lower bound.",
        completeness(study, metrics), numbers=numbers, table=_readable(numbers),
    )  # fmt: skip


def _row(groups: list[np.ndarray]) -> dict:
    sd = pooled_deviation(groups)
    means = np.sort([x.mean() for x in groups])
    second, median = float(means[-1] - means[-2]), float(means[-1] - np.median(means))
    common = [seeds_needed(COMMON_DIFFERENCE, s) for s in (sd.value, sd.low, sd.high)]
    return {
        "settings": len(groups), "n": sd.n, "sd": sd.value, "sd_low": sd.low, "sd_high": sd.high,
        "best_second": second, "seeds_best_second": seeds_needed(second, sd.value),
        "best_median": median, "seeds_best_median": seeds_needed(median, sd.value),
        "seeds_common": common[0], "seeds_common_low": common[1], "seeds_common_high": common[2],
    }  # fmt: skip


def _readable(numbers: pd.DataFrame) -> pd.DataFrame:
    """The table to read; what follows from the deviation alone has its interval."""
    common = numbers[["seeds_common", "seeds_common_low", "seeds_common_high"]].to_numpy()
    table = pd.DataFrame(
        {"data set": numbers["data"], "score": numbers["metric"], "n": numbers["n"],
         "sd over seeds": [bracket(*r, digits=3) for r in numbers[["sd", "sd_low", "sd_high"]].to_numpy()],
         f"seeds for {COMMON_DIFFERENCE}": [f"{_seeds(a)} [{_seeds(b)}, {_seeds(c)}]" for a, b, c in common],
         "best − second": numbers["best_second"], "seeds for it": numbers["seeds_best_second"].map(_seeds),
         "best − median": numbers["best_median"], "seeds for that": numbers["seeds_best_median"].map(_seeds)}
    )  # fmt: skip
    return table.drop(columns="data set") if table["data set"].nunique() == 1 else table


def _seeds(value: float) -> str:
    return "> 100,000" if np.isinf(value) else f"{value:,.0f}"

"""How many seeds are needed? Seeds per setting that separate two settings at the effects seen here."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.random import Generator

from bench.reporting.cells import Study
from bench.reporting.exhibit import Exhibit, bracket, completeness, too_little
from bench.reporting.statistics import Estimate, contrast, pooled_deviation, seeds_needed

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
        "and the second-best setting, and of the best and the median one. The last two are flattered by "
        "choice; Tukey’s interval, which holds for every difference at once, allows for it. Its ends give "
        "those of their seeds: a difference that may be 0 may need any number.",
        completeness(study, metrics), numbers=numbers, table=_readable(numbers),
    )  # fmt: skip


def _row(groups: list[np.ndarray]) -> dict:
    sd = pooled_deviation(groups)
    order = np.argsort([x.mean() for x in groups])
    middle = [order[(len(order) - 1) // 2], order[len(order) // 2]]  # one setting twice, or two
    common = [seeds_needed(COMMON_DIFFERENCE, s) for s in (sd.value, sd.low, sd.high)]
    return {
        "settings": len(groups), "n": sd.n, "sd": sd.value, "sd_low": sd.low, "sd_high": sd.high,
        **_against(groups, order[-1], [order[-2]], sd, "best_second"),
        **_against(groups, order[-1], middle, sd, "best_median"),
        "seeds_common": common[0], "seeds_common_low": common[1], "seeds_common_high": common[2],
    }  # fmt: skip


def _against(groups: list[np.ndarray], best: int, others: list[int], sd: Estimate, name: str) -> dict:
    """The best setting's mean minus the mean of `others`, and the seeds that it needs."""
    weights = np.zeros(len(groups))
    weights[best] += 1
    for other in others:
        weights[other] -= 1 / len(others)
    found = contrast(groups, weights)
    return {
        name: found.value, f"{name}_low": found.low, f"{name}_high": found.high,
        f"seeds_{name}": seeds_needed(found.value, sd.value),
        f"seeds_{name}_low": seeds_needed(found.high, sd.value),
        f"seeds_{name}_high": seeds_needed(max(found.low, 0.0), sd.value),
    }  # fmt: skip


def _readable(numbers: pd.DataFrame) -> pd.DataFrame:
    """The table to read, each number with its interval."""

    def shown(name: str) -> list[str]:
        found = numbers[[name, f"{name}_low", f"{name}_high"]].to_numpy()
        if name.startswith("seeds"):
            return [f"{_seeds(a)} [{_seeds(b)}, {_seeds(c)}]" for a, b, c in found]
        return [bracket(*row, digits=3) for row in found]

    table = pd.DataFrame(
        {"data set": numbers["data"], "score": numbers["metric"], "n": numbers["n"],
         "sd over seeds": shown("sd"), f"seeds for {COMMON_DIFFERENCE}": shown("seeds_common"),
         "best − second": shown("best_second"), "seeds for it": shown("seeds_best_second"),
         "best − median": shown("best_median"), "seeds for that": shown("seeds_best_median")}
    )  # fmt: skip
    return table.drop(columns="data set") if table["data set"].nunique() == 1 else table


def _seeds(value: float) -> str:
    return "> 100,000" if np.isinf(value) else f"{value:,.0f}"

"""How many seeds are needed? Seeds per setting that separate two settings at the effects seen here."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.random import Generator

from bench.reporting.cells import Study
from bench.reporting.exhibit import Exhibit, completeness, too_little
from bench.reporting.statistics import seeds_needed

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
    shown = numbers.rename(
        columns={"data": "data set", "metric": "score", "sd": "sd over seeds", "best_second": "best − second",
                 "seeds_best_second": "seeds for it (second)", "best_median": "best − median",
                 "seeds_best_median": "seeds for it (median)",
                 "seeds_common": f"seeds for a difference of {COMMON_DIFFERENCE}"}
    )  # fmt: skip
    seeds = [c for c in shown if c.startswith("seeds")]
    shown[seeds] = shown[seeds].map(_seeds)
    return Exhibit(
        TITLE, "",
        "sd: standard deviation over the seeds of a setting, pooled over settings. Then the difference "
        "of the means of the best and the second-best setting, and of the best and the median setting, "
        "each with the seeds per setting that a two-sided t test at 5 % needs to see it with probability "
        "80 %. Differences of best settings are flattered by choice, so take the seeds as a lower bound.",
        completeness(study, metrics), numbers=numbers, table=shown,
    )  # fmt: skip


def _row(groups: list[np.ndarray]) -> dict:
    sd = float(np.sqrt(sum(x.var(ddof=1) * (len(x) - 1) for x in groups) / sum(len(x) - 1 for x in groups)))
    means = np.sort([x.mean() for x in groups])
    second, median = float(means[-1] - means[-2]), float(means[-1] - np.median(means))
    return {
        "settings": len(groups), "sd": sd, "best_second": second, "seeds_best_second": seeds_needed(second,
        sd),
        "best_median": median, "seeds_best_median": seeds_needed(median, sd),
        "seeds_common": seeds_needed(COMMON_DIFFERENCE, sd),
    }  # fmt: skip


def _seeds(value: float) -> str:
    return "more than 100,000" if np.isinf(value) else f"{value:,.0f}"

"""Every exhibit of the report, in reading order: name -> function(study, rng) -> Exhibit.

To add one, write the function in a file of this folder and add one line here.
"""

from __future__ import annotations

from collections.abc import Callable

from numpy.random import Generator

from bench.reporting.cells import Study
from bench.reporting.exhibit import Exhibit
from bench.reporting.exhibits.agreement import metric_agreement
from bench.reporting.exhibits.distributions import scores_per_model
from bench.reporting.exhibits.separation import what_separates
from bench.reporting.exhibits.settings import scores_per_setting
from bench.reporting.exhibits.strength import scores_against_strength

EXHIBITS: dict[str, Callable[[Study, Generator], Exhibit]] = {
    "separation": what_separates,
    "scores_per_model": scores_per_model,
    "scores_against_strength": scores_against_strength,
    "metric_agreement": metric_agreement,
    "settings": scores_per_setting,
}

"""Findings that hold for each of several parts: an intersection–union test, and which part is shown."""

import numpy as np
import pytest

from bench.reporting.claims.verdicts import verdict, weakest
from bench.reporting.published import Value
from bench.reporting.statistics import Estimate

SURE, ABOVE = Value("low", "high", "paper"), (0.0, np.inf)


def parts(*intervals):
    return [Estimate((low + high) / 2, low, high, 9) for low, high in intervals]


@pytest.mark.parametrize(("intervals", "expected"), [
    ([(0.1, 0.3), (0.2, 0.4)], "agrees"),
    ([(0.1, 0.3), (-0.1, 0.3)], "too little data"),  # one of them crosses the edge
    ([(0.1, 0.3), (-0.5, -0.3)], "differs"),
    ([(0.1, 0.3), (-0.21, -0.01)], "too little data"),  # outside alone, not as the worst of two
    ([(-0.21, -0.01)], "differs"),
    ([(0.1, 0.3), (np.nan, np.nan)], "too little data"),
    ([(-0.5, -0.3), (np.nan, np.nan)], "too little data"),
])  # fmt: skip
def test_all_parts_have_to_hold_and_one_that_does_not_is_enough(intervals, expected):
    assert verdict(parts(*intervals), ABOVE, SURE, "") == expected


@pytest.mark.parametrize(("intervals", "shown"), [
    ([(0.1, 0.3), (0.2, 0.4)], 0),
    ([(-0.5, 0.1), (-0.2, -0.1), (0.2, 0.4)], 1),  # the first is lower, the second decides
    ([(-0.5, -0.1), (np.nan, np.nan)], 1),
])  # fmt: skip
def test_the_part_that_decides_is_shown(intervals, shown):
    given = parts(*intervals)
    assert weakest(given, ABOVE) is given[shown]


def test_a_part_above_the_region_is_as_far_as_one_below():
    given = parts((-0.1, 0.1), (0.35, 0.45))
    assert weakest(given, (-0.5, 0.3)) is given[1]


@pytest.mark.parametrize("of", [1, 3, 28])
def test_what_is_true_at_its_edge_is_denied_and_affirmed_in_one_study_of_forty(of):
    """All parts are at the edge; the least of them is far below it, its own interval often outside."""
    rng = np.random.default_rng(0)
    values = rng.standard_normal((2000, of))
    given = [verdict(parts(*((x - 1.96, x + 1.96) for x in row)), ABOVE, SURE, "") for row in values]
    assert np.mean([v == "differs" for v in given]) == pytest.approx(0.025, abs=0.011)
    assert np.mean([v == "agrees" for v in given]) < 0.036

"""Exhibits of made-up studies, each made once for all tests."""

from bench.reporting.cells import Study
from bench.reporting.exhibit import Exhibit
from bench.reporting.exhibits import EXHIBITS
from bench.reporting.report import generator

_MADE: dict[tuple[str, str], Exhibit] = {}


def made(name: str, study: Study) -> Exhibit:
    """The exhibit of a study; studies have names of their own."""
    if (name, study.name) not in _MADE:
        _MADE[name, study.name] = EXHIBITS[name](study, generator(name))
    return _MADE[name, study.name]

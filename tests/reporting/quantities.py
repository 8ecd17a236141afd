"""A study of four data sets, and what claims are made of it where scores are replaced."""

import dataclasses

from bench.reporting.cells import assemble
from bench.reporting.claims import CLAIMS
from bench.reporting.claims.evidence import Evidence, of_paper
from bench.reporting.claims.verdicts import weakest
from bench.reporting.published import Value
from bench.reporting.statistics import Estimate
from tests.reporting.synthetic import make_plan, make_scores

PLAN = make_plan(("dsprites", "smallnorb", "cars3d", "shapes3d"), seeds=3)
STUDY = assemble("four", make_scores(PLAN), PLAN)
CELLS = STUDY.cells
SURE = Value("words", "high", "paper")


def value(name, **columns):
    """A claim's quantity where the columns `metric__representation` of STUDY are replaced."""
    values = STUDY.values.copy()
    for column, x in columns.items():
        values[column] = x
    study = of_paper(dataclasses.replace(STUDY, values=values))
    return shown(name, study)


def shown(name, study):
    """The part of a claim's quantity that is shown: the one that is furthest from agreeing."""
    claim, parts = CLAIMS[name], Evidence.of_study(study).support(CLAIMS[name].statistic).parts
    return weakest([Estimate(x, x, x, 1) for x in parts], (claim.low, claim.high)).value


def of(key, representation):
    return STUDY.column("unsupervised", key, representation).name


def agrees(name, **columns):
    """Whether the quantity of `value` lies in the region of the claim: every part of it holds."""
    return CLAIMS[name].low <= value(name, **columns) <= CLAIMS[name].high

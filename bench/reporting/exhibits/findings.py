"""The paper's findings beside this study, in one table: the top of the report."""

from __future__ import annotations

from numpy.random import Generator

from bench.reporting.cells import Study
from bench.reporting.claims.verdicts import claims_numbers, claims_table, decide, shortfall, summary
from bench.reporting.exhibit import Exhibit, completeness


def findings(study: Study, rng: Generator) -> Exhibit:
    """Every claim of bench.reporting.claims with estimate, interval, n, the paper's value and a verdict."""
    claims = decide(study, rng)
    return Exhibit(
        "The paper’s findings", "",
        "Estimate with its 95 % interval, from a bootstrap over seeds within settings. A finding agrees "
        "if the whole interval lies in the region named, differs if all of it lies outside, and has too "
        "little data otherwise. The regions are this project’s (a finding in words has no numbers); "
        "around a published percentage they span 5 points for shares of variance, 3 for success rates. What "
        "each estimate is a number of stands among the numbers.",
        completeness(study, study.metrics()), numbers=claims_numbers(claims), table=claims_table(claims),
        text=(summary(claims, study),), folded=bool(shortfall(study)),
    )  # fmt: skip

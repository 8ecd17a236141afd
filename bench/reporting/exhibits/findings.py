"""The paper's findings beside this study, in one table: the top of the report."""

from __future__ import annotations

from numpy.random import Generator

from bench.reporting.cells import Study
from bench.reporting.claims.evidence import of_paper
from bench.reporting.claims.verdicts import claims_numbers, claims_table, decide, shortfall, summary
from bench.reporting.exhibit import Exhibit, completeness


def findings(study: Study, rng: Generator) -> Exhibit:
    """Every claim of bench.reporting.claims with estimate, interval, n, the paper's value and a verdict."""
    claims = decide(study, rng)
    return Exhibit(
        "The paper’s findings", "",
        "Estimate with its 95 % interval: from a bootstrap over seeds within settings, but bounds "
        "from tests of what is clear where the question is what is best, or what the best is against the "
        "worst, since a bootstrap of the best of noisy numbers misses the truth. A finding agrees "
        "if the whole interval lies in the region named, differs if all of it lies outside, and has too "
        "little data otherwise. One that says several things has a part for each: it agrees if every part "
        "does, differs if one lies outside at Bonferroni’s level, and the part that decides is shown. Scores "
        "must be there for 95 % of the cells of every data set, vary, and be computed as the paper’s; what "
        "is said across data sets needs three of them. Only the paper’s data sets, objectives "
        "and metrics take part. The regions are this project’s (a finding in words has no numbers). "
        "Shares of variance are put to the paper’s 50 seeds and stand beside the mean of the same entries of "
        "Table 5, within 5 points; success rates need all of Table 1’s data sets and metrics, within 3. What "
        "each estimate is a number of stands among the numbers.",
        completeness(of_paper(study), list(dict.fromkeys(column for c in claims for column in c.columns))),
        numbers=claims_numbers(claims), table=claims_table(claims),
        text=(summary(claims, study),), folded=bool(shortfall(study)),
    )  # fmt: skip

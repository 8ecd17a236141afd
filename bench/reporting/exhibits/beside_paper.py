"""Whether the paper's numbers may stand beside a study's own: tables have no other rule than the findings."""

from __future__ import annotations

from bench.reporting.cells import Study
from bench.reporting.claims.comparable import part_of_grid, shortfall
from bench.reporting.claims.evidence import Evidence
from bench.reporting.claims.support import gap
from bench.reporting.claims.verdicts import part_of_table_1, share_scored


def not_beside_table_5(study: Study) -> tuple[str, dict[tuple[str, str], str]]:
    """Why no R² of Table 5 can stand beside this study's, '' if some can; (data set, metric) -> why not this
    one.

    The study is taken whole, since its own R² is: an objective that the paper has not moves it.
    """
    if reason := shortfall(study) or part_of_grid(study):
        return reason, {}
    evidence = Evidence.of_study(study)
    layout = evidence.layout
    gaps = {
        (data, metric.label): gap(
            layout, evidence.values[:, layout.at[metric.name]], metric, layout.data == data
        )
        for data in layout.datasets
        for metric in layout.metrics
    }
    return "", {entry: why for entry, why in gaps.items() if why}


def not_beside_table_1(study: Study) -> str:
    """Why the success rates of Table 1, each over the whole grid, cannot stand beside this study's; '' if
    they can."""
    if reason := shortfall(study) or part_of_grid(study):
        return reason
    return part_of_table_1(Evidence.of_study(study).support(share_scored), study)


def told(gaps: dict[tuple[str, str], str], study: Study) -> str:
    """The reasons of not_beside_table_5, each once, with its data sets where these are not all."""
    on: dict[str, list[str]] = {}
    for (data, _), why in gaps.items():
        on.setdefault(why, []).append(data)
    return "; ".join(
        why if sets == study.datasets else f"{why} on {', '.join(sets)}" for why, sets in on.items()
    )


def left_out(numbers: str, reason: str) -> str:
    """What a caption says of the paper's `numbers` that are not shown; '' without a reason."""
    return f" {numbers} cannot stand beside this study: {reason}." if reason else ""

"""Every exhibit of the report, in reading order: name -> function(study, rng) -> Exhibit.

The paper's headlines come first: the findings, Figures 3 and 4, Tables 5 and 1 (locatello2019.md §7, 8.1).

To add one, write the function in a file of this folder and add one line here.
"""

from __future__ import annotations

from collections.abc import Callable

from numpy.random import Generator

from bench.reporting.cells import Study
from bench.reporting.exhibit import Exhibit
from bench.reporting.exhibits.agreement import estimator_agreement, metric_agreement
from bench.reporting.exhibits.distributions import scores_per_model
from bench.reporting.exhibits.downstream import (
    accuracy_by_group,
    downstream_agreement,
    efficiency_linear,
    efficiency_trees,
)
from bench.reporting.exhibits.entangled_codes import (
    mean_against_sampled,
    pairwise_information,
    total_correlation,
    total_correlation_annealed,
)
from bench.reporting.exhibits.findings import findings
from bench.reporting.exhibits.label_free import label_free_downstream, label_free_selection
from bench.reporting.exhibits.metric_pairs import metric_pairs
from bench.reporting.exhibits.per_value import scores_per_value
from bench.reporting.exhibits.pictures import reconstructions
from bench.reporting.exhibits.power import seeds_to_separate
from bench.reporting.exhibits.selectors import selector_success
from bench.reporting.exhibits.separation import what_separates
from bench.reporting.exhibits.settings import scores_per_setting
from bench.reporting.exhibits.strength import scores_against_strength
from bench.reporting.exhibits.transfer import (
    medians_across_datasets,
    selection_success,
    transfer_between_datasets,
)
from bench.reporting.exhibits.variance import variance_by_choice
from bench.reporting.exhibits.winners import winning_objectives

EXHIBITS: dict[str, Callable[[Study, Generator], Exhibit]] = {
    "findings": findings,
    "scores_per_model": scores_per_model,
    "scores_per_value": scores_per_value,
    "scores_against_strength": scores_against_strength,
    "label_free_selection": label_free_selection,
    "transfer_between_datasets": transfer_between_datasets,
    "variance_by_choice": variance_by_choice,
    "selection_success": selection_success,
    "separation": what_separates,
    "winning_objectives": winning_objectives,
    "metric_agreement": metric_agreement,
    "metric_pairs": metric_pairs,
    "estimator_agreement": estimator_agreement,
    "total_correlation": total_correlation,
    "total_correlation_annealed": total_correlation_annealed,
    "mean_against_sampled": mean_against_sampled,
    "pairwise_information": pairwise_information,
    "selector_success": selector_success,
    "medians_across_datasets": medians_across_datasets,
    "downstream_agreement": downstream_agreement,
    "efficiency_trees": efficiency_trees,
    "efficiency_linear": efficiency_linear,
    "accuracy_by_group": accuracy_by_group,
    "label_free_downstream": label_free_downstream,
    "reconstructions": reconstructions,
    "seeds_to_separate": seeds_to_separate,
    "settings": scores_per_setting,
}

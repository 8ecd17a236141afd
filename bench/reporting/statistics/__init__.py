"""The report's statistics: rank correlation, shares of variance, probabilities of winning, seeds needed.

Uncertainty is that of the seeds: every bootstrap draws seeds with replacement within a setting (`groups`)
and keeps the settings, as the paper's grid does. A draw is a row of `weights`: how often each cell was drawn.
All randomness comes from the Generator passed in.
"""

from bench.reporting.statistics.correlation import (
    spearman,
    spearman_interval,
    spearman_matrix,
    spearman_resampled,
    spearman_rows,
    weighted_ranks,
)
from bench.reporting.statistics.location import (
    means,
    median_by_thirds,
    median_coverage,
    medians,
    pooled_median,
    resampled_medians,
)
from bench.reporting.statistics.power import MOST_SEEDS, contrast, pooled_deviation, seeds_needed
from bench.reporting.statistics.resampling import (
    DRAWS,
    LEVEL,
    Estimate,
    estimate_from,
    mean_of_estimates,
    normal_interval,
    percentiles,
    repeated,
    seed_weights,
    share,
    widening,
)
from bench.reporting.statistics.variance import VarianceExplained, variance_explained
from bench.reporting.statistics.winning import auc, probability_of_winning, winning_draws

__all__ = [
    "DRAWS", "Estimate", "LEVEL", "MOST_SEEDS", "VarianceExplained", "auc", "contrast", "estimate_from",
    "mean_of_estimates", "means", "median_by_thirds", "median_coverage", "medians", "normal_interval",
    "percentiles", "pooled_deviation", "pooled_median", "probability_of_winning", "repeated",
    "resampled_medians",
    "seed_weights", "seeds_needed", "share", "spearman", "spearman_interval", "spearman_matrix",
    "spearman_resampled", "spearman_rows", "variance_explained", "weighted_ranks", "widening",
    "winning_draws",
]  # fmt: skip

"""The paper's findings, each with a quantity, the region in which it agrees, and the published entry."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from bench.reporting.claims import best, choosing, codes, highest, scores
from bench.reporting.claims.evidence import LOW, MOSTLY, VISIBLE, Evidence
from bench.reporting.names import PAPER_METRICS

INFINITY = float("inf")


@dataclass(frozen=True)
class Finding:
    """A finding of the paper as a quantity and a rule: it agrees where low ≤ quantity ≤ high.

    What holds for each of several parts is a quantity with a value for each: it agrees where all do. The
    regions are ours (locatello2019.md §7.5); `published` is the entry of published/locatello2019.json,
    `possible` the values that the quantity can take at all. What is said across data sets is not decided on
    fewer than `datasets` of them, nor without the data sets `named` and the `metrics`. A number over the
    `whole` grid has no verdict from part of its objectives and values. With `beside`, the published number
    on the entries that the study has, `low` and `high` are distances from it. `bounds` are an interval in
    place of the bootstrap's, where that would miss the truth.
    """

    sentence: str
    statistic: Callable[[Evidence], np.ndarray | float]
    low: float
    high: float
    published: str
    of_paper: str
    possible: tuple[float, float] = (-1, 1)
    datasets: int = 3
    named: tuple[str, ...] = ()
    metrics: tuple[str, ...] = ()
    whole: bool = False
    beside: Callable[[Evidence], float] | None = None
    bounds: Callable[[Evidence], tuple[float, float]] | None = None


@dataclass(frozen=True)
class Rate:
    """A published success rate of the transfer experiment, by the kind of bench.reporting.selection.

    It is one number over seven data sets and six metrics, so no part of them can stand beside it.
    """

    sentence: str
    kind: str
    low: float
    high: float
    published: str
    of_paper: str = "Table 1"


#: Points around a published percentage that count as agreement: the papers' numbers have an error of their
#: own.
R2_POINTS, RATE_POINTS = 5, 3

SHARE = (-INFINITY, 100)  # in percent; adjusted R² may fall below nothing

ALL_BUT_MODULARITY = tuple(metric for metric in PAPER_METRICS if metric != "modularity")

CLAIMS: dict[str, Finding | Rate] = {
    "sampled_tc_falls": Finding(
        "Total correlation of samples falls with the strength of β-VAE and β-TCVAE on every data set",
        codes.sampled_falls, -INFINITY, -VISIBLE, "claim_fig1_8_sampled_down", "Figures 1, 8",
    ),
    "plain_vae_highest": Finding(
        "The plain VAE has the highest total correlation of samples, except on SmallNORB",
        highest.plain_vae_highest, MOSTLY, INFINITY, "claim_fig8_vanilla_highest", "Figure 8", (0, 1),
        bounds=highest.plain_vae_highest_bounds,
    ),
    "factor_vae_flat": Finding(
        "FactorVAE’s total correlation of samples does not fall with γ",
        codes.factor_vae_flat, -VISIBLE, INFINITY, "claim_fig8_factorvae_flat", "Figure 8",
    ),
    "factor_vae_low": Finding(
        "FactorVAE’s total correlation of samples is low, except on SmallNORB",
        codes.factor_vae_low, 0, INFINITY, "claim_fig8_factorvae_flat", "Figure 8", (-0.7, 0.7),
        named=("SmallNORB",),
    ),
    "mean_tc_rises": Finding(
        "Total correlation of the mean rises with the strength of β-VAE and β-TCVAE",
        codes.mean_rises, VISIBLE, INFINITY, "claim_fig1_9_mean_up", "Figures 1, 9",
    ),
    "factor_vae_rises_less": Finding(
        "… and less for FactorVAE",
        highest.factor_vae_rises_less, MOSTLY, INFINITY, "claim_fig1_9_mean_up", "Figures 1, 9", (0, 1),
        bounds=highest.factor_vae_rises_less_bounds,
    ),
    "dip_i_low": Finding(
        "DIP-VAE-I keeps the total correlation of the mean consistently low",
        codes.dip_i_low, LOW, INFINITY, "claim_fig9_dip1_low", "Figure 9", (0, 1),
    ),
    "dip_ii_mixed": Finding(
        "DIP-VAE-II does so on Shapes3D and Cars3D, not on dSprites",
        codes.dip_ii_mixed, 0, INFINITY, "claim_fig9_dip2_mixed", "Figure 9", (-0.7, 0.7),
        named=("Shapes3D", "Cars3D", "dSprites"),
    ),
    # "Many" is half of them.
    "mean_above_sampled": Finding(
        "For many models the mean’s total correlation is much larger than the samples’",
        codes.mean_above_samples, 0.5, INFINITY, "claim_fig10_mean_above_sampled", "Figure 10", (0, 1),
    ),
    "annealed_high": Finding(
        "AnnealedVAE’s total correlation of the mean is very high",
        codes.annealed_high, LOW, INFINITY, "claim_fig26_annealed_high", "Figure 26", (0, 1),
    ),
    "pairwise_information": Finding(
        "Pairwise mutual information rises for the mean and falls for samples",
        codes.information_parts, VISIBLE, INFINITY, "claim_fig27_28_mi", "Figures 27, 28",
    ),
    "dip_i_information": Finding(
        "… but for DIP-VAE-I’s samples it does not fall",
        codes.dip_i_information, -VISIBLE, INFINITY, "claim_fig27_28_mi", "Figures 27, 28",
    ),
    # The two closest of 15 pairs have mean rank 1.5; twice that leaves room for another pair between them.
    "closest_pairs": Finding(
        "BetaVAE–FactorVAE and MIG–DCI are the closest pairs of metrics",
        scores.closest_pairs, -INFINITY, 3, "claim_fig2_12_pairs", "Figures 2, 12", (1, 15),
        metrics=PAPER_METRICS,
    ),
    "modularity_apart": Finding(
        "Modularity is not aligned with the other metrics",
        scores.modularity_apart, 0, INFINITY, "claim_fig2_12_pairs", "Figures 2, 12", (-2, 2),
        metrics=PAPER_METRICS,
    ),
    "figure_2": Finding(
        "The numbers of Figure 2 on Noisy-dSprites",
        scores.figure_2_distance, -INFINITY, 10, "fig2_betavae_factorvae", "Figure 2", (0, 200),
        datasets=1, named=("Noisy-dSprites",), metrics=PAPER_METRICS,
    ),
    "agreement_by_dataset": Finding(
        "Metrics agree strongly on dSprites, Color- and Scream-dSprites, mildly elsewhere",
        scores.agreement_by_dataset, 0, INFINITY, "claim_fig12_strength", "Figure 12", (-2, 2),
        datasets=4, named=scores.ALIKE, metrics=ALL_BUT_MODULARITY,
    ),
    "objectives_overlap": Finding(
        "No objective is consistently best",
        best.consistent_winner, -INFINITY, MOSTLY, "claim_fig3_13_overlap", "Figures 3, 13", (0, 1),
        metrics=PAPER_METRICS, bounds=best.consistent_winner_bounds,
    ),
    # A good seed of a bad value need not be common: one pair in twenty is enough to be seen among 50 seeds.
    "seed_matters": Finding(
        "A good seed with a bad value beats a bad seed with a good value",
        best.bad_value_good_seed, 0.05, INFINITY, "claim_fig3_14_seed", "Figures 3, 14", (0, 1),
        datasets=1, named=("Cars3D",), metrics=PAPER_METRICS, bounds=best.bad_value_good_seed_bounds,
    ),
    "objective_share": Finding(
        "The objective explains 37 % of the variance of scores",
        scores.objective_share, -R2_POINTS, R2_POINTS, "r2_mean_objective", "Table 5a", SHARE, datasets=1,
        metrics=PAPER_METRICS, whole=True, beside=scores.paper_objective_share,
    ),
    "value_share": Finding(
        "Objective and value explain 59 %, which leaves 41 % to the seed",
        scores.value_share, -R2_POINTS, R2_POINTS, "r2_mean_objective_x_value", "Table 5b", SHARE,
        datasets=1, metrics=PAPER_METRICS, whole=True, beside=scores.paper_value_share,
    ),
    "objective_below_rest": Finding(
        "The objective explains less than value and seed together",
        scores.objective_share, -INFINITY, 50, "claim_tab5_seed_share", "Table 5", SHARE,
        metrics=PAPER_METRICS, whole=True,
    ),
    "no_rule_for_strength": Finding(
        "There is no consistent choice of strength",
        best.consistent_strength, -INFINITY, MOSTLY, "claim_fig4_15_no_rule", "Figures 4, 15", (0, 1),
        metrics=PAPER_METRICS, bounds=best.consistent_strength_bounds,
    ),
    "no_label_free_selector": Finding(
        "No unsupervised score ranks models by disentanglement",
        choosing.consistent_selector, -INFINITY, MOSTLY, "claim_fig4_16_unsup", "Figures 4, 16", (0, 1),
        metrics=PAPER_METRICS,
    ),
    "only_color_transfers": Finding(
        "Settings transfer only between dSprites and Color-dSprites",
        choosing.only_color_transfers, 0, INFINITY, "claim_fig17_18_transfer", "Figures 17, 18", (-2, 2),
        named=("dSprites", "Color-dSprites"), metrics=PAPER_METRICS,
    ),
    "transfer_same": Rate(
        "A setting chosen on the same metric and data set, at another seed, beats a random one",
        "same_same", 80.7 - RATE_POINTS, 80.7 + RATE_POINTS, "transfer_same_same",
    ),
    "transfer_dataset": Rate(
        "… chosen on another data set",
        "same_metric", 59.3 - RATE_POINTS, 59.3 + RATE_POINTS, "transfer_samemetric_diffdata",
    ),
    "transfer_metric": Rate(
        "… chosen by another metric",
        "same_data", 62.6 - RATE_POINTS, 62.6 + RATE_POINTS, "transfer_diffmetric_samedata",
    ),
    "transfer_both": Rate(
        "… chosen by another metric on another data set",
        "different", 54.9 - RATE_POINTS, 54.9 + RATE_POINTS, "transfer_diff_diff",
    ),
    "downstream": Finding(
        "All metrics but Modularity go with downstream accuracy on the dSprites variants",
        choosing.downstream_on_sprites, VISIBLE, INFINITY, "claim_fig5_19_downstream", "Figures 5, 19",
        metrics=ALL_BUT_MODULARITY,
    ),
    "modularity_downstream": Finding(
        "… Modularity does not",
        choosing.modularity_downstream, -INFINITY, VISIBLE, "claim_fig5_19_downstream", "Figures 5, 19",
        (0, 1), metrics=("modularity",),
    ),
    "downstream_elsewhere": Finding(
        "… and on SmallNORB and Cars3D the others hardly do",
        choosing.downstream_elsewhere, -INFINITY, VISIBLE, "claim_fig5_19_downstream", "Figures 5, 19",
        (0, 1), datasets=2, named=choosing.ELSEWHERE, metrics=ALL_BUT_MODULARITY,
    ),
    # "Reliably" is in more than half of the cases.
    "efficiency": Finding(
        "Disentanglement does not reliably raise statistical efficiency",
        choosing.efficiency_gain, -INFINITY, 0.5, "claim_fig6_20_21_efficiency", "Figures 6, 20, 21",
        (0, 1), metrics=PAPER_METRICS,
    ),
    "efficiency_on_shapes": Finding(
        "… except that of GBT with DCI and MIG on Shapes3D",
        choosing.efficiency_on_shapes, VISIBLE, INFINITY, "claim_fig6_20_21_efficiency", "Figures 6, 20, 21",
        datasets=1, named=("Shapes3D",), metrics=("dci", "mig"),
    ),
    "tc_downstream": Finding(
        "Total correlation goes mildly with downstream accuracy, a lower one does not help",
        choosing.total_correlation_downstream, 0, INFINITY, "claim_fig24_unsup_downstream", "Figure 24",
        (-0.7, 1.3),
    ),
}  # fmt: skip

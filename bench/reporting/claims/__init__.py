"""The paper's findings, each with a quantity, the region in which it agrees, and the published entry."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bench.reporting.claims import choosing, codes, scores
from bench.reporting.claims.evidence import Evidence

INFINITY = float("inf")


@dataclass(frozen=True)
class Finding:
    """A finding of the paper as a quantity and a rule: it agrees where low ≤ quantity ≤ high.

    The regions are ours (locatello2019.md §7.5); `published` is the entry of published/locatello2019.json,
    `possible` the values that the quantity can take at all.
    """

    sentence: str
    statistic: Callable[[Evidence], float]
    low: float
    high: float
    published: str
    of_paper: str
    possible: tuple[float, float] = (-1, 1)


@dataclass(frozen=True)
class Rate:
    """A published success rate of the transfer experiment, by the kind of bench.reporting.selection."""

    sentence: str
    kind: str
    low: float
    high: float
    published: str
    of_paper: str = "Table 1"


#: Points around a published percentage that count as agreement: the papers' numbers have an error of their
#: own.
R2_POINTS, RATE_POINTS = 5, 3

CLAIMS: dict[str, Finding | Rate] = {
    "sampled_tc_falls": Finding(
        "Total correlation of samples falls with the strength of β-VAE and β-TCVAE",
        codes.sampled_falls, -INFINITY, -0.3, "claim_fig1_8_sampled_down", "Figures 1, 8",
    ),
    "plain_vae_highest": Finding(
        "The plain VAE has the highest total correlation of samples, except on SmallNORB",
        codes.plain_vae_highest, 0.5, INFINITY, "claim_fig8_vanilla_highest", "Figure 8", (0, 1),
    ),
    "factor_vae_flat": Finding(
        "FactorVAE’s total correlation of samples does not fall with γ",
        codes.factor_vae_flat, -0.3, INFINITY, "claim_fig8_factorvae_flat", "Figure 8",
    ),
    "mean_tc_rises": Finding(
        "Total correlation of the mean rises with the strength of β-VAE and β-TCVAE",
        codes.mean_rises, 0.3, INFINITY, "claim_fig1_9_mean_up", "Figures 1, 9",
    ),
    "dip_i_low": Finding(
        "DIP-VAE-I keeps the total correlation of the mean low",
        codes.dip_i_low, 0.5, INFINITY, "claim_fig9_dip1_low", "Figure 9", (0, 1),
    ),
    "dip_ii_mixed": Finding(
        "DIP-VAE-II does so on Shapes3D and Cars3D, not on dSprites",
        codes.dip_ii_mixed, 0, INFINITY, "claim_fig9_dip2_mixed", "Figure 9", (-2, 2),
    ),
    "mean_above_sampled": Finding(
        "For many models the mean’s total correlation is above the samples’",
        codes.mean_above_samples, 0.5, INFINITY, "claim_fig10_mean_above_sampled", "Figure 10", (0, 1),
    ),
    "annealed_high": Finding(
        "AnnealedVAE’s total correlation of the mean is very high",
        codes.annealed_high, 0.5, INFINITY, "claim_fig26_annealed_high", "Figure 26", (0, 1),
    ),
    "pairwise_information": Finding(
        "Pairwise mutual information rises for the mean and falls for samples",
        codes.information_parts, 0, INFINITY, "claim_fig27_28_mi", "Figures 27, 28",
    ),
    "closest_pairs": Finding(
        "BetaVAE–FactorVAE and MIG–DCI are the closest pairs of metrics",
        scores.closest_pairs, -INFINITY, 3, "claim_fig2_12_pairs", "Figures 2, 12", (1, 15),
    ),
    "modularity_apart": Finding(
        "Modularity is not aligned with the other metrics",
        scores.modularity_apart, -INFINITY, 0, "claim_fig2_12_pairs", "Figures 2, 12", (-2, 2),
    ),
    "figure_2": Finding(
        "The numbers of Figure 2 on Noisy-dSprites",
        scores.figure_2_distance, -INFINITY, 10, "fig2_betavae_factorvae", "Figure 2", (0, 200),
    ),
    "agreement_by_dataset": Finding(
        "Metrics agree strongly on dSprites, Color- and Scream-dSprites, mildly elsewhere",
        scores.agreement_by_dataset, 0, INFINITY, "claim_fig12_strength", "Figure 12", (-2, 2),
    ),
    "objectives_overlap": Finding(
        "No objective is consistently best",
        scores.consistent_winner, -INFINITY, 0.9, "claim_fig3_13_overlap", "Figures 3, 13", (0, 1),
    ),
    "seed_matters": Finding(
        "A good seed with a bad value beats a bad seed with a good value",
        scores.bad_value_good_seed, 0.05, INFINITY, "claim_fig3_14_seed", "Figures 3, 14", (0, 1),
    ),
    "objective_share": Finding(
        "The objective explains 37 % of the variance of scores",
        scores.objective_share, 37 - R2_POINTS, 37 + R2_POINTS, "r2_mean_objective", "Table 5a", (0, 100),
    ),
    "value_share": Finding(
        "Objective and value explain 59 %, the seed has the rest",
        scores.value_share, 59 - R2_POINTS, 59 + R2_POINTS, "r2_mean_objective_x_value", "Table 5b", (0, 100),
    ),
    "no_rule_for_strength": Finding(
        "There is no consistent choice of strength",
        scores.consistent_strength, -INFINITY, 0.9, "claim_fig4_15_no_rule", "Figures 4, 15", (0, 1),
    ),
    "no_label_free_selector": Finding(
        "No unsupervised score ranks models by disentanglement",
        choosing.best_label_free, -INFINITY, 0.5, "claim_fig4_16_unsup", "Figures 4, 16", (0, 1),
    ),
    "only_color_transfers": Finding(
        "Settings transfer only between dSprites and Color-dSprites",
        choosing.only_color_transfers, 0, INFINITY, "claim_fig17_18_transfer", "Figures 17, 18", (-2, 2),
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
        choosing.downstream_on_sprites, 0.25, INFINITY, "claim_fig5_19_downstream", "Figures 5, 19",
    ),
    "efficiency": Finding(
        "Disentanglement does not reliably raise statistical efficiency",
        choosing.efficiency_gain, -INFINITY, 0.3, "claim_fig6_20_21_efficiency", "Figures 6, 20, 21",
    ),
    "tc_downstream": Finding(
        "A lower total correlation does not help downstream",
        choosing.total_correlation_downstream, -0.5, 0.5, "claim_fig24_unsup_downstream", "Figure 24",
    ),
}  # fmt: skip

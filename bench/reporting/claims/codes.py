"""Claims on total correlation and mutual information of codes (Figures 1, 8–10, 25–28)."""

from __future__ import annotations

from itertools import product

import numpy as np

from bench.reporting.claims.evidence import LOW, Evidence, known_mean, mean, spearman_of
from bench.reporting.claims.highest import BETA_MODELS
from bench.reporting.exhibits.entangled_codes import MI, TC
from bench.reporting.statistics import auc

MUCH = 2  # Figure 10 has logarithmic axes; "much larger" is twice as large
OTHERS_OF_FIGURE_27 = ["beta_vae", "factor_vae", "beta_tc_vae", "dip_vae_ii"]  # all but DIP-VAE-I


def sampled_falls(evidence: Evidence) -> np.ndarray:
    """Spearman of strength with TC of samples: the highest over data sets, β-VAE and β-TCVAE, of medians and
    of models."""
    return strength_trend(evidence, TC, "sampled", BETA_MODELS).ravel()


def factor_vae_flat(evidence: Evidence) -> np.ndarray:
    """Mean Spearman of γ with TC of FactorVAE’s samples, over data sets: the lower of medians’ and
    models’."""
    return _over_datasets(strength_trend(evidence, TC, "sampled", ["factor_vae"]))


def factor_vae_low(evidence: Evidence) -> np.ndarray:
    """P(FactorVAE has a lower TC of samples than a random model of another objective): the least data set’s
    margin above 0.7, on SmallNORB below it."""
    datasets = evidence.layout.datasets
    sign = [-1 if data == "SmallNORB" else 1 for data in datasets]
    return sign * (lower(evidence, TC, "sampled", "factor_vae", datasets) - LOW)


def mean_rises(evidence: Evidence) -> np.ndarray:
    """Mean Spearman of strength with TC of the mean, over data sets: the lowest of β-VAE and β-TCVAE, of
    medians and of models."""
    return _over_datasets(strength_trend(evidence, TC, "mean", BETA_MODELS))


def dip_i_low(evidence: Evidence) -> np.ndarray:
    """P(DIP-VAE-I has a lower TC of the mean than a random model of another objective): the least data
    set’s."""
    return lower(evidence, TC, "mean", "dip_vae_i", evidence.layout.datasets)


def dip_ii_mixed(evidence: Evidence) -> np.ndarray:
    """The same for DIP-VAE-II: least margin above 0.7 on Shapes3D and Cars3D, below it on dSprites."""
    low = lower(evidence, TC, "mean", "dip_vae_ii", ["Shapes3D", "Cars3D", "dSprites"])
    return (low - LOW) * [1, 1, -1]


def mean_above_samples(evidence: Evidence) -> float:
    """Share of the models whose mean has at least twice the TC of its samples."""
    columns = [evidence.layout.column("unsupervised", TC, where) for where in ("mean", "sampled")]
    evidence.note(np.arange(len(evidence.values)), columns)
    pair = evidence.values[:, [evidence.layout.at[c.name] for c in columns]]
    pair = pair[np.isfinite(pair).all(axis=1)]
    return mean(pair[:, 0] >= MUCH * pair[:, 1])


def annealed_high(evidence: Evidence) -> float:
    """P(AnnealedVAE has a higher TC of the mean than a random model of another objective), over data sets."""
    return 1 - mean(lower(evidence, TC, "mean", "annealed_vae", evidence.layout.datasets))


def information_parts(evidence: Evidence) -> np.ndarray:
    """Mean Spearman of strength with pairwise MI, over data sets: the least objective’s rise for the mean or
    fall for samples (there without DIP-VAE-I), of medians or of models."""
    up = strength_trend(evidence, MI, "mean", [*OTHERS_OF_FIGURE_27, "dip_vae_i"])
    down = strength_trend(evidence, MI, "sampled", OTHERS_OF_FIGURE_27)
    return np.concatenate([_over_datasets(up), -_over_datasets(down)])


def dip_i_information(evidence: Evidence) -> np.ndarray:
    """Mean Spearman of λ_od with pairwise MI of DIP-VAE-I’s samples, over data sets: the lower of medians’
    and models’."""
    return _over_datasets(strength_trend(evidence, MI, "sampled", ["dip_vae_i"]))


def strength_trend(evidence: Evidence, key: str, representation: str, models: list[str]) -> np.ndarray:
    """Spearman between the strength's rank and an unsupervised score: (2, data sets, models).

    locatello2019.md §7.5 asks for that of the cell medians (six points an objective), first, and for the same
    over all models of the objective; a finding has to hold for both. NaN below three medians or ten models.
    """
    layout, column = evidence.layout, evidence.layout.column("unsupervised", key, representation)
    layout.need(*models)
    strength, of_medians, of_models = layout.settings["rank"].to_numpy(), [], []
    for data, model in product(layout.datasets, models):
        settings, rows = layout.of_setting.get((data, model), np.array([], int)), layout.place(data, [model])
        medians, x = evidence.median_of(column, settings), evidence.values[rows, layout.at[column.name]]
        of_medians.append((strength[settings][np.isfinite(medians)], medians[np.isfinite(medians)]))
        of_models.append((layout.rank[rows][np.isfinite(x)], x[np.isfinite(x)]))
    rho = np.stack([spearman_of(of_medians, least=3), spearman_of(of_models, least=10)])
    return rho.reshape(2, len(layout.datasets), len(models))


def _over_datasets(trend: np.ndarray) -> np.ndarray:
    """Means over data sets, one for each kind and model of `trend` (2, data sets, models)."""
    return known_mean(trend, axis=1).ravel()


def lower(evidence: Evidence, key: str, representation: str, model: str, datasets: list[str]) -> np.ndarray:
    """P(a random model of `model` has a lower unsupervised score than one of another): (data sets,).

    AnnealedVAE is no other: its values are far from all others (Figures 25, 26).
    """
    column = evidence.layout.column("unsupervised", key, representation)
    evidence.layout.need(model)
    others = [m for m in evidence.layout.models if m not in (model, "annealed_vae")]
    found = np.full(len(datasets), np.nan)
    for i, data in enumerate(datasets):
        own = evidence.scores(column, evidence.layout.place(data, [model]))
        rest = evidence.scores(column, evidence.layout.place(data, others))
        if len(own) and len(rest):
            found[i] = 1 - auc(own, rest)
    return found

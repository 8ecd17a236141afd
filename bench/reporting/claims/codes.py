"""Claims on total correlation and mutual information of codes (Figures 1, 8–10, 25–28)."""

from __future__ import annotations

import numpy as np

from bench.reporting.claims.evidence import Evidence, mean
from bench.reporting.exhibits.entangled_codes import MI, TC

BETA_MODELS = ["beta_vae", "beta_tc_vae"]  # with β = 1 both are the plain VAE (locatello2019.md §1.1)


def sampled_falls(evidence: Evidence) -> float:
    """Mean Spearman of strength with TC of samples, β-VAE and β-TCVAE, over data sets."""
    return mean(evidence.strength_trend(TC, "sampled", BETA_MODELS))


def plain_vae_highest(evidence: Evidence) -> float:
    """Share of the data sets but SmallNORB where a plain VAE has the highest median TC of samples."""
    column, settings = evidence.layout.study.column("unsupervised", TC, "sampled"), evidence.layout.settings
    if column is None:
        return float("nan")
    plain = (settings["model"].isin(BETA_MODELS) & (settings["strength"] == 1)).to_numpy()
    found = []
    for data in evidence.layout.datasets:
        rows = np.flatnonzero((settings["data"] == data) & (settings["model"] != "annealed_vae"))
        medians = evidence.median_of(column, rows)
        if data != "SmallNORB" and plain[rows].any() and not plain[rows].all() and np.isfinite(medians).all():
            found.append(float(plain[rows[medians.argmax()]]))
    return mean(found)


def factor_vae_flat(evidence: Evidence) -> float:
    """Mean Spearman of γ with TC of FactorVAE’s samples, over data sets."""
    return mean(evidence.strength_trend(TC, "sampled", ["factor_vae"]))


def mean_rises(evidence: Evidence) -> float:
    """Mean Spearman of strength with TC of the mean, β-VAE and β-TCVAE, over data sets."""
    return mean(evidence.strength_trend(TC, "mean", BETA_MODELS))


def dip_i_low(evidence: Evidence) -> float:
    """P(DIP-VAE-I has a lower TC of the mean than a random model of another objective), over data sets."""
    return mean(evidence.lower(TC, "mean", "dip_vae_i", evidence.layout.datasets))


def dip_ii_mixed(evidence: Evidence) -> float:
    """The same for DIP-VAE-II: on Shapes3D and Cars3D minus on dSprites."""
    low = mean(evidence.lower(TC, "mean", "dip_vae_ii", _named(evidence, "Shapes3D", "Cars3D")))
    return low - mean(evidence.lower(TC, "mean", "dip_vae_ii", _named(evidence, "dSprites")))


def mean_above_samples(evidence: Evidence) -> float:
    """Share of the models whose mean has a higher TC than its samples."""
    columns = [evidence.layout.study.column("unsupervised", TC, where) for where in ("mean", "sampled")]
    if None in columns:
        return float("nan")
    evidence.note(np.arange(len(evidence.values)), columns)
    pair = evidence.values[:, [evidence.layout.at[c.name] for c in columns]]
    pair = pair[np.isfinite(pair).all(axis=1)]
    return mean(pair[:, 0] > pair[:, 1])


def annealed_high(evidence: Evidence) -> float:
    """P(AnnealedVAE has a higher TC of the mean than a random model of another objective)."""
    return 1 - mean(evidence.lower(TC, "mean", "annealed_vae", evidence.layout.datasets))


def information_parts(evidence: Evidence) -> float:
    """Mean Spearman of strength with pairwise MI: of the mean minus of samples, without DIP-VAE-I."""
    models = ["beta_vae", "factor_vae", "beta_tc_vae", "dip_vae_ii"]
    up, down = (mean(evidence.strength_trend(MI, where, models)) for where in ("mean", "sampled"))
    return float("nan") if np.isnan(up) or np.isnan(down) else min(up, -down)


def _named(evidence: Evidence, *datasets: str) -> list[str]:
    return [d for d in evidence.layout.datasets if d in datasets]

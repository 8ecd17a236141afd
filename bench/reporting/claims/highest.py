"""Claims on whose total correlation is highest or rises more, with bounds for what seeds leave open (§7.5).

As in `best`: what is highest among noisy numbers is a matter of chance, which a bootstrap repeats.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy import stats

from bench.reporting.claims.best import TAIL, bests
from bench.reporting.claims.evidence import Evidence, mean
from bench.reporting.exhibits.entangled_codes import TC

BETA_MODELS = ("beta_vae", "beta_tc_vae")  # with β = 1 both are the plain VAE (locatello2019.md §1.1)
#: Standard error of a median against a mean's, of normal scores.
OF_MEDIAN = np.sqrt(np.pi / 2)


def plain_vae_highest(evidence: Evidence) -> float:
    """Share of the data sets where the plain VAE’s TC of samples lies above each other setting’s with P > ½;
    on SmallNORB where it does not."""
    return mean([found[1] for found in _plain(evidence)])


def plain_vae_highest_bounds(evidence: Evidence) -> tuple[float, float]:
    """Bounds of `plain_vae_highest`: where it surely is so, and where it perhaps is (best.bests)."""
    found = list(_plain(evidence))
    return mean([low for low, _, _ in found]), mean([high for _, _, high in found])


def factor_vae_rises_less(evidence: Evidence) -> float:
    """Share of data sets and of β-VAE, β-TCVAE whose median TC of the mean rises more than FactorVAE’s, from
    the weakest to the strongest value."""
    # Spearman (§7.5) is 1 for any rising line; "less" is a matter of how far it rises
    return mean([float(gap > 0) for gap, _ in _rises(evidence)])


def factor_vae_rises_less_bounds(evidence: Evidence) -> tuple[float, float]:
    """Bounds of `factor_vae_rises_less`: where the rises differ clearly so, and not clearly the other way.

    Clearly: by Student's interval of the difference of four medians.
    """
    z = [gap / reach for gap, reach in _rises(evidence)]
    return mean([float(value > 1) for value in z]), mean([float(value >= -1) for value in z])


def _plain(evidence: Evidence) -> Iterator[tuple[float, float, float]]:
    """Per data set whether what the paper says of it is surely, seemingly and perhaps so."""
    layout = evidence.layout
    column, strength = layout.column("unsupervised", TC, "sampled"), layout.settings["strength"].to_numpy()
    beta = [layout.models.index(model) for model in BETA_MODELS if model in layout.models]
    for data in layout.datasets:
        rows = layout.place(data, [model for model in layout.models if model != "annealed_vae"])
        evidence.note(rows, [column])
        x = evidence.values[rows, layout.at[column.name]]
        rows, x = rows[np.isfinite(x)], x[np.isfinite(x)]
        plain = np.isin(layout.model[rows], beta) & (strength[layout.number[rows]] == 1)
        if plain.any() and not plain.all():
            _, label = np.unique(np.where(plain, -1, layout.number[rows]), return_inverse=True)
            surely, seemingly, perhaps = bests(x, label, label.max() + 1)[:, 0].astype(float)
            flipped = (1 - perhaps, 1 - seemingly, 1 - surely)
            yield flipped if data == "SmallNORB" else (surely, seemingly, perhaps)


def _rises(evidence: Evidence) -> Iterator[tuple[float, float]]:
    """By how many nats β-VAE's and β-TCVAE's TC of the mean rises more than FactorVAE's, and half of the 95 %
    interval: infinite for single seeds."""
    evidence.layout.need(*BETA_MODELS, "factor_vae")
    for data in evidence.layout.datasets:
        ends = {model: _ends(evidence, data, model) for model in (*BETA_MODELS, "factor_vae")}
        if not ends["factor_vae"]:
            continue
        for model in BETA_MODELS:
            if ends[model]:
                groups = [*ends[model], *ends["factor_vae"]]
                low, high, low_factor, high_factor = map(np.median, groups)
                yield float(high - low - (high_factor - low_factor)), _reach(groups)


def _reach(groups: list[np.ndarray]) -> float:
    """Half the interval of a sum and difference of the groups' medians (Welch's degrees of freedom)."""
    if min(map(len, groups)) < 2:
        return np.inf
    squares = np.array([OF_MEDIAN**2 * x.var(ddof=1) / len(x) for x in groups])
    if not squares.sum():
        return np.finfo(float).tiny  # scores without any spread: whatever differs does so clearly
    freedom = squares.sum() ** 2 / sum(squares**2 / [len(x) - 1 for x in groups])
    return float(stats.t.isf(TAIL, freedom) * np.sqrt(squares.sum()))


def _ends(evidence: Evidence, data: str, model: str) -> list[np.ndarray]:
    """TC of the mean at the weakest and at the strongest value that have scores; empty below two values."""
    layout = evidence.layout
    column, rank = layout.column("unsupervised", TC, "mean"), layout.settings["rank"].to_numpy()
    settings = layout.of_setting.get((data, model), np.array([], int))
    order = settings[rank[settings].argsort(kind="stable")]
    found = [evidence.scores(column, layout.members[setting]) for setting in order]
    found = [x for x in found if len(x)]
    return [found[0], found[-1]] if len(found) > 1 else []

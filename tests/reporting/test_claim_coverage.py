"""Intervals of claims and of success rates hold what endless seeds of the same settings would give."""

import numpy as np
import pytest

from bench.reporting import selection
from bench.reporting.claims import CLAIMS
from bench.reporting.exhibits.entangled_codes import TC
from bench.reporting.statistics import estimate_from, widening
from tests.reporting.simulating import coverage, layout, with_scores

PLACES, MODELS = ("dsprites", "cars3d"), ("dip_vae_i", "factor_vae", "beta_tc_vae")


def scored(of, rng):
    """A study: each value has an effect of its own, larger on some metrics; TC is lower for DIP-VAE-I."""
    effect = np.random.default_rng(5).standard_normal((len(of.datasets), len(of.models), 6))
    place = np.array([of.datasets.index(data) for data in of.data])
    level = effect[place, of.model, of.rank.astype(int) - 1][:, None] * [1.0, 1.0, 0.8, 0.8, 0.0, 0.5]
    evidence = with_scores(of, level, rng)
    shift = 0.2 * of.rank - 1.0 * (of.model == of.models.index("dip_vae_i"))
    tc = of.column("unsupervised", TC, "mean").name
    evidence.values[:, of.at[tc]] = shift + rng.standard_normal(len(of.data))
    return evidence


def covered(name, seeds, studies, draws):
    """Least share, over the parts of a claim, of studies whose interval holds the part's value."""
    statistic, many, few = CLAIMS[name].statistic, layout(PLACES, 60, MODELS), layout(PLACES, seeds, MODELS)
    rng = np.random.default_rng(0)
    truth = np.mean([np.atleast_1d(statistic(scored(many, rng))) for _ in range(10)], axis=0)
    found = []
    for _ in range(studies):
        study = scored(few, rng)
        drawn = np.array([np.atleast_1d(statistic(study.resampled(rng))) for _ in range(draws)])
        parts = zip(np.atleast_1d(statistic(study)), drawn.T, truth, strict=True)
        intervals = [(estimate_from(x, of, 1, widening(few.number)), true) for x, of, true in parts]
        found.append([e.low <= true <= e.high for e, true in intervals])
    return np.mean(found, axis=0).min()


@pytest.mark.parametrize("name", ["dip_i_low", "objective_share"])
def test_intervals_of_claims(name):
    assert covered(name, 5, 25, 40) >= 0.8


@pytest.mark.long
@pytest.mark.parametrize("seeds", [5, 15])
@pytest.mark.parametrize("name", ["dip_i_low", "objective_share", "value_share", "modularity_apart"])
def test_intervals_of_claims_at_any_size(name, seeds):
    assert covered(name, seeds, 60, 60) >= 0.85


def rate_covered(kind, seeds, studies):
    """36 settings that differ by less than their seeds; metrics and data sets share some of it.

    Of few settings the random one is often the chosen one, at few seeds its very cell, which is a success.
    """
    shapes = (1, 1, 36, 1), (3, 1, 36, 1), (3, 2, 36, 1)
    common, of_metric, own = (np.random.default_rng(3).standard_normal(shape) for shape in shapes)
    level = 0.5 * common + 0.3 * of_metric + 0.5 * own

    def study(rng, seeds=seeds):
        return level + rng.standard_normal((3, 2, 36, seeds))

    rng = np.random.default_rng(4)
    truth = np.mean([selection.success_rates(study(rng, 400), kind, rng).value for _ in range(3)])
    return coverage(truth, lambda rng: selection.success_rates(study(rng), kind, rng), studies)


@pytest.mark.parametrize("kind", ["same_same", "different"])
def test_success_rates(kind, monkeypatch):
    monkeypatch.setattr(selection, "RESAMPLES", 40)
    monkeypatch.setattr(selection, "DRAWS", 3000)
    assert rate_covered(kind, 5, 25) >= 0.8


@pytest.mark.long
@pytest.mark.parametrize("seeds", [5, 15])
@pytest.mark.parametrize("kind", selection.KINDS)
def test_success_rates_of_every_kind(kind, seeds, monkeypatch):
    monkeypatch.setattr(selection, "RESAMPLES", 100)
    assert rate_covered(kind, seeds, 60) >= 0.85

"""Whose total correlation is highest or rises more: quantities in known cases, bounds that hold the truth."""

import numpy as np
import pytest

from bench.reporting.claims import CLAIMS
from bench.reporting.exhibits.entangled_codes import TC
from tests.reporting.quantities import CELLS, of, value
from tests.reporting.simulating import layout, with_scores

PLACES, MODELS = ("dsprites", "cars3d", "shapes3d", "smallnorb"), ("beta_vae", "factor_vae", "beta_tc_vae")


def test_the_plain_vae_is_highest_but_on_smallnorb():
    rng = np.random.default_rng(0)
    plain = CELLS["model"].isin(["beta_vae", "beta_tc_vae"]) & (CELLS["strength"] == 1)
    x = rng.standard_normal(len(CELLS)) + 20.0 * plain
    assert value("plain_vae_highest", **{of(TC, "sampled"): x}) == 0.75
    x = x - 40.0 * (plain & (CELLS["data"] == "SmallNORB"))
    assert value("plain_vae_highest", **{of(TC, "sampled"): x}) == 1


def test_factor_vae_rises_less_where_it_rises_by_fewer_nats():
    rng = np.random.default_rng(0)
    slope = CELLS["model"].map({"beta_vae": 3.0, "beta_tc_vae": 1.0, "factor_vae": 2.0}).fillna(0.0)
    x = slope * CELLS["rank"] + 0.01 * rng.standard_normal(len(CELLS))
    assert value("factor_vae_rises_less", **{of(TC, "mean"): x}) == 0.5  # less than one of the two


def bounds(name, seeds, effect, studies=30):
    """Bounds (studies, 2) of a claim on studies whose TC is `effect(layout)` beside standard normal noise."""
    of_study, rng, found = layout(PLACES, seeds, MODELS), np.random.default_rng(0), []
    at = [of_study.at[of_study.column("unsupervised", TC, where).name] for where in ("sampled", "mean")]
    for _ in range(studies):
        evidence = with_scores(of_study, np.zeros((len(of_study.data), 6)), rng)
        noise = rng.standard_normal((len(of_study.data), 2))
        evidence.values[:, at] = effect(of_study)[:, None] + noise
        found.append(CLAIMS[name].bounds(evidence))
    return np.array(found)


def plain(of_study, ahead):
    """The plain VAE ahead of all others, behind them on SmallNORB."""
    names = np.array(of_study.models)[of_study.model]
    is_plain = np.isin(names, ["beta_vae", "beta_tc_vae"]) & (of_study.rank == of_study.rank.min())
    return ahead * is_plain * np.where(of_study.data == "SmallNORB", -1, 1)


def rising(of_study, less):
    """Every objective rises by two standard deviations in all, FactorVAE by `less` fewer."""
    step = (of_study.rank - of_study.rank.min()) / np.ptp(of_study.rank)
    return step * (2 - less * (of_study.model == of_study.models.index("factor_vae")))


@pytest.mark.parametrize("seeds", [5, 50])
@pytest.mark.parametrize(
    ("name", "effect"), [("plain_vae_highest", plain), ("factor_vae_rises_less", rising)]
)
def test_few_seeds_or_small_gaps_never_make_a_true_finding_differ(name, effect, seeds):
    for gap in (0.1, 0.5):
        found = bounds(name, seeds, lambda of_study, gap=gap: effect(of_study, gap))
        assert (found[:, 1] >= 0.75).mean() >= 0.97
        assert (found[:, 0] <= found[:, 1]).all()


@pytest.mark.parametrize(
    ("name", "effect"), [("plain_vae_highest", plain), ("factor_vae_rises_less", rising)]
)
def test_fifty_seeds_show_a_wide_gap_either_way(name, effect):
    assert (bounds(name, 50, lambda of_study: effect(of_study, 1.5), 5)[:, 0] == 1).all()
    assert (bounds(name, 50, lambda of_study: effect(of_study, -1.5), 5)[:, 1] <= 0.25).all()


def test_single_seeds_decide_nothing():
    found = bounds("factor_vae_rises_less", 1, lambda of_study: rising(of_study, 1.5), 3)
    assert (found == [0, 1]).all()

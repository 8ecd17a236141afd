"""Quantities on total correlation and mutual information, against plain loops and in known cases."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from bench.reporting.exhibits.entangled_codes import MI, TC
from tests.reporting.quantities import CELLS, STUDY, agrees, of, value


def plain_trends(column, model):
    """Spearman of strength with cell medians and with models, (2, data sets): one data set after another."""
    found = []
    for _, cells in CELLS[CELLS["model"] == model].groupby("data"):
        x = STUDY.values.loc[cells.index, column]
        medians = x.groupby(cells["rank"]).median()
        found.append(
            [stats.spearmanr(medians.index, medians).statistic, stats.spearmanr(cells["rank"], x).statistic]
        )
    return np.array(found).T


def test_trends_are_of_cell_medians_and_of_all_models_and_the_weaker_decides():
    falls = [plain_trends(of(TC, "sampled"), model) for model in ("beta_vae", "beta_tc_vae")]
    assert value("sampled_tc_falls") == pytest.approx(np.max(falls))  # on every data set
    rises = [plain_trends(of(TC, "mean"), model).mean(axis=1) for model in ("beta_vae", "beta_tc_vae")]
    assert np.max(rises, axis=0)[1] < np.min(rises, axis=0)[0]  # models hold the noise of the seeds besides
    assert value("mean_tc_rises") == pytest.approx(np.min(rises))
    flat = plain_trends(of(TC, "sampled"), "factor_vae").mean(axis=1)
    assert value("factor_vae_flat") == pytest.approx(min(flat))


def test_a_fall_on_every_data_set_is_not_a_mean_over_them():
    """Both rise on Cars3D: the mean over data sets and over models is far below −0.3 all the same."""
    x = np.where(CELLS["data"] == "Cars3D", CELLS["rank"], -CELLS["rank"])
    assert not agrees("sampled_tc_falls", **{of(TC, "sampled"): x})
    assert agrees("sampled_tc_falls", **{of(TC, "sampled"): -1.0 * CELLS["rank"]})


def test_every_objective_has_to_rise_or_fall():
    up, down = 1.0 * CELLS["rank"], -1.0 * CELLS["rank"]
    assert agrees("pairwise_information", **{of(MI, "mean"): up, of(MI, "sampled"): down})
    but_one = np.where(CELLS["model"] == "beta_vae", down, up)
    assert not agrees("pairwise_information", **{of(MI, "mean"): but_one, of(MI, "sampled"): down})


def test_consistently_low_is_low_on_every_data_set():
    rng = np.random.default_rng(0)
    x = rng.standard_normal(len(CELLS)) - 20.0 * (CELLS["model"] == "dip_vae_i")
    assert agrees("dip_i_low", **{of(TC, "mean"): x})
    x = x + 40.0 * ((CELLS["model"] == "dip_vae_i") & (CELLS["data"] == "Cars3D"))
    assert not agrees("dip_i_low", **{of(TC, "mean"): x})


@pytest.mark.parametrize(("name", "model", "where", "high_on"), [
    ("dip_i_low", "dip_vae_i", "mean", []),
    ("factor_vae_low", "factor_vae", "sampled", ["SmallNORB"]),
    ("dip_ii_mixed", "dip_vae_ii", "mean", ["dSprites"]),
])  # fmt: skip
@pytest.mark.parametrize(("share", "expected"), [(0.7, False), (0.8, True)])
def test_low_is_lower_than_three_of_four_in_every_finding(name, model, where, high_on, share, expected):
    """The others are spread evenly over 0 to 1; above a share of them is low nowhere, not even by chance."""
    own, x = CELLS["model"] == model, pd.Series(0.0, CELLS.index)
    others = ~own & (CELLS["model"] != "annealed_vae")
    for _, cells in CELLS[others].groupby("data"):
        x[cells.index] = (np.arange(len(cells)) + 0.5) / len(cells)
    at = np.where(CELLS["data"].isin(high_on), 0.3, 1 - share)  # lower than 7 of 10 is not low
    assert agrees(name, **{of(TC, where): x.where(~own, at)}) == expected


def test_much_larger_is_twice_as_large():
    sampled = STUDY.values[of(TC, "sampled")]
    assert value("mean_above_sampled", **{of(TC, "mean"): 1.99 * sampled}) == 0
    assert value("mean_above_sampled", **{of(TC, "mean"): 2.01 * sampled}) == 1


def test_medians_that_hide_the_direction_of_the_models_do_not_decide_alone():
    """Two seeds of each value rise by a hair, the third falls by far: the medians rise, the models do not."""
    third = CELLS["seed"] == 2
    x = np.where(third, -100.0 * CELLS["rank"], CELLS["rank"] + 0.0)
    assert value("mean_tc_rises", **{of(TC, "mean"): x}) < 0.5  # the medians’ is 1


def test_every_part_of_a_mixed_finding_has_to_hold():
    """DIP-VAE-II far below the others on Shapes3D, at their level on Cars3D: not `on both`."""
    rng = np.random.default_rng(0)
    own, place = CELLS["model"] == "dip_vae_ii", CELLS["data"]
    x = rng.standard_normal(len(CELLS)) + np.select(
        [own & (place == "Shapes3D"), own & (place == "Cars3D"), own], [-20.0, 1.0, 20.0], 0.0
    )
    assert -0.7 < value("dip_ii_mixed", **{of(TC, "mean"): x}) < -0.35
    x = x - np.where(own & (place == "Cars3D"), 20.0, 0.0)
    assert value("dip_ii_mixed", **{of(TC, "mean"): x}) == pytest.approx(0.3)  # 1 − 0.7 where it is low
    assert agrees(
        "dip_ii_mixed", **{of(TC, "mean"): x - 40.0 * (CELLS["model"] == "dip_vae_i")}
    )  # lower still


def test_factor_vae_is_low_but_on_smallnorb():
    rng = np.random.default_rng(0)
    own, norb = CELLS["model"] == "factor_vae", CELLS["data"] == "SmallNORB"
    x = rng.standard_normal(len(CELLS)) + 20.0 * own * np.where(norb, 1, -1)
    assert value("factor_vae_low", **{of(TC, "sampled"): x}) == pytest.approx(0.3)
    high = x + 40.0 * (own & (CELLS["data"] == "Cars3D"))
    assert value("factor_vae_low", **{of(TC, "sampled"): high}) == pytest.approx(-0.7)  # on Cars3D it is not
    x = x - 40.0 * (own & norb)
    assert value("factor_vae_low", **{of(TC, "sampled"): x}) == pytest.approx(
        -0.3
    )  # low on SmallNORB as well


def test_information_of_dip_i_is_a_finding_of_its_own():
    flat = plain_trends(of(MI, "sampled"), "dip_vae_i").mean(axis=1)
    assert value("dip_i_information") == pytest.approx(min(flat))
    flat = np.where(CELLS["model"] == "dip_vae_i", CELLS["rank"], STUDY.values[of(MI, "sampled")])
    assert value("dip_i_information", **{of(MI, "sampled"): flat}) > 0.9
    assert value("pairwise_information", **{of(MI, "sampled"): flat}) == value("pairwise_information")

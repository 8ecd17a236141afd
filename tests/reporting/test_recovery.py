"""Every exhibit finds what was put into a made-up study; one test or more for each."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from bench.reporting.cells import assemble
from bench.reporting.exhibits import EXHIBITS
from bench.reporting.report import generator
from bench.reporting.statistics import seeds_needed
from tests.reporting.making import made
from tests.reporting.synthetic import Effects, make_plan, make_scores


def by_metric(study, metric):
    [column] = [m for m in study.metrics() if m.metric == metric]
    return column


def test_metrics_that_follow_quality_agree_and_modularity_does_not(part_of_the_grid):
    numbers = made("metric_agreement", part_of_the_grid).numbers.set_index(["data", "row", "column"])
    for data in part_of_the_grid.datasets:
        here = numbers.loc[data]["spearman"]
        assert here.idxmax() == ("MIG", "DCI")
        assert here["MIG", "DCI"] == pytest.approx(0.94, abs=0.03)  # 0.97² by construction
        assert abs(here["BetaVAE score", "Modularity"]) < 0.2


def test_variance_is_explained_by_the_shares_put_in(part_of_the_grid):
    numbers = made("variance_by_choice", part_of_the_grid).numbers
    mig = numbers[numbers["metric"] == "MIG"].groupby("level")["adjusted"].mean()
    assert mig["objective"] == pytest.approx(0.40 * 0.97**2, abs=0.03)
    assert mig["objective × value"] == pytest.approx(0.65 * 0.97**2, abs=0.03)
    modularity = numbers[(numbers["metric"] == "Modularity") & (numbers["level"] == "objective × value")]
    assert modularity["adjusted"].abs().max() < 0.08
    assert modularity["null"].iloc[0] == pytest.approx(35 / 359, abs=0.005)


def test_total_correlation_falls_in_samples_and_rises_in_the_mean(part_of_the_grid):
    numbers = made("total_correlation", part_of_the_grid).numbers
    assert "annealed_vae" not in set(numbers["model"])
    medians = numbers.pivot_table(index=["data", "score", "model"], columns="rank", values="median")
    change = (medians[6] - medians[1]).unstack("score")
    assert (change["Gaussian TC (sampled)"] < 0).all()
    rising = change["Gaussian TC"] > 0
    assert set(rising[~rising].index.get_level_values("model")) == {"dip_vae_i"}


def test_medians_and_their_intervals_are_of_the_seeds(part_of_the_grid):
    numbers = made("scores_against_strength", part_of_the_grid).numbers
    row = numbers[(numbers["data"] == "Cars3D") & (numbers["score"] == "SAP")].iloc[7]
    [sap] = [m for m in part_of_the_grid.metrics() if m.metric == "sap"]
    x = part_of_the_grid.of(sap, data="Cars3D", choice=row["choice"])
    assert row["median"] == np.median(x)
    assert row["n"] == 10
    assert x.min() <= row["low"] < row["median"] < row["high"] <= x.max()


def test_settings_chosen_with_labels_transfer_over_seeds_not_over_data_sets(part_of_the_grid):
    rates = made("selection_success", part_of_the_grid).numbers.set_index(["metric", "data set"])["percent"]
    assert rates["same", "same"] > 70
    assert rates["same", "different"] == pytest.approx(50, abs=12)


def test_downstream_accuracy_follows_the_metrics_but_modularity(part_of_the_grid):
    numbers = made("downstream_agreement", part_of_the_grid).numbers
    trees = numbers[numbers["column"] == "GBT 10,000"].groupby("row")["spearman"].mean()
    assert trees["DCI"] > 0.7
    assert abs(trees["Modularity"]) < 0.15


def test_the_spread_of_an_objective_is_that_of_its_models(part_of_the_grid):
    numbers = made("scores_per_model", part_of_the_grid).numbers.set_index(["data", "metric", "model"])
    x = part_of_the_grid.of(by_metric(part_of_the_grid, "mig"), data="Cars3D", model="factor_vae")
    row = numbers.loc["Cars3D", "MIG", "FactorVAE"]
    assert (row["n"], row["median"], row["min"], row["max"]) == (60, x.median(), x.min(), x.max())
    assert row["low"] < row["median"] < row["high"]


def test_the_better_objective_wins_as_often_as_its_scores_say(part_of_the_grid):
    exhibit = made("winning_objectives", part_of_the_grid)
    mig = by_metric(part_of_the_grid, "mig")
    a, b = (part_of_the_grid.of(mig, data="Cars3D", model=m).to_numpy() for m in ("beta_vae", "dip_vae_ii"))
    numbers = exhibit.numbers.set_index(["data", "metric", "objective", "against"])
    row = numbers.loc["Cars3D", "MIG", "β-VAE", "DIP-VAE-II"]
    assert row["probability"] == pytest.approx((a[:, None] > b[None, :]).mean())
    assert row["low"] < row["probability"] < row["high"]
    pair = exhibit.numbers.query("objective == 'β-VAE' and against == 'FactorVAE'")
    means = exhibit.summary.set_index(["objective", "against"]).loc["β-VAE", "FactorVAE"]
    assert means["probability"] == pytest.approx(pair["probability"].mean(), rel=1e-12)
    assert means["low"] < means["probability"] < means["high"]
    shown = exhibit.table.set_index("P(row > column)")
    assert shown.loc["β-VAE", "FactorVAE"].startswith(f"{100 * pair['probability'].mean():.0f} [")
    assert shown.loc["FactorVAE", "β-VAE"].startswith(f"{100 - 100 * pair['probability'].mean():.0f} [")


def test_seeds_of_one_value_spread_as_far_as_was_put_in(part_of_the_grid):
    numbers = made("scores_per_value", part_of_the_grid).numbers
    assert set(numbers["data"]) == {"Cars3D"}
    assert len(numbers) == 6 * 36
    mig = numbers[numbers["metric"] == "MIG"]
    spread = (mig["max"] - mig["min"]).mean() / 0.08  # the range of ten normal values is 3.08 sd
    assert spread == pytest.approx(3.08 * np.sqrt(0.35 * 0.97**2 + 1 - 0.97**2), rel=0.12)


def test_points_of_metric_pairs_are_the_models_of_the_first_data_set(part_of_the_grid):
    numbers = made("metric_pairs", part_of_the_grid).numbers
    assert len(numbers) == 360
    assert numbers[["MIG", "DCI"]].corr().iloc[0, 1] == pytest.approx(0.94, abs=0.02)


def test_another_estimator_is_found_as_far_away_as_it_was_put():
    plan = make_plan(("dsprites",), {"beta_vae": [1, 4]}, seeds=20)
    scores = make_scores(plan, downstream=False)
    shifted = scores[scores["metric"] == "mig"].assign(estimator="corrected")
    shifted["value"] += 0.01 + 0.001 * np.random.default_rng(0).standard_normal(len(shifted))
    study = assemble("two ways", pd.concat([scores, shifted]), plan)
    [row] = made("estimator_agreement", study).numbers.to_dict("records")
    assert row["difference_low"] < 0.01 < row["difference_high"]
    assert row["difference_high"] - row["difference_low"] < 0.002
    assert (
        row["absolute_low"] < row["mean absolute difference"] == row["mean difference"] < row["absolute_high"]
    )
    assert row["spearman"] > 0.99


def test_annealed_vae_comes_along_where_it_is_asked_for(part_of_the_grid):
    numbers = made("total_correlation_annealed", part_of_the_grid).numbers
    own = numbers[(numbers["model"] == "annealed_vae") & (numbers["score"] == "Gaussian TC")]
    np.testing.assert_allclose(np.log(own["median"]), 0.8 + 0.25 * own["rank"], atol=0.15)


def test_the_means_total_correlation_is_above_but_for_dip_vae_i_at_weak_strengths(part_of_the_grid):
    exhibit = made("mean_against_sampled", part_of_the_grid)
    numbers = exhibit.numbers
    above = numbers["mean"] > numbers["sampled"]
    assert above[~numbers["label"].str.startswith("DIP-VAE-I ")].mean() > 0.995
    assert not above[numbers["label"] == "DIP-VAE-I λ_od = 1"].all()
    shown = exhibit.table.set_index("data set")["share with TC(mean) > TC(samples)"]
    share = above[numbers["data"] == "Cars3D"].mean()
    assert shown["Cars3D"].startswith(f"{share:.2f} [")
    own = exhibit.summary.set_index("data").loc["Cars3D"]
    assert own["share"] == pytest.approx(share, rel=1e-12)
    assert own["low"] < own["share"] < own["high"]


def test_pairwise_information_has_the_slopes_put_in(part_of_the_grid):
    numbers = made("pairwise_information", part_of_the_grid).numbers
    for score, slope in (("pairwise MI", 0.03), ("pairwise MI (sampled)", -0.03)):
        own = numbers[numbers["score"] == score]
        assert np.polyfit(own["rank"], own["median"], 1)[0] == pytest.approx(slope, abs=0.002)


def test_no_unsupervised_score_follows_quality(part_of_the_grid):
    numbers = made("label_free_selection", part_of_the_grid).numbers
    mean = numbers.groupby("row")["spearman"].mean()
    assert {"reconstruction loss", "Gaussian TC (sampled)", "KL", "ELBO"} <= set(mean.index)
    assert mean.abs().max() < 0.2


def test_a_selector_without_labels_is_a_coin_and_one_with_labels_is_not(part_of_the_grid):
    rates = made("selector_success", part_of_the_grid).numbers.set_index("chosen_by")
    assert rates.loc["labels: the metric itself", "percent"] > 70
    assert rates.loc["labels: another metric", "low"] > 52
    blind = rates[~rates.index.str.startswith("labels")]
    assert set(blind.index) >= {"lowest reconstruction loss", "highest ELBO"}
    assert blind["percent"].mean() == pytest.approx(50, abs=10)


def test_data_sets_with_their_own_effects_do_not_agree_and_a_copy_does(part_of_the_grid):
    numbers = made("transfer_between_datasets", part_of_the_grid).numbers
    assert len(numbers) == 6 * 3
    assert set(numbers["settings"]) == {36}
    assert numbers["spearman"].abs().mean() < 0.35
    plan = part_of_the_grid.cells.reset_index()
    values = part_of_the_grid.values.copy()
    first = plan[plan["data"] == "dSprites"].set_index(["choice", "seed"])["cell_id"]
    copied = plan[plan["data"] == "Color-dSprites"]
    source = first.loc[list(zip(copied["choice"], copied["seed"], strict=True))]
    values.loc[copied["cell_id"]] = values.loc[source].to_numpy()
    study = dataclasses.replace(part_of_the_grid, name="copied", values=values)
    again = made("transfer_between_datasets", study).numbers.set_index(["data", "other"])["spearman"]
    assert (again.loc["dSprites", "Color-dSprites"] == 1).all()
    assert again.loc["dSprites", "Cars3D"].abs().mean() < 0.5


def test_medians_across_data_sets_are_those_of_the_settings(part_of_the_grid):
    numbers = made("medians_across_datasets", part_of_the_grid).numbers
    assert len(numbers) == 6 * 36 * 3
    here = numbers.query("data == 'Cars3D' and score == 'MIG' and setting == 'FactorVAE γ = 20'")
    cells = part_of_the_grid.cells.query("data == 'Cars3D' and label == 'FactorVAE γ = 20'")
    mig = by_metric(part_of_the_grid, "mig").name
    assert here["median"].item() == part_of_the_grid.values.loc[cells.index, mig].median()
    assert (here["low"] < here["median"]).all()


@pytest.mark.parametrize("name", ["efficiency_trees", "efficiency_linear"])
def test_efficiency_is_independent_of_the_metrics(name, part_of_the_grid):
    numbers = made(name, part_of_the_grid).numbers
    assert len(numbers) == 1080
    assert numbers["efficiency"].mean() == pytest.approx(0.65, abs=0.01)
    assert abs(numbers[["efficiency", "DCI"]].corr(method="spearman").iloc[0, 1]) < 0.1


def test_higher_thirds_of_dci_are_more_accurate_by_what_was_put_in(part_of_the_grid):
    numbers = made("accuracy_by_group", part_of_the_grid).numbers
    own = numbers[(numbers["grouped_by"] == "DCI") & (numbers["learner"] == "GBT")]
    medians = own.pivot_table(index=["data", "labels"], columns="group", values="median")
    # thirds of a normal score lie 2.18 sd apart, of which 0.8 · 0.97 reaches the accuracy
    step = 0.05 * 2.18 * 0.8 * 0.97
    assert (medians["high"] - medians["low"]).mean() == pytest.approx(step, rel=0.12)
    assert (medians["low"] < medians["middle"]).all()
    assert set(own["n"]) == {120}


def test_unsupervised_scores_say_nothing_of_accuracy(part_of_the_grid):
    numbers = made("label_free_downstream", part_of_the_grid).numbers
    assert {"Gaussian TC", "Gaussian TC (sampled)"} <= set(numbers["row"])
    assert numbers["spearman"].abs().mean() < 0.15


def test_seeds_to_separate_follow_from_the_deviation_put_in(part_of_the_grid):
    numbers = made("seeds_to_separate", part_of_the_grid).numbers
    mig = numbers[numbers["metric"] == "MIG"]
    deviation = 0.08 * np.sqrt(0.35 * 0.97**2 + 1 - 0.97**2)
    assert mig["sd"].mean() == pytest.approx(deviation, rel=0.05)
    assert ((mig["sd_low"] < deviation) & (deviation < mig["sd_high"])).sum() >= 2
    for row in mig.itertuples():
        assert row.seeds_common == seeds_needed(0.05, row.sd)
        assert row.seeds_common_low <= row.seeds_common <= row.seeds_common_high


def test_seeds_for_the_best_setting_have_the_ends_of_tukeys_interval(part_of_the_grid):
    exhibit = made("seeds_to_separate", part_of_the_grid)
    row = exhibit.numbers.query("data == 'Cars3D' and metric == 'MIG'").iloc[0]
    settings = part_of_the_grid.settings([by_metric(part_of_the_grid, "mig")], part_of_the_grid.models())
    means = np.sort([x.mean() for _, first, x in settings if first["data"] == "Cars3D"])
    assert row["best_second"] == pytest.approx(means[-1] - means[-2])
    assert row["best_median"] == pytest.approx(means[-1] - np.median(means))
    half = stats.studentized_range.ppf(0.95, 36, 36 * 9) * row["sd"] / np.sqrt(10)
    for name in ("best_second", "best_median"):
        low, high = row[name] - half, row[name] + half
        assert (row[f"{name}_low"], row[f"{name}_high"]) == (pytest.approx(low), pytest.approx(high))
        assert row[f"seeds_{name}_low"] == seeds_needed(high, row["sd"])
        assert row[f"seeds_{name}_high"] == (seeds_needed(low, row["sd"]) if low > 0 else np.inf)
    assert exhibit.table["seeds for it"].str.contains(r"\[\d+, > 100,000\]").all()


def test_settings_hold_the_mean_and_median_of_their_seeds(part_of_the_grid):
    numbers = made("settings", part_of_the_grid).numbers
    row = numbers.query("data == 'dSprites' and score == 'SAP' and setting == 'β-TCVAE β = 6'").iloc[0]
    cells = part_of_the_grid.cells.query("data == 'dSprites' and label == 'β-TCVAE β = 6'")
    x = part_of_the_grid.values.loc[cells.index, by_metric(part_of_the_grid, "sap").name]
    assert (row["mean"], row["median"], row["n"], row["planned"]) == (x.mean(), x.median(), 10, 10)
    assert row["low"] < row["mean"] < row["high"]
    assert row["median_low"] <= row["median"] <= row["median_high"]


@pytest.mark.parametrize("name", [name for name in EXHIBITS if name != "findings"])  # see test_claims
def test_every_estimate_has_an_interval_and_n(name, part_of_the_grid):
    """Columns of medians, correlations, shares and rates stand beside their interval; see the tests above."""
    numbers = made(name, part_of_the_grid).numbers
    estimates = ("median", "spearman", "probability", "adjusted", "percent", "mean")
    if numbers is None or name in ("efficiency_trees", "efficiency_linear", "metric_pairs",
                                   "mean_against_sampled"):  # fmt: skip
        return  # numbers of single models
    present = [c for c in estimates if c in numbers and numbers[c].notna().any()]
    assert present or name in ("separation", "seeds_to_separate")
    if present:
        told = numbers[numbers[present[0]].notna()]
        interval = ["low", "high"] if "low" in told else ["adjusted_low", "adjusted_high"]
        assert told[interval].notna().all(axis=None)
        assert {"n", "draws", "settings"} & set(told)


def test_without_any_effect_nothing_is_found():
    plan = make_plan(("dsprites",), seeds=10)
    study = assemble("noise", make_scores(plan, Effects(0, 0, 1), downstream=False), plan)
    shares = made("variance_by_choice", study).numbers
    assert shares["adjusted"].abs().max() < 0.08
    assert (shares["p"] < 0.05).mean() < 0.35
    rates = EXHIBITS["selection_success"](study, generator("noise")).numbers
    assert rates["percent"].dropna().to_numpy() == pytest.approx(50, abs=6)

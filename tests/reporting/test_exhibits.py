"""Every exhibit finds what was put into a made-up study, and says so when there is too little."""

import numpy as np
import pandas as pd
import pytest

from bench.reporting.cells import assemble
from bench.reporting.exhibits import EXHIBITS, per_value, separation, winners
from bench.reporting.report import generator
from tests.reporting.making import made
from tests.reporting.synthetic import QUICKSTART_STRENGTHS, STRENGTHS, Effects, make_plan, make_scores

#: Exhibits that draw the untrained networks, where the study has them.
WITH_UNTRAINED = (
    "separation", "scores_per_model", "scores_against_strength", "settings", "total_correlation",
    "total_correlation_annealed", "pairwise_information",
)  # fmt: skip
NAMES = [name for name in EXHIBITS if name != "findings"]  # the findings have tests of their own


def thin(study_name):
    """A study with too little of something."""
    grids = {
        "one cell": ({"beta_vae": [1]}, 1), "one model": ({"beta_vae": [1, 4]}, 3),
        "one seed": (QUICKSTART_STRENGTHS, 1), "one value": ({"beta_vae": [1], "factor_vae": [10]}, 3),
    }  # fmt: skip
    strengths, seeds = grids.get(study_name, (QUICKSTART_STRENGTHS, 3))
    plan = make_plan(("dsprites",), strengths, seeds)
    scores = make_scores(plan)
    if study_name == "nothing but failures":
        scores = scores.assign(status="failed", value=np.nan)
    if study_name == "a constant score":
        scores.loc[scores["metric"] == "mig", "value"] = 0.5
    if study_name == "a metric on half the cells":
        scores = scores[(scores["metric"] != "mig") | scores["cell_id"].isin(plan["cell_id"][::2])]
    if study_name == "only an unsupervised metric":
        scores = scores[scores["metric"] == "unsupervised"]
    return assemble(study_name, scores, plan)


THIN = ["one cell", "one model", "one seed", "one value", "nothing but failures", "a constant score",
        "a metric on half the cells", "only an unsupervised metric"]  # fmt: skip


@pytest.mark.parametrize("name", EXHIBITS)
@pytest.mark.parametrize("study", [pytest.param(s, id=s) for s in THIN])
def test_too_little_data_is_said_and_never_a_crash(name, study, thin_studies):
    exhibit = made(name, thin_studies[study])
    if exhibit.missing:
        assert exhibit.missing.startswith("Too little data: ")
        assert not exhibit.drawings
    else:
        assert exhibit.numbers is not None
        assert "planned cell" in exhibit.rests_on


@pytest.fixture(scope="module")
def thin_studies():
    return {name: thin(name) for name in THIN}


@pytest.mark.parametrize("name", NAMES)
def test_every_exhibit_counts_its_cells_and_says_that_they_are_rendered(name, quick):
    exhibit = made(name, quick)
    if exhibit.missing:
        assert name in ("estimator_agreement", "reconstructions", "transfer_between_datasets",
                        "medians_across_datasets")  # fmt: skip
    else:
        n = 44 if name in ("total_correlation", "pairwise_information") else 48 + 4 * (name in WITH_UNTRAINED)
        assert exhibit.rests_on.startswith(f"{n} of {n} planned cells")
        assert ", none failed or missing." in exhibit.rests_on
        assert ("(without untrained)" in exhibit.rests_on) == (name not in WITH_UNTRAINED)
        assert "The data are rendered, not the published files." in exhibit.rests_on
        assert len(exhibit.numbers)


def test_captions_count_the_cells_that_an_exhibit_shows(quick):
    assert made("total_correlation", quick).rests_on.startswith(
        "44 of 44 planned cells (without AnnealedVAE)"
    )
    assert made("total_correlation_annealed", quick).rests_on.startswith("52 of 52 planned cells, none")


def test_rendered_data_never_stand_beside_published_numbers(quick):
    assert made("variance_by_choice", quick).numbers["paper"].isna().all()
    assert made("selection_success", quick).numbers["paper"].isna().all()


def test_a_metric_on_half_the_cells_is_named(thin_studies):
    exhibit = made("metric_agreement", thin_studies["a metric on half the cells"])
    assert "MIG on 18 only: 18 not scored." in exhibit.rests_on
    assert set(exhibit.numbers.query("row == 'MIG' or column == 'MIG'")["n"]) == {18}


def test_what_separates_trained_from_untrained(quick):
    numbers = made("separation", quick).numbers.set_index("metric")
    assert numbers.loc["MIG", "above_best_untrained"] == 48
    assert numbers.loc["MIG", "above_low"] == pytest.approx(0.025 ** (1 / 48))  # all of 48: Clopper-Pearson
    assert numbers.loc["MIG", "above_high"] == 1
    assert numbers.loc["MIG", "trained_wins"] == 1
    assert numbers.loc["MIG", "pairs_apart"] > 15 * numbers.loc["MIG", "pairs_apart_by_chance"]
    assert numbers.loc["Modularity", "p"] > 0.05


def test_a_sentence_on_settings_has_a_subject(quick):
    numbers = made("separation", quick).numbers
    assert separation._by_setting(numbers[numbers["metric"] == "Modularity"]).startswith(
        "The setting makes no visible difference to Modularity (p = "
    )
    assert ". It makes no visible difference to Modularity (p = " in separation._by_setting(numbers)


def test_the_most_frequent_winner_is_not_said_to_win_most():
    rows = [("A", "B", 0.9), ("A", "C", 0.9), ("B", "C", 0.9), ("C", "D", 0.8), ("D", "B", 0.8)]
    numbers = pd.DataFrame(rows, columns=["objective", "against", "probability"]).assign(low=0.6, high=0.95)
    assert winners._prose(numbers)[0].endswith("A wins most often: 2 of these 5.")
    assert winners._prose(numbers[1:])[0].endswith("A and B and C and D win most often: 1 of these 4 each.")


def test_mean_probabilities_of_winning_lie_between_0_and_1():
    """Three seeds and objectives far apart: an interval centred on the mean would run beyond 1."""
    plan = make_plan(("dsprites",), {model: values[2:3] for model, values in STRENGTHS.items()}, 3)
    scores = make_scores(plan, Effects(0.9, 0.05, 0.05), downstream=False)
    summary = exhibit_of("winning_objectives", plan, scores).summary
    assert summary["low"].min() >= 0
    assert summary["high"].max() == 1


def test_pairs_apart_by_chance_have_the_range_of_shuffles(quick):
    """48 scores shuffled over 12 settings: few of the 66 pairs stand apart, never as many as were found."""
    exhibit = made("separation", quick)
    for row in exhibit.numbers.itertuples():
        assert row.by_chance_low <= row.pairs_apart_by_chance <= row.by_chance_high
    mig = exhibit.numbers.set_index("metric").loc["MIG"]
    assert mig["by_chance_low"] < mig["by_chance_high"] < mig["pairs_apart"]
    shown = exhibit.table.set_index("score").loc["MIG", "by chance"]
    assert shown.endswith(f"[{mig['by_chance_low']:.1f}, {mig['by_chance_high']:.1f}]")


def test_the_papers_headlines_come_first(part_of_the_grid):
    shown = [made(name, part_of_the_grid).of_paper for name in list(EXHIBITS)[:8] if name != "findings"]
    figures = ["3 (left), 13", "3 (right), 14", "4 (left), 15", "4 (centre), 16", "4 (right), 17"]
    assert shown == [*(f"Figures {f}" for f in figures), "Table 5", "Table 1 = Table 6"]


def test_the_untrained_floor_is_drawn_but_no_part_of_analyses(quick):
    assert "untrained" in set(made("scores_per_model", quick).numbers["model"])
    assert set(made("metric_agreement", quick).numbers["n"]) == {48}
    assert set(made("variance_by_choice", quick).numbers["n"]) == {48}


def test_an_exhibit_repeats_to_the_last_digit(quick):
    again = EXHIBITS["scores_per_model"](quick, generator("scores_per_model"))
    assert again.drawings == made("scores_per_model", quick).drawings


def two_datasets(keep=lambda scores: scores["metric"].notna(), seeds=3):
    """Two data sets with an untrained floor, and the scores where `keep` holds."""
    plan = make_plan(("dsprites", "cars3d"), QUICKSTART_STRENGTHS, seeds, untrained=True)
    scores = make_scores(plan)
    return plan, scores[keep(scores)]


def exhibit_of(name, plan, scores):
    return EXHIBITS[name](assemble("made up", scores, plan), generator(name))


@pytest.mark.parametrize("name", ["mean_against_sampled", "separation", "transfer_between_datasets"])
def test_a_data_set_without_scores_leaves_the_other_its_exhibits(name):
    plan, scores = two_datasets(lambda s: s["dataset"] == "cars3d")
    assert bool(exhibit_of(name, plan, scores).missing) == (name == "transfer_between_datasets")


def test_untrained_networks_alone_have_nothing_to_be_separated_from():
    plan = make_plan(("dsprites",), {}, 3, untrained=True)
    row = exhibit_of("separation", plan, make_scores(plan)).numbers.iloc[0]
    assert (row["n"], row["untrained"], row["above_best_untrained"]) == (0, 3, None)


def test_a_users_own_data_set_stands_beside_no_published_number():
    plan = make_plan(("cars3d",), QUICKSTART_STRENGTHS, 3).replace("cars3d", "mine:Cars3D")
    for name in ("variance_by_choice", "selection_success"):
        numbers = exhibit_of(name, plan, make_scores(plan)).numbers
        assert numbers["paper"].isna().all()


def test_groups_without_an_accuracy_are_left_out():
    plan, scores = two_datasets(seeds=4)
    trained = scores[(scores["metric"] != "downstream") | (scores["model"] == "untrained")]
    assert "a data set needs 18 trained cells" in exhibit_of("accuracy_by_group", plan, trained).missing
    groups = exhibit_of("accuracy_by_group", plan, scores).numbers
    assert groups["n"].min() >= 6
    some = plan.loc[(plan["model"] != "untrained") & (plan["seed"] < 2), "cell_id"].groupby(plan["dataset"])
    few = scores[(scores["metric"] != "downstream") | scores["cell_id"].isin(some.head(17))]
    assert "a data set needs 18 trained cells" in exhibit_of("accuracy_by_group", plan, few).missing
    enough = scores[(scores["metric"] != "downstream") | scores["cell_id"].isin(some.head(18))]
    assert set(exhibit_of("accuracy_by_group", plan, enough).numbers["n"]) == {6}


def test_groups_have_intervals_of_cells_of_several_settings():
    """Settings far apart: order statistics of the pooled cells would be wider than the seeds' own spread."""
    plan = make_plan(("dsprites",), {"beta_vae": range(1, 13), "dip_vae_i": range(1, 13)}, 3)
    exhibit = exhibit_of("accuracy_by_group", plan, make_scores(plan, Effects(0.5, 0.499, 0.001), follows={
        "dci": ("lightgbm", "disentanglement", 1.0)}))  # fmt: skip
    assert "bootstrap over seeds" in exhibit.caption
    assert set(exhibit.numbers["n"]) == {24}
    noise = 0.05 * np.sqrt(1 - 0.8**2)
    own = exhibit.numbers[exhibit.numbers["learner"] == "GBT"]
    assert (own["high"] - own["low"]).mean() < 2 * noise


@pytest.mark.parametrize("name", ["scores_per_value", "settings", "medians_across_datasets"])
def test_intervals_of_medians_at_few_seeds_are_called_what_they_are(name):
    of_three = "intervals are the range of the seeds: with 3 of them it holds the true median with "
    assert f"{of_three}probability 75 %" in exhibit_of(name, *two_datasets(seeds=3)).caption
    assert "intervals are 95 % intervals over seeds" in exhibit_of(name, *two_datasets(seeds=6)).caption


def test_the_grey_of_untrained_networks_is_named_where_it_is(quick):
    assert "Grey: networks at their initial weights." in made("scores_per_model", quick).caption
    plan = make_plan(("dsprites",), QUICKSTART_STRENGTHS, 2)
    assert "Grey" not in exhibit_of("scores_per_model", plan, make_scores(plan)).caption


def test_a_total_correlation_of_nothing_counts_though_it_cannot_be_drawn():
    plan, scores = two_datasets()
    seeds = scores["seed"] == 0
    own = (scores["key"] == "gaussian_total_correlation") & (scores["model"] != "untrained") & seeds
    scores.loc[own, "value"] = np.where(scores.loc[own, "representation"] == "mean", 0.5, 0.0)
    exhibit = exhibit_of("mean_against_sampled", plan, scores)
    assert "Not drawn, but counted: 24 models without a positive TC." in exhibit.caption
    assert list(exhibit.table["models"]) == [36, 36]
    numbers = exhibit.numbers[exhibit.numbers["data"] == "Cars3D"]
    share = (numbers["mean"] > numbers["sampled"]).mean()
    assert exhibit.table.set_index("data set").loc["Cars3D"].iloc[-1].startswith(f"{share:.2f} [")


def test_one_lonely_seed_does_not_turn_ranges_into_intervals():
    plan, scores = two_datasets()
    cells = plan[(plan["model"] == "beta_vae") & (plan["strength"] == 1)]["cell_id"].iloc[1:3]
    caption = exhibit_of("scores_against_strength", plan, scores[~scores["cell_id"].isin(cells)]).caption
    assert "with 3 of them it holds the true median with probability 75 %" in caption
    assert "A setting with one seed has none." in caption


def test_violins_of_a_value_stand_at_its_own_height(monkeypatch):
    """A metric that lacks the first value leaves its row empty; the labels are those of the first metric."""
    drawn = []
    monkeypatch.setattr(
        per_value, "violin", lambda ax, x, at, model, rng: drawn.append((at, model, tuple(x)))
    )
    plan = make_plan(("cars3d",), {"beta_vae": [1, 4, 8]}, 3)
    scores = make_scores(plan)
    lacking = (scores["metric"] == "sap") & (scores["strength"] == 1)
    exhibit_of("scores_per_value", plan, scores[~lacking])
    sap = scores[(scores["metric"] == "sap") & (scores["strength"] == 8)]["value"]
    assert (2, "beta_vae", tuple(sap)) in drawn


def test_the_papers_mean_stands_beside_the_mean_over_the_same_entries():
    plan = make_plan(("cars3d",), seeds=5)
    scores = make_scores(plan)
    further = scores[scores["metric"] == "mig"].assign(metric="irs", key="irs")
    exhibit = exhibit_of("variance_by_choice", plan, pd.concat([scores, further]))
    own = exhibit.numbers[(exhibit.numbers["level"] == "objective") & (exhibit.numbers["metric"] != "IRS")]
    assert len(exhibit.numbers) == 2 * 7
    assert exhibit.text[0].startswith(
        f"Mean over 6 pairs of data set and metric. objective: R² {100 * own['r2'].mean():.0f} ["
    )
    assert f"(the paper on these 6: {own['paper'].mean():.0f} %)" in exhibit.text[0]
    before = exhibit_of("selection_success", plan, scores).numbers
    after = exhibit_of("selection_success", plan, pd.concat([scores, further])).numbers
    pd.testing.assert_frame_equal(before, after)

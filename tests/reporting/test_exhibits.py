"""Every exhibit finds what was put into a made-up study, and says so when there is too little."""

import numpy as np
import pytest

from bench.reporting.cells import assemble
from bench.reporting.exhibits import EXHIBITS
from bench.reporting.report import generator
from tests.reporting.synthetic import QUICKSTART_STRENGTHS, make_plan, make_scores

NAMES = [name for name in EXHIBITS if name != "findings"]  # the findings have tests of their own


_MADE = {}


def made(name, study):
    """The exhibit of a study, made once for all tests; studies have names of their own."""
    if (name, study.name) not in _MADE:
        _MADE[name, study.name] = EXHIBITS[name](study, generator(name))
    return _MADE[name, study.name]


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
        assert "52 of 52 planned cells, none failed or missing." in exhibit.rests_on
        assert "The data are rendered, not the published files." in exhibit.rests_on
        assert len(exhibit.numbers)


def test_rendered_data_never_stand_beside_published_numbers(quick):
    assert made("variance_by_choice", quick).numbers["paper"].isna().all()
    assert made("selection_success", quick).numbers["paper"].isna().all()


def test_a_metric_on_half_the_cells_is_named(thin_studies):
    exhibit = made("metric_agreement", thin_studies["a metric on half the cells"])
    assert "MIG on 18 only." in exhibit.rests_on
    assert set(exhibit.numbers.query("row == 'MIG' or column == 'MIG'")["n"]) == {18}


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
    assert modularity["null"].iloc[0] == pytest.approx(35 / 359)


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
    trees = numbers[numbers["column"] == "trees/10000/mean test accuracy"].groupby("row")["spearman"].mean()
    assert trees["DCI"] > 0.7
    assert abs(trees["Modularity"]) < 0.15


def test_what_separates_trained_from_untrained(quick):
    numbers = made("separation", quick).numbers.set_index("metric")
    assert numbers.loc["MIG", "above_best_untrained"] == 48
    assert numbers.loc["MIG", "trained_wins"] == 1
    assert numbers.loc["MIG", "pairs_apart"] > 15 * numbers.loc["MIG", "pairs_apart_by_chance"]
    assert numbers.loc["Modularity", "p"] > 0.05


def test_the_untrained_floor_is_drawn_but_no_part_of_analyses(quick):
    assert "untrained" in set(made("scores_per_model", quick).numbers["model"])
    assert set(made("metric_agreement", quick).numbers["n"]) == {48}
    assert set(made("variance_by_choice", quick).numbers["n"]) == {48}


def test_an_exhibit_repeats_to_the_last_digit(quick):
    again = EXHIBITS["scores_per_model"](quick, generator("scores_per_model"))
    assert again.drawings == made("scores_per_model", quick).drawings

"""Every exhibit finds what was put into a made-up study, and says so when there is too little."""

import numpy as np
import pytest

from bench.reporting.cells import assemble
from bench.reporting.exhibits import EXHIBITS
from bench.reporting.report import generator
from tests.reporting.making import made
from tests.reporting.synthetic import QUICKSTART_STRENGTHS, make_plan, make_scores

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
    assert "MIG on 18 only." in exhibit.rests_on
    assert set(exhibit.numbers.query("row == 'MIG' or column == 'MIG'")["n"]) == {18}


def test_what_separates_trained_from_untrained(quick):
    numbers = made("separation", quick).numbers.set_index("metric")
    assert numbers.loc["MIG", "above_best_untrained"] == 48
    assert numbers.loc["MIG", "above_low"] == pytest.approx(0.025 ** (1 / 48))  # all of 48: Clopper-Pearson
    assert numbers.loc["MIG", "above_high"] == 1
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

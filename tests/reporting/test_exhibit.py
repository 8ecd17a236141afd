"""What a caption says of the cells that an exhibit rests on."""

import numpy as np
import pandas as pd
import pytest

from bench.metrics import DEFAULT_ESTIMATOR
from bench.reporting.cells import assemble
from bench.reporting.comparison import side_by_side
from bench.reporting.exhibit import completeness
from bench.reporting.page import headline
from tests.reporting.synthetic import make_plan, make_scores

PLAN = make_plan(("dsprites", "cars3d"), {"beta_vae": [1, 4], "annealed_vae": [5]}, seeds=4, untrained=True)
SCORES = make_scores(PLAN, downstream=False)
CELLS = {model: list(cells["cell_id"]) for model, cells in PLAN.groupby("model")}


def study(scores=SCORES, name="s"):
    return assemble(name, scores, PLAN)


def changed(metric, cells, **values):
    scores = SCORES.copy()
    rows = (scores["metric"] == metric) & scores["cell_id"].isin(cells)
    for column, value in values.items():
        scores.loc[rows, column] = value
    return scores


def by_metric(made, *metrics):
    return [m for m in made.metrics() if m.metric in metrics]


@pytest.mark.parametrize(("given", "sentence"), [
    ({}, "24 of 24 planned cells (without untrained), none failed or missing."),
    ({"data": "Cars3D"}, "12 of 12 planned cells (without untrained), none failed or missing."),
    ({"models": ["beta_vae", "untrained"]},
     "24 of 24 planned cells (without AnnealedVAE), none failed or missing."),
    ({"models": ["beta_vae"]},
     "16 of 16 planned cells (without AnnealedVAE, untrained), none failed or missing."),
])  # fmt: skip
def test_planned_are_the_cells_that_an_exhibit_uses(given, sentence):
    assert completeness(study(), by_metric(study(), "mig"), **given) == sentence


def test_a_cell_whose_score_failed_has_failed_where_the_score_is_used():
    made = study(changed("mig", CELLS["beta_vae"][:3], value=np.nan, status="failed", error="no bins"))
    assert completeness(made, by_metric(made, "mig", "dci")) == (
        "21 of 24 planned cells (without untrained); 3 failed, 0 missing. MIG on 21 only: 3 failed."
    )
    assert completeness(made, by_metric(made, "dci")).startswith("24 of 24")
    assert "3 scored cells have a failed, infinite or NaN score." in headline(made)["notes"]


def test_infinite_scores_are_counted_and_left_out():
    made = study(changed("dci", CELLS["beta_vae"][:2], value=np.inf))
    [dci] = by_metric(made, "dci")
    assert np.isfinite(made.values[dci.name].dropna()).all()
    assert "22 of 24 planned cells" in completeness(made, [dci])
    assert completeness(made, [dci]).endswith(" DCI on 22 only: 2 infinite.")
    assert set(made.failures["error"]) == {"the score is infinite"}


def test_a_metric_that_was_never_computed_is_missing_and_did_not_fail():
    made = study(SCORES[(SCORES["metric"] != "sap") | ~SCORES["cell_id"].isin(CELLS["annealed_vae"])])
    sentence = completeness(made, by_metric(made, "sap"))
    assert sentence == (
        "16 of 24 planned cells (without untrained); 0 failed, 8 missing. SAP on 16 only: 8 not scored."
    )


def test_scores_that_are_nan_are_counted_and_named():
    made = study(changed("dci", CELLS["beta_vae"][:5], value=np.nan))
    assert completeness(made, by_metric(made, "mig", "dci")) == (
        "19 of 24 planned cells (without untrained); 5 failed, 0 missing. DCI on 19 only: 5 NaN."
    )
    assert set(made.failures["error"]) == {"the score is NaN"}


FAILED = {"value": np.nan, "status": "failed", "error": "Traceback\nboom"}


def asking(scores, metrics=("mig", "sap", "dci")):
    """The study of a plan that asks for these metrics and for what `scores` have of the user's own."""
    own = {"mine:boom"} & set(scores["metric"])
    requests = [("mean", m, DEFAULT_ESTIMATOR.get(m, "user"), "", 0) for m in (*metrics, *own)]
    return assemble("s", scores, PLAN, requests)


@pytest.mark.parametrize(("scores", "told", "counts", "failed"), [
    (changed("dci", PLAN["cell_id"], **FAILED), "failed in {}", (0, 32, 0), True),
    (changed("dci", PLAN["cell_id"], value=np.nan), "NaN in {}", (32, 0, 0), True),
    (changed("dci", PLAN["cell_id"], value=np.inf), "infinite in {}", (32, 0, 0), True),
    (SCORES[SCORES["metric"] != "dci"], "not scored in {}", (0, 0, 32), False),
])  # fmt: skip
def test_a_planned_metric_that_no_cell_has_is_named_in_the_header_and_where_all_metrics_are(
    scores, told, counts, failed
):
    made = asking(scores)
    assert "dci" not in {column.metric for column in made.metrics()}
    assert tuple(made.counts()[name] for name in ("scored", "failed", "missing")) == counts
    assert f"DCI: planned, {told.format(32)} of 32." in headline(made)["notes"]
    lead = "24 failed, 0 missing" if failed else "0 failed, 24 missing"
    assert completeness(made, made.metrics()) == (
        f"0 of 24 planned cells with every score (without untrained); {lead}. "
        f"DCI: planned, {told.format(24)} of 24."
    )
    assert completeness(made, by_metric(made, "mig")).startswith(
        "24 of 24 planned cells (without untrained), "
    )


def test_what_the_whole_study_lacks_of_many_numbers_is_named_by_its_metric():
    made = asking(changed("unsupervised", PLAN["cell_id"], **FAILED), ("mig", "dci", "unsupervised"))
    assert headline(made)["notes"] == ["unsupervised@study (mean): planned, failed in 32 of 32."]


def test_a_users_metric_that_fails_everywhere_is_named():
    own = SCORES[SCORES["metric"] == "mig"].assign(metric="mine:boom", estimator="user", key="boom", **FAILED)
    made = asking(pd.concat([SCORES, own]))
    assert made.counts() == {"planned": 32, "scored": 0, "failed": 32, "missing": 0}
    assert "mine:boom: planned, failed in 32 of 32." in headline(made)["notes"]
    assert completeness(made, made.metrics()).endswith(" mine:boom: planned, failed in 24 of 24.")
    assert headline(made)["listed"][-1].endswith(" mine:boom@user (mean) failed: boom")


def test_the_half_that_another_estimator_scored_is_named():
    made = study(changed("dci", CELLS["annealed_vae"], estimator="study"))
    [dci] = by_metric(made, "dci")
    assert dci.estimator == "lightgbm"
    assert completeness(made, [dci]).endswith(" DCI on 16 only: 8 as DCI (study).")


def test_other_numbers_of_images_are_named():
    on_cars = PLAN.loc[PLAN["dataset"] == "cars3d", "cell_id"]
    made = study(changed("mig", on_cars, images=500))
    assert [c.label for c in by_metric(made, "mig")] == ["MIG"]
    assert completeness(made, by_metric(made, "mig", "dci")).endswith(
        " MIG: 500 images on Cars3D, all images on dSprites."
    )
    assert completeness(made, by_metric(made, "mig"), data="Cars3D").endswith(" MIG: 500 images.")
    assert "images" not in completeness(made, by_metric(made, "mig"), data="dSprites")


def test_the_estimator_of_the_downstream_task_is_named():
    made = assemble("s", make_scores(PLAN), PLAN)
    tasks = [c for c in made.columns if c.metric == "downstream"]
    assert completeness(made, tasks).endswith(" none failed or missing. Downstream task: lightgbm.")
    assert "Downstream" not in completeness(made, made.metrics())


def test_two_studies_of_other_images_say_so_side_by_side():
    one = study(name="one")
    two = study(SCORES.assign(images=np.where(SCORES["metric"] == "mig", 500, SCORES["images"])), "two")
    caption = side_by_side(one, two, np.random.default_rng(0)).caption
    assert caption.endswith(
        " Not of the same images on dSprites (all images in one, 500 images in two): MIG."
        " Not of the same images on Cars3D (all images in one, 500 images in two): MIG."
    )
    assert "Not of the same" not in side_by_side(one, study(name="two"), np.random.default_rng(0)).caption


def test_the_columns_compared_are_counted_side_by_side():
    half = study(SCORES[(SCORES["metric"] != "mig") | SCORES["cell_id"].isin(CELLS["annealed_vae"])], "half")
    assert side_by_side(study(), half, np.random.default_rng(0)).rests_on.endswith(
        " half: 8 of 24 planned cells (without untrained); 0 failed, 16 missing. "
        "MIG on 8 only: 16 not scored."
    )


def test_rendered_data_are_named():
    rendered = assemble("r", SCORES.assign(source="rendered:1"), PLAN.assign(source="rendered:1"))
    assert completeness(rendered).endswith(" The data are rendered, not the published files.")
    part = PLAN.assign(source=np.where(PLAN["dataset"] == "cars3d", "rendered:1", "real"))
    assert completeness(assemble("p", pd.DataFrame(SCORES), part)).endswith(
        " Some of the data are rendered, not the published files."
    )

"""Scores joined to the plan: nothing mixed, nothing silently left out."""

import numpy as np
import pandas as pd
import pytest

from bench.reporting.cells import assemble
from tests.reporting.synthetic import make_plan, make_scores

PLAN = make_plan(("dsprites",), {"beta_vae": [1, 4]}, seeds=3)
SCORES = make_scores(PLAN, downstream=False)


def test_every_planned_cell_has_one_row_and_its_state():
    failed, missing = PLAN["cell_id"][0], PLAN["cell_id"][1]
    scores = SCORES[SCORES["cell_id"] != missing].copy()
    scores.loc[scores["cell_id"] == failed, ["value", "status", "error"]] = [np.nan, "failed", "diverged"]
    study = assemble("s", scores, PLAN)
    assert study.counts() == {"planned": 6, "scored": 4, "failed": 1, "missing": 1}
    assert study.cells.loc[failed, "state"] == "failed"
    assert study.values.loc[[failed, missing]].isna().all(axis=None)
    assert set(study.failures["error"]) == {"diverged"}


def test_scores_outside_the_plan_are_left_out_and_counted():
    study = assemble("s", SCORES, PLAN[PLAN["seed"] < 2])
    assert len(study.values) == 4
    assert study.foreign == 2


def test_estimators_stand_in_columns_of_their_own():
    half = SCORES[(SCORES["metric"] == "dci") & SCORES["cell_id"].isin(PLAN["cell_id"][:2])]
    study = assemble("s", pd.concat([SCORES, half.assign(estimator="study", value=0.9)]), PLAN)
    [dci] = [c for c in study.metrics() if c.metric == "dci"]
    assert (dci.estimator, dci.label) == ("lightgbm", "DCI")
    assert study.values[dci.name].max() < 0.9
    [other] = study.other_estimators()
    assert other.label == "DCI (study)"
    assert study.values[other.name].count() == 2


@pytest.mark.parametrize(("change", "label"), [
    ({"estimator": "forest"}, "DCI (forest)"),
    ({"settings": '{"trees":20}'}, 'DCI ({"trees":20})'),
    ({"representation": "sampled"}, "DCI (sampled)"),
    ({"key": "completeness"}, "DCI completeness"),
    ({"metric": "downstream", "key": "trees/10000/mean_test_accuracy"}, "GBT 10,000"),
    ({"metric": "downstream", "key": "logistic_regression/10/min_test_accuracy"}, "LR 10 (worst factor)"),
    ({"metric": "downstream", "key": "trees/efficiency", "estimator": "study"}, "GBT efficiency (study)"),
])  # fmt: skip
def test_a_label_says_what_is_not_default(change, label):
    study = assemble("s", SCORES[SCORES["metric"] == "dci"].assign(**change), PLAN)
    assert [c.label for c in study.columns] == [label]


def test_a_version_is_named_where_two_versions_are_there():
    own = SCORES[SCORES["metric"] == "mig"].assign(metric="mine:MIG", key="score")
    one = own.assign(settings='{"version":"7f5d964c"}')
    assert [c.label for c in assemble("s", one, PLAN).columns] == ["mine:MIG"]
    two = pd.concat([one, own.assign(settings='{"trees":2,"version":"01234567"}')])
    assert {c.label for c in assemble("s", two, PLAN).columns} == {
        "mine:MIG (version 7f5d964c)", 'mine:MIG (version 01234567, {"trees":2})',
    }  # fmt: skip


def test_a_users_own_are_never_called_as_the_papers_are():
    plan = make_plan(("cars3d",), {"factor_vae": [1, 4]}, seeds=3)
    both = [plan, plan.assign(dataset="mine:Cars3D", model="mine:FactorVAE", cell_id=plan["cell_id"] + "x")]
    scores = pd.concat([make_scores(p, downstream=False) for p in both])
    own = scores[scores["metric"] == "mig"].assign(metric="mine:MIG", key="score")
    study = assemble("s", pd.concat([scores, own]), pd.concat(both))
    assert study.datasets == ["Cars3D", "mine:Cars3D"]
    assert study.cells.groupby("data").size().to_dict() == {"Cars3D": 6, "mine:Cars3D": 6}
    assert {label.split(" γ")[0] for label in study.cells["label"]} == {"FactorVAE", "mine:FactorVAE"}
    assert {"MIG", "mine:MIG"} <= {c.label for c in study.columns}


def test_scores_on_other_images_are_other_scores():
    fewer = SCORES[SCORES["metric"] == "mig"].assign(images=500)
    study = assemble("s", pd.concat([SCORES, fewer]), PLAN)
    found = {c.label for c in study.columns if c.metric == "mig"}
    assert found == {"MIG (all images)", "MIG (500 images)"}


def test_of_as_many_scores_on_fewer_images_the_larger_sample_is_the_metric():
    half = PLAN["cell_id"][::2]
    mig = SCORES[SCORES["metric"] == "mig"]
    for more, fewer in ((0, 500), (600, 90)):
        images = np.where(mig["cell_id"].isin(half), more, fewer)
        study = assemble("s", pd.concat([mig.assign(images=images), mig.assign(images=images[::-1])]), PLAN)
        assert [c.images for c in study.metrics()] == [more]


def test_the_headline_of_a_users_metric_is_the_first_of_its_keys():
    both = [SCORES[SCORES["metric"] == "mig"].assign(metric="mine:both", estimator="user", key=key)
            for key in ("z_accuracy", "count")]  # fmt: skip
    study = assemble("s", pd.concat(both), PLAN)
    assert [(c.key, c.label) for c in study.metrics()] == [("z_accuracy", "mine:both")]
    assert {c.label for c in study.columns} == {"mine:both", "mine:both count"}


def test_the_headline_stays_where_none_of_its_scores_is_a_number():
    both = [SCORES[SCORES["metric"] == "mig"].assign(metric="mine:both", key="first", value=np.nan),
            SCORES[SCORES["metric"] == "mig"].assign(metric="mine:both", key="second")]  # fmt: skip
    request = ("mean", "mine:both", "study", "", 0)
    study = assemble("s", pd.concat(both), PLAN, [request])
    assert study.metrics() == []
    assert [(c.key, c.label) for c in study.unscored] == [("first", "mine:both")]


def test_cells_are_counted_as_bench_status_counts_them():
    ids = list(PLAN["cell_id"])
    lost = (SCORES["metric"] == "mig") & (SCORES["cell_id"] == ids[0])
    scores = SCORES.assign(status=np.where(lost, "failed", "ok"))
    scores = scores[(scores["metric"] != "sap") | (scores["cell_id"] != ids[1])]
    requests = [("mean", "mig", "study", "", 0), ("mean", "sap", "study", "", 0)]
    study = assemble("s", scores, PLAN, requests)
    assert study.cells.loc[ids, "status"].tolist() == ["failed", "missing", *["scored"] * 4]
    assert set(study.cells["state"]) == {"scored"}


def test_settings_are_named_by_what_varies():
    plan = pd.concat([make_plan(("dsprites",), {"beta_vae": [1]}, 2, steps=n) for n in (100, 200)])
    study = assemble("s", make_scores(plan.reset_index(drop=True)), plan)
    assert set(study.cells["label"]) == {"β-VAE β = 1, steps = 100", "β-VAE β = 1, steps = 200"}


def test_rendered_data_are_named_so():
    study = assemble("s", SCORES.assign(source="rendered:1"), PLAN.assign(source="rendered:1"))
    assert study.datasets == ["dSprites (rendered)"]


@pytest.mark.parametrize(("plan", "sentence"), [
    (PLAN.head(0), "plans no cell"), (pd.concat([PLAN, PLAN.head(1)]), "twice"),
])  # fmt: skip
def test_a_plan_that_is_none_is_refused(plan, sentence):
    with pytest.raises(ValueError, match=sentence):
        assemble("s", SCORES, plan)

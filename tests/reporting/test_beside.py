"""What two studies side by side are called, and what of them is not compared."""

import numpy as np
import pandas as pd

from bench.reporting.beside import not_compared, told_apart
from bench.reporting.cells import assemble
from bench.reporting.comparison import side_by_side
from tests.reporting.synthetic import make_plan, make_scores

MODELS = {"beta_vae": [1, 4], "annealed_vae": [5, 10]}
HERE = {"device": "cpu", "host": "node1", "folder": "results/full"}


def study(name="full", datasets=("dsprites",), steps=10, without=(), scores=lambda scores: scores):
    plan = make_plan(datasets, MODELS, 2, steps=steps)
    made = make_scores(plan, downstream=False)
    return assemble(name, scores(made[~made["metric"].isin(without)]), plan)


def called(one, two, **other):
    mine, theirs, told = told_apart(one, two, HERE, HERE | other)
    return mine.name, theirs.name, told


def test_two_studies_of_one_name_are_called_by_what_differs():
    assert called(study(), study(steps=20)) == (
        "full (10 steps)", "full (20 steps)", " They differ in steps (10; 20)."
    )  # fmt: skip
    assert called(study(), study(), device="NVIDIA H100", folder="gpu/full")[:2] == (
        "full (cpu)", "full (NVIDIA H100)",
    )  # fmt: skip
    assert called(study(), study(), host="node2", folder="b/full") == (
        "full (node1)", "full (node2)",
        " They differ in host (node1; node2).",
    )  # fmt: skip
    assert called(study(), study(), folder="b/full") == (
        "full (results/full)", "full (b/full)", " They differ in folder (results/full; b/full).",
    )  # fmt: skip
    assert called(study(), study()) == ("full", "full", " Both are one study in one folder.")
    assert called(study(), study("other"), folder="b")[:2] == ("full", "other")


def test_the_axes_of_the_comparison_bear_the_names_that_differ():
    mine, theirs, told = told_apart(study(), study(steps=20), HERE, HERE)
    shown = side_by_side(mine, theirs, np.random.default_rng(0), told)
    assert shown.title == "full (10 steps) beside full (20 steps)"
    assert "They differ in steps (10; 20)." in shown.caption
    assert "full (10 steps)" in shown.drawings[0].alt
    assert "full (20 steps)" in shown.drawings[0].alt


def test_what_only_one_study_has_is_told():
    whole, part = study(datasets=("dsprites", "cars3d")), study("part", without=("dci", "unsupervised"))
    caption = side_by_side(whole, part, np.random.default_rng(0)).caption
    assert "Not compared: DCI (only in full), Gaussian TC (only in full)," in caption
    assert "Cars3D (only in full)." in caption
    assert "DCI (only in full)" in side_by_side(part, whole, np.random.default_rng(0)).caption


def test_other_estimators_are_not_compared_with_each_other():
    def by_forest(scores):
        return scores.assign(estimator=scores["estimator"].where(scores["metric"] != "dci", "forest"))

    shown = side_by_side(study(), study("other", scores=by_forest), np.random.default_rng(0))
    assert "Not compared: DCI (only in full), DCI (forest) (only in other)." in shown.caption
    assert "DCI" not in set(shown.summary["score"])

    def both(scores):
        return pd.concat([scores, by_forest(scores[scores["metric"] == "dci"])])

    shown = side_by_side(study(scores=both), study("other", scores=by_forest), np.random.default_rng(0))
    assert "DCI (forest)" in set(shown.summary["score"])  # the one that both have
    assert "Not compared: DCI (only in full)." in shown.caption


def test_a_data_set_where_an_estimator_has_no_score_is_told():
    def not_on_cars(scores):
        return scores[(scores["metric"] != "sap") | (scores["dataset"] != "cars3d")]

    both = ("dsprites", "cars3d")
    one, two = study(datasets=both), study("two", both, scores=not_on_cars)
    caption = side_by_side(one, two, np.random.default_rng(0)).caption
    assert "Not compared: SAP on Cars3D (only in full)." in caption
    done = {(data, column.label) for data in one.datasets for column in one.columns}
    assert not_compared(one, two, one.columns, done) == ""

import inspect
import json

import pytest

from bench.metrics import (
    CHEAP,
    DEFAULT_ESTIMATOR,
    HEADLINE,
    INTERVENTIONAL,
    KEYS,
    METRICS,
    VERSIONS,
    requests,
)
from bench.metrics.requests import Request, expand, parse_requests, plan

OWN_METRIC = """
from bench.metrics import Result

def spread(rows, *, rng, power: float = 2.0):
    return Result({"spread": float((rows.train()[0] ** power).mean())})

def two(rows, *, rng):
    return Result({"first": 1.0, "second": 2.0})

two.keys = ("first", "second")
"""


@pytest.fixture
def own_metric(tmp_path, monkeypatch):
    """A module `own_metric` with metrics of a user's, and its file."""
    (tmp_path / "own_metric.py").write_text(OWN_METRIC)
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path / "own_metric.py"


def parse(entry) -> Request:
    return parse_requests([entry])[0]


def test_every_dictionary_lists_every_metric():
    for dictionary in (DEFAULT_ESTIMATOR, KEYS, VERSIONS):
        assert set(dictionary) == set(METRICS)
    assert set(METRICS) >= CHEAP | INTERVENTIONAL
    assert all(DEFAULT_ESTIMATOR[metric] in METRICS[metric] for metric in METRICS)
    assert HEADLINE["dci"] == "disentanglement"
    assert HEADLINE["downstream"] == "logistic_regression/10000/mean_test_accuracy"


@pytest.mark.parametrize(("metric", "estimator"), [(m, e) for m in METRICS for e in METRICS[m]])
def test_every_estimator_is_a_function_of_rows_and_rng(metric, estimator):
    parameters = inspect.signature(METRICS[metric][estimator]).parameters
    assert list(parameters)[:2] == ["rows", "rng"]
    assert all(p.kind is p.KEYWORD_ONLY for name, p in parameters.items() if name != "rows")


def test_names_choose_estimators_and_settings():
    assert parse("dci") == Request("dci", "lightgbm")
    assert parse("dci@study") == Request("dci", "study")
    assert parse({"mig": {"bins": 10}}) == Request("mig", "study", {"bins": 10}, null=True)
    assert parse({"downstream": {"sizes": [10, 100]}}).settings == {"sizes": (10, 100)}
    assert parse({"mig": None}) == parse("mig")


def test_settings_json_says_only_what_differs():
    assert parse("mig").settings_json == ""
    assert parse({"mig": {"bins": 20}}).settings_json == ""
    assert (
        parse({"factor_vae": {"min_std": 0.1, "batch_size": 32}}).settings_json
        == '{"batch_size":32,"min_std":0.1}'
    )
    assert parse({"dci": {"null": True}}).settings_json == ""


def test_a_version_above_one_enters_the_settings(monkeypatch):
    monkeypatch.setitem(VERSIONS, "mig", 2)
    assert json.loads(parse({"mig": {"bins": 10}}).settings_json) == {"bins": 10, "version": 2}


def test_chance_is_measured_for_cheap_metrics_and_on_request():
    assert parse("mig").null
    assert not parse("dci").null
    assert parse({"dci": {"null": True}}).null
    assert not parse({"mig": {"null": False}}).null


def test_labels_name_what_differs_from_the_default():
    labels = [parse(entry).label for entry in ("dci", "dci@forest", {"mig": {"bins": 10}})]
    assert labels == ["dci", "dci@forest", 'mig{"bins":10}']


@pytest.mark.parametrize(
    ("entry", "sentence"),
    [
        ("dcl", "There is no metric called 'dcl'. Did you mean dci?"),
        ("dci@lightgmb", "There is no estimator of dci called 'lightgmb'. Did you mean lightgbm?"),
        ({"mig": {"bin": 10}}, "There is no setting of mig@study called 'bin'. Did you mean bins?"),
        ({"mig": {"bins": "ten"}}, "bins of mig is 'ten', but must be a positive whole number such as 20"),
        ({"mig": {"bins": 0}}, "bins of mig is 0, but must be a positive whole number"),
        (
            {"factor_vae": {"min_std": True}},
            "min_std of factor_vae is True, but must be a number such as 0.05",
        ),
        (
            {"downstream": {"sizes": 10}},
            "sizes of downstream is 10, but must be a list of positive whole numbers",
        ),
        ({"mig": [10]}, r"The settings of mig are \[10\], but must be a mapping"),
        ({"mig": {"null": 1}}, "null of mig is 1, but must be true or false"),
        ({}, "The metric {} must be a name such as dci@study, or a mapping"),
        (7, "The metric 7 must be a name such as dci@study, or a mapping"),
        ("nowhere.at_all:metric", "nowhere.at_all:metric cannot be loaded: there is no module"),
        ("bench.metrics:HEADLINE", "The metric bench.metrics:HEADLINE is not a function"),
    ],
)
def test_wrong_requests_are_refused_in_a_sentence(entry, sentence):
    with pytest.raises(ValueError, match=sentence):
        parse_requests([entry])


@pytest.mark.parametrize("entries", [[], None, "mig", {"mig": {}}])
def test_a_list_is_needed(entries):
    with pytest.raises(ValueError, match="must be a list that names at least one metric"):
        parse_requests(entries)


def test_each_request_is_made_once_and_companions_come_along():
    found = expand(parse_requests(["mig", "dci", "mig", {"mig": {"bins": 10}}, "irs"]))
    names = [request.label for request in found]
    assert names == [
        "mig",
        "mig@corrected",
        "dci",
        'mig{"bins":10}',
        'mig@corrected{"bins":10}',
        "irs",
        "irs@corrected",
    ]
    assert expand(found) == found


def test_the_unsupervised_scores_are_planned_on_both_representations():
    planned = [
        (where, request.metric) for where, request in plan(parse_requests(["unsupervised", "sap"]), ["mean"])
    ]
    assert planned == [("mean", "unsupervised"), ("sampled", "unsupervised"), ("mean", "sap")]


def test_a_users_metric_is_versioned_by_its_source(own_metric):
    request = parse({"own_metric:spread": {"power": 4.0}})
    assert request.keys == ("spread",)
    assert parse("own_metric:two").keys == ("first", "second")
    settings = json.loads(request.settings_json)
    assert settings["power"] == 4.0
    before = settings["version"]
    own_metric.write_text(OWN_METRIC + "\n# changed\n")
    assert json.loads(request.settings_json)["version"] != before
    assert requests.parse_requests(["own_metric:two"])[0].estimator == "user"

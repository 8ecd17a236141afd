import numpy as np
import pandas as pd
import pytest

import bench
from bench import metrics
from bench.metrics import Result, parse_requests
from bench.scoring import COLUMNS, interval, planned_keys, planned_requests, score, score_table


class Grid:
    """Three factors, as much of a data set as scoring needs."""

    name, factor_sizes, size = "grid", (3, 4, 5), 60

    def factors(self, index):
        return np.stack(np.unravel_index(index, self.factor_sizes), axis=-1)


def table():
    """A code table that holds the grid's factors and a noise code."""
    rng = np.random.default_rng(0)
    clean = np.hstack([Grid().factors(np.arange(60)), np.zeros((60, 1))])
    mean = (clean + 0.05 * rng.standard_normal((60, 4))).astype(np.float32)
    return mean, np.full((60, 4), -6, dtype=np.float32)


def samples(n=600):
    """Given codes and factors."""
    rng = np.random.default_rng(1)
    factors = np.stack([rng.integers(size, size=n) for size in (3, 4)], axis=1)
    return factors + 0.1 * rng.standard_normal((n, 2)), factors


CHEAP_REQUESTS = ["mig", {"factor_vae": {"train_votes": 200, "eval_votes": 100}}, "sap", "unsupervised"]


def scored(requests=CHEAP_REQUESTS, representations=("mean",), index=None, wanted=None):
    mean, log_variance = table()
    if index is not None:
        mean, log_variance = mean[index], log_variance[index]
    rows, arrays = score_table(
        mean, log_variance, index, Grid(), parse_requests(requests), representations, wanted
    )
    return pd.DataFrame(rows), arrays


def test_rows_have_the_planned_keys_in_the_planned_order():
    frame, _ = scored(representations=("mean", "sampled"))
    planned = planned_keys(parse_requests(CHEAP_REQUESTS), ("mean", "sampled"))
    assert frame[list(planned[0])].to_dict("records") == planned
    assert set(COLUMNS) == set(frame.columns)
    assert (frame["status"] == "ok").all()


def test_scores_are_the_metrics_own_on_the_same_rows():
    frame, arrays = scored(["mig"])
    value = frame[frame["estimator"] == "study"]["value"].item()
    found = arrays["mean", "mig", "mutual_information"], arrays["mean", "mig", "factor_entropy"]
    assert value == pytest.approx(metrics.mig.gaps(*found).mean())
    assert ("mean", "mig@corrected", "mutual_information") in arrays


def test_chance_is_reported_beside_the_cheap_metrics():
    frame, _ = scored()
    first = frame.drop_duplicates(["metric", "estimator", "representation"]).set_index(
        ["metric", "estimator"]
    )
    assert (
        first.loc[("factor_vae", "study"), "null"].item()
        < 0.6
        < first.loc[("factor_vae", "study"), "value"].item()
    )
    assert first.loc["unsupervised", "null"].isna().all()


def test_only_metrics_that_draw_have_an_interval_and_it_holds_the_value():
    frame, _ = scored()
    drawing = frame["metric"] == "factor_vae"
    assert (frame["interval_low"].notna() == drawing).all()
    assert (frame[drawing]["interval_low"] <= frame[drawing]["value"]).all()
    assert interval([0.5, 0.6, 0.4]) == pytest.approx((0.5 - 4.302653 * 0.1, 0.5 + 4.302653 * 0.1))


def test_all_cells_are_scored_on_the_same_draws():
    first, second = scored()[0], scored()[0]
    pd.testing.assert_frame_equal(first.drop(columns="seconds"), second.drop(columns="seconds"))


def test_the_order_and_company_of_metrics_do_not_matter():
    alone = scored([CHEAP_REQUESTS[1]])[0]
    among = scored()[0].query("metric == 'factor_vae'").reset_index(drop=True)
    pd.testing.assert_frame_equal(alone.drop(columns="seconds"), among.drop(columns="seconds"))


def test_images_tell_the_whole_grid_from_a_sample():
    assert set(scored(["mig"])[0]["images"]) == {0}
    assert set(scored(["mig"], index=np.arange(30))[0]["images"]) == {30}


def test_wanted_keeps_only_some_scores():
    frame, _ = scored(wanted={("sampled", "unsupervised", "study", ""), ("mean", "mig", "corrected", "")})
    assert set(zip(frame["representation"], frame["metric"], strict=True)) == {
        ("sampled", "unsupervised"),
        ("mean", "mig"),
    }


def test_a_metric_that_raises_fails_alone(monkeypatch):
    def broken(rows, *, rng) -> Result:
        raise FloatingPointError("no such luck")

    monkeypatch.setitem(metrics.METRICS["dci"], "forest", broken)
    frame, _ = scored(["dci@forest", "mig"])
    failed = frame[frame["metric"] == "dci"]
    assert failed["key"].tolist() == list(metrics.KEYS["dci"])
    assert (failed["status"] == "failed").all()
    assert failed["error"].str.endswith("FloatingPointError: no such luck").all()
    assert failed["error"].str.startswith("Traceback").all()
    assert failed["value"].isna().all()
    assert (frame[frame["metric"] == "mig"]["status"] == "ok").all()


def test_planned_requests_name_every_score_with_its_images():
    assert planned_requests(["mig", "unsupervised"], ["mean"], 600) == [
        ("mean", "mig", "study", "", 600),
        ("mean", "mig", "corrected", "", 600),
        ("mean", "unsupervised", "study", "", 600),
        ("sampled", "unsupervised", "study", "", 600),
    ]


def test_bench_score_returns_a_frame_of_the_score_columns():
    codes, factors = samples()
    frame = bench.score(codes, factors, metrics=["mig", "dci@forest"])
    assert tuple(frame.columns) == COLUMNS
    assert set(frame["images"]) == {600}
    assert frame.set_index(["metric", "estimator", "key"])["value"]["mig", "study", "mig"] > 0.7


def test_given_test_rows_are_the_ones_tested_on():
    codes, factors = samples()
    wrong = score(codes[:400], factors[:400], ["dci@forest"], test=(codes[400:], 0 * factors[400:] + 9))
    values = wrong.set_index("key")["value"]
    assert values["informativeness_test"] == 0
    assert values["informativeness_train"] > 0.9


def test_the_seed_moves_only_what_is_drawn():
    codes, factors = samples(n=300)
    codes = codes + np.random.default_rng(2).standard_normal(codes.shape)
    chosen = ["mig", {"factor_vae": {"train_votes": 100, "eval_votes": 100}}]
    first, again, other = (
        score(codes, factors, chosen, seed=seed).query("estimator == 'study'") for seed in (0, 0, 1)
    )
    assert first["value"].tolist() == again["value"].tolist()
    assert first["value"].iloc[0] == other["value"].iloc[0]
    assert first["value"].tolist() != other["value"].tolist()


def test_log_variance_adds_the_sampled_representation():
    codes, factors = samples()
    with_samples = score(codes, factors, ["unsupervised"], log_variance=np.zeros_like(codes))
    assert set(with_samples["representation"]) == {"mean", "sampled"}
    assert set(score(codes, factors, ["unsupervised"])["representation"]) == {"mean"}
    norm = with_samples.query("key == 'gaussian_wasserstein_correlation_norm'").set_index("representation")[
        "value"
    ]
    assert norm["sampled"] != norm["mean"]


def test_codes_that_are_no_numbers_fail_every_metric_with_a_sentence():
    mean, log_variance = table()
    mean[7, 1] = np.nan
    rows, _ = score_table(mean, log_variance, None, Grid(), parse_requests(["mig", "sap"]), ["mean"])
    assert {row["status"] for row in rows} == {"failed"}
    assert all("The codes of 1 of 60 rows are NaN or infinite." in row["error"] for row in rows)


def test_a_metric_must_give_the_keys_it_plans(tmp_path, monkeypatch):
    (tmp_path / "stray_metric.py").write_text(
        "from bench.metrics import Result\ndef named(rows, *, rng):\n    return Result({'other': 1.0})\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    frame = score(*samples(), ["stray_metric:named"])
    assert frame["key"].tolist() == ["named"]
    assert frame["error"].str.contains("gave the keys other, but was to give named").all()
    assert frame["settings"].str.contains("version").all()


def test_all_metrics_are_scored_by_default_on_a_few_rows():
    frame = score(*samples(n=90))
    assert set(frame["metric"]) == set(metrics.METRICS)
    assert set(frame["status"]) == {"ok"}

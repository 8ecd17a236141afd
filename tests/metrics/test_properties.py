"""What every metric must do, on every estimator listed: calibration codes with known answers."""

import numpy as np
import pytest

from bench.metrics import METRICS
from bench.rows import Rows

# Enough to tell good codes from bad ones, few enough for a second per estimator.
SMALL = {
    "beta_vae": {"train_examples": 400, "eval_examples": 200},
    "factor_vae": {"train_votes": 400, "eval_votes": 200},
    "dci": {"train_rows": 300, "test_rows": 200},
    "downstream": {"sizes": (60,)},  # at 30 the C that is picked hangs on the last bits of a fit
}
EVERY = [(metric, estimator) for metric in METRICS for estimator in METRICS[metric]]
PER_CODE_SCALE_FREE = ("mig", "modularity", "dci", "explicitness")


def score(metric, estimator, codes, factors):
    """The result on given rows, at small settings and a fixed generator."""
    rows = Rows.given(codes, factors)
    return METRICS[metric][estimator](rows, rng=np.random.default_rng(0), **SMALL.get(metric, {}))


def oracle(noise=0.05, n=1500, seed=0):
    """One code per factor and a noise code, (n, 4), with factors of 3, 4 and 5 values, (n, 3)."""
    rng = np.random.default_rng(seed)
    factors = np.stack([rng.integers(size, size=n) for size in (3, 4, 5)], axis=1)
    clean = np.hstack([factors / factors.std(axis=0), np.zeros((n, 1))])
    return clean + noise * rng.standard_normal(clean.shape), factors


def close(metric, a, b):
    """Equal values; trees break ties by the order of the codes, which matters in small samples."""
    tolerance = 0.03 if metric in ("dci", "downstream") else 1e-6
    assert a.values == pytest.approx(b.values, abs=tolerance, nan_ok=True)


@pytest.mark.parametrize(("metric", "estimator"), EVERY)
def test_the_order_of_codes_does_not_matter(metric, estimator):
    codes, factors = oracle()
    close(
        metric,
        score(metric, estimator, codes[:, [3, 1, 0, 2]], factors),
        score(metric, estimator, codes, factors),
    )


@pytest.mark.parametrize(("metric", "estimator"), EVERY)
def test_the_sign_of_codes_does_not_matter(metric, estimator):
    codes, factors = oracle()
    close(
        metric,
        score(metric, estimator, codes * [-1, 1, -1, -1], factors),
        score(metric, estimator, codes, factors),
    )


@pytest.mark.parametrize(("metric", "estimator"), [pair for pair in EVERY if pair[0] in PER_CODE_SCALE_FREE])
def test_the_scale_of_a_code_does_not_matter_where_that_is_claimed(metric, estimator):
    codes, factors = oracle()
    scaled = codes * [3, 0.01, 40, 7]
    close(metric, score(metric, estimator, scaled, factors), score(metric, estimator, codes, factors))


@pytest.mark.parametrize("estimator", METRICS["irs"])
def test_irs_ignores_a_common_scale(estimator):
    codes, factors = oracle()
    close("irs", score("irs", estimator, 7 * codes, factors), score("irs", estimator, codes, factors))


@pytest.mark.parametrize(("metric", "estimator"), EVERY)
def test_the_same_generator_gives_the_same_score_and_no_global_state_is_used(metric, estimator):
    codes, factors = oracle(n=400)
    before = np.random.get_state()[1].copy()  # noqa: NPY002 - the global state that must not move
    first, second = (score(metric, estimator, codes, factors) for _ in range(2))
    assert first.values == pytest.approx(second.values, abs=0, nan_ok=True)
    assert np.array_equal(before, np.random.get_state()[1])  # noqa: NPY002


def degenerate():
    """Inputs at the edge, by name."""
    rng = np.random.default_rng(1)
    factors = rng.integers(3, size=(60, 2))
    return {
        "constant codes": (np.full((60, 3), 0.7), factors),
        "one value per factor": (rng.standard_normal((60, 3)), np.zeros((60, 2), dtype=int)),
        "one code, one factor": (rng.standard_normal((60, 1)), factors[:, :1]),
        "codes that are equal": (np.repeat(rng.standard_normal((60, 1)), 3, axis=1), factors),
        "six rows": (rng.standard_normal((6, 3)), factors[:6]),
        "labels far apart": (rng.standard_normal((60, 3)), factors * 10**9 - 5),
    }


@pytest.mark.parametrize("case", degenerate())
@pytest.mark.parametrize(("metric", "estimator"), EVERY)
def test_edges_give_numbers_and_flags_not_errors(metric, estimator, case):
    codes, factors = degenerate()[case]
    found = score(metric, estimator, codes, factors)
    undefined = {key for key, value in found.values.items() if np.isnan(value)}
    assert not undefined or "fewer_rows_than_labels" in found.flags
    if case == "constant codes":
        assert {"constant_code", "no_active_code"} <= set(found.flags)
    if case == "one value per factor" and metric != "unsupervised":
        assert "one_value_factor" in found.flags


def headline(metric, estimator, codes, factors, key=None):
    values = score(metric, estimator, codes, factors).values
    return values[key] if key else next(iter(values.values()))


FOR_FACTORS = [pair for pair in EVERY if pair[0] not in ("unsupervised", "downstream")]


@pytest.mark.parametrize(("metric", "estimator"), FOR_FACTORS)
def test_codes_of_the_factors_beat_codes_of_nothing(metric, estimator):
    codes, factors = oracle()
    noise = np.random.default_rng(2).standard_normal(codes.shape)
    good, bad = headline(metric, estimator, codes, factors), headline(metric, estimator, noise, factors)
    # Plug-in modularity takes noise for modular; that is what its corrected form is for.
    assert good > bad + (0.0 if (metric, estimator) == ("modularity", "study") else 0.2)


@pytest.mark.parametrize(
    ("metric", "estimator"),
    [pair for pair in FOR_FACTORS if pair not in (("modularity", "study"), ("sap", "study"))],
)
def test_dead_codes_change_nothing(metric, estimator):
    # The study's modularity counts a dead code as 0; its SAP lets one guess the most frequent value.
    codes, factors = oracle()
    dead = np.hstack([np.full((len(codes), 2), 0.7), codes])
    with_dead, without = score(metric, estimator, dead, factors), score(metric, estimator, codes, factors)
    close(metric, with_dead, without)
    assert "constant_code" in with_dead.flags


@pytest.mark.parametrize(
    ("metric", "estimator"),
    [pair for pair in FOR_FACTORS if pair[0] in ("mig", "dci", "irs")],
)
def test_more_noise_scores_less(metric, estimator):
    # Of the others, BetaVAE and FactorVAE scores saturate, and modularity only asks for one factor per code.
    scores = [headline(metric, estimator, *oracle(noise)) for noise in (0.02, 0.5, 2.0)]
    assert scores == sorted(scores, reverse=True)
    assert scores[0] > scores[-1] + 0.05


GAPS = [("mig", "study"), ("mig", "corrected"), ("sap", "study"), ("sap", "correlation")]


@pytest.mark.parametrize(("metric", "estimator"), GAPS)
def test_a_duplicated_code_closes_the_gap(metric, estimator):
    codes, factors = oracle()
    assert headline(metric, estimator, np.hstack([codes, -codes]), factors) == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("estimator", ["study", "lightgbm", "forest"])
def test_duplication_costs_completeness_merging_disentanglement_and_rotation_both(estimator):
    codes, factors = oracle(noise=0.02)
    angle = np.pi / 4
    rotation = np.eye(4)
    rotation[1:3, 1:3] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    inputs = {
        "one each": codes,
        "duplicated": np.hstack(
            [codes, codes + 0.02 * np.random.default_rng(3).standard_normal(codes.shape)]
        ),
        "merged": np.stack([codes[:, 0], codes[:, 1] + 5 * codes[:, 2]], axis=1),
        "rotated": codes @ rotation,
    }
    found = {name: score("dci", estimator, given, factors).values for name, given in inputs.items()}
    d = {name: values["disentanglement"] for name, values in found.items()}
    c = {name: values["completeness"] for name, values in found.items()}
    assert d["duplicated"] > d["one each"] - 0.05
    assert c["duplicated"] < c["one each"] - 0.2
    assert d["merged"] < d["one each"] - 0.1
    assert c["merged"] > c["one each"] - 0.1
    assert max(d["rotated"] - d["one each"], c["rotated"] - c["one each"]) < -0.1


@pytest.mark.parametrize("estimator", ["study", "corrected"])
def test_merging_and_rotation_cost_modularity_duplication_does_not(estimator):
    codes, factors = oracle(noise=0.02)
    codes = codes[:, :3]
    pure = headline("modularity", estimator, codes, factors)
    merged = np.stack([codes[:, 0], codes[:, 1] + codes[:, 2]], axis=1)
    assert headline("modularity", estimator, merged, factors) < pure - 0.1
    rotated = np.hstack([codes[:, :1], codes[:, 1:] @ np.array([[1, 1], [-1, 1]])])
    assert headline("modularity", estimator, rotated, factors) < pure - 0.1
    assert headline("modularity", estimator, np.hstack([codes, codes]), factors) == pytest.approx(pure)


def test_rotation_changes_no_linear_readout_but_every_gap():
    codes, factors = oracle(noise=0.02)
    rotated = np.hstack(
        [codes[:, :1], codes[:, 1:3] @ np.array([[1, 1], [-1, 1]]) / np.sqrt(2), codes[:, 3:]]
    )
    for metric, estimator in GAPS:
        assert (
            headline(metric, estimator, rotated, factors) < headline(metric, estimator, codes, factors) - 0.05
        )
    for key in ("gaussian_total_correlation", "gaussian_wasserstein_correlation"):
        apart = headline("unsupervised", "study", codes, factors, key)
        together = headline(
            "unsupervised", "study", np.hstack([codes, codes[:, :1] + codes[:, 1:2]]), factors, key
        )
        assert together > apart + 0.1

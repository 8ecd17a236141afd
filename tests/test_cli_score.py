"""`bench score`: a table, a Parquet file, percentiles within a study, sentences for what cannot be scored."""

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from test_store import row

from bench.cli import main
from bench.store import write_scores

RNG = np.random.default_rng(0)
FACTORS = RNG.integers(0, 4, size=(600, 3))
CODES = FACTORS[:, [2, 0, 1]] + 0.05 * RNG.normal(size=(600, 3))


def score(tmp_path, *words: str, **arrays):
    np.savez(tmp_path / "codes.npz", **(arrays or {"codes": CODES, "factors": FACTORS}))
    return CliRunner().invoke(main, ["score", str(tmp_path / "codes.npz"), *words])


def test_a_table_with_value_chance_and_interval_and_the_same_in_parquet(tmp_path):
    out = tmp_path / "scores.parquet"
    done = score(tmp_path, "--metrics", "mig,factor_vae", "--out", str(out))
    assert done.exit_code == 0, done.output
    frame = pd.read_parquet(out).set_index(["metric", "estimator", "key"])
    mig = frame.loc["mig", "study", "mig"]
    assert mig["value"] > 0.9 > 0.1 > mig["null"]
    vote = frame.loc["factor_vae", "study", "eval_accuracy"]
    assert vote["interval_low"] <= vote["value"] <= vote["interval_high"]
    (line,) = (line for line in done.output.splitlines() if line.startswith("mig@study mig "))
    assert f"{mig['value']:.4f}" in line
    assert f"{mig['null']:.4f}" in line


def test_percentiles_within_a_study(tmp_path):
    values = {"a": 0.1, "b": 0.2, "c": 0.3, "d": 0.9999}
    write_scores(tmp_path / "study" / "scores", "p", [row(name, value=v) for name, v in values.items()], {})
    done = score(tmp_path, "--metrics", "mig", "--against", str(tmp_path / "study"))
    (line,) = (line for line in done.output.splitlines() if line.startswith("mig@study mig "))
    assert "75.0" in line


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"codes": CODES[:-1], "factors": FACTORS}, "rows"),
        ({"codes": np.where(CODES > 2, np.nan, CODES), "factors": FACTORS}, "NaN"),
        ({"codes": np.where(CODES > 2, np.inf, CODES), "factors": FACTORS}, "infinite"),
        ({"codes": CODES, "factors": FACTORS + 0.5}, "whole numbers"),
        ({"codes": CODES[:1], "factors": FACTORS[:1]}, "row"),
        ({"codes": CODES[:, :0], "factors": FACTORS}, "codes"),
        ({"codes": CODES, "factors": np.zeros((600, 5000), int)}, "factors"),
        ({"codes": CODES, "labels": FACTORS}, "no array 'factors'"),
    ],
)
def test_what_cannot_be_scored_is_a_sentence_with_exit_code_two(tmp_path, arrays, words):
    done = score(tmp_path, **arrays)
    assert done.exit_code == 2, done.output
    assert words in done.output
    assert len(done.output.splitlines()) == 1


@pytest.mark.parametrize(
    ("metrics", "words"), [("mgi", "Did you mean mig"), ("dci@trees", "estimator of dci"), ("", "metric")]
)
def test_unknown_metrics_and_estimators_are_sentences(tmp_path, metrics, words):
    done = score(tmp_path, "--metrics", metrics)
    assert done.exit_code == 2
    assert words in done.output
    missing = CliRunner().invoke(main, ["score", str(tmp_path / "nothing.npz")])
    assert missing.exit_code == 2
    assert "There is no file" in missing.output

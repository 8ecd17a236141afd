"""Two studies side by side."""

import numpy as np
import pandas as pd

from bench.reporting.cells import assemble
from bench.reporting.comparison import side_by_side
from tests.reporting.synthetic import QUICKSTART_STRENGTHS, make_plan, make_scores


def study(name, *steps, seed=0):
    plans = [make_plan(("dsprites",), QUICKSTART_STRENGTHS, 2, steps=n) for n in steps]
    return assemble(name, pd.concat([make_scores(p, seed=seed) for p in plans]), pd.concat(plans))


def test_settings_held_with_two_numbers_of_steps_are_left_out_and_counted():
    said = "Left out: 12 settings that twice holds more than once, with other steps or another precision."
    rng = np.random.default_rng(0)
    one, twice = study("one", 10), study("twice", 10, 20)
    assert said in side_by_side(twice, one, rng).missing
    assert said in side_by_side(one, twice, rng).missing
    assert "Left out" not in side_by_side(one, study("two", 20), rng).caption
    part = make_plan(("dsprites",), {"beta_vae": [4]}, 2, steps=20)
    plan = pd.concat([make_plan(("dsprites",), QUICKSTART_STRENGTHS, 2, steps=10), part], ignore_index=True)
    partly = side_by_side(one, assemble("partly", make_scores(plan), plan), rng)
    assert "Left out: 1 setting that partly holds more than once" in partly.caption
    assert set(partly.summary["settings"]) == {11}


def test_the_table_of_differences_is_there_with_every_digit():
    one, two = study("one", 10), study("two", 10, seed=1)
    shown = side_by_side(one, two, np.random.default_rng(0))
    gap = (shown.numbers["mean"] - shown.numbers["mean_other"]).groupby(shown.numbers["score"]).mean()
    found = shown.summary.set_index("score")
    np.testing.assert_allclose(found["difference"], gap[found.index], rtol=1e-12)
    assert (found["low"] < found["difference"]).all()
    assert len(shown.table) == len(found)

"""Lines against strength, where an objective has one value, or varies more than its strength."""

import numpy as np
import pandas as pd
import pytest

from bench.cell import Cell
from bench.reporting import plots
from bench.reporting.cells import assemble
from bench.reporting.exhibits import strength
from bench.reporting.exhibits.strength import further, swept
from bench.reporting.style import MUTED, colour, figure
from bench.settings import MODEL_SETTINGS, Training
from bench.study import planned_row
from tests.reporting.making import made
from tests.reporting.synthetic import make_scores

NAME = "DIP-VAE-I λ_od = 2, λ_d/λ_od = 10"


@pytest.fixture(scope="module")
def two_swept():
    """DIP-VAE-I at three strengths times two ratios of its penalties."""
    model = MODEL_SETTINGS["dip_vae_i"]
    cells = [
        Cell("dsprites", "real", "dip_vae_i", model(lambda_od=od, lambda_d_factor=factor), seed, Training())
        for od in (1, 2, 5) for factor in (1, 10) for seed in range(3)
    ]  # fmt: skip
    plan = pd.DataFrame([planned_row(cell) for cell in cells])
    return assemble("two swept", make_scores(plan, downstream=False), plan)


def test_a_printed_setting_is_taken_apart():
    assert swept(NAME, "dip_vae_i") == [("λ_od", "2"), ("λ_d/λ_od", "10")]
    assert further(NAME, "dip_vae_i") == "λ_d/λ_od = 10"
    assert (further("β-VAE β = 4", "beta_vae"), swept("VAE", "vae")) == ("", [])


def test_each_value_of_a_further_hyperparameter_has_a_line_of_its_own(two_swept, monkeypatch):
    drawn, named = [], []
    monkeypatch.setattr(strength, "line", lambda ax, x, y, low, high, model: drawn.append((x, y)))
    monkeypatch.setattr(strength, "label_ends", lambda ax, ends, *rest: named.append([e[3] for e in ends]))
    exhibit = strength.scores_against_strength(two_swept, np.random.default_rng(0))
    assert len(drawn) == 2 * len(two_swept.metrics())
    rows = exhibit.numbers[exhibit.numbers["score"] == "BetaVAE score"]
    for (x, y), factor in zip(drawn[:2], ("1", "10"), strict=True):
        np.testing.assert_array_equal(np.round(x), [1, 2, 3])
        own = rows["setting"].str.endswith(f"λ_d/λ_od = {factor}")
        np.testing.assert_array_equal(y, rows.loc[own, "median"])
    assert named[0] == ["= 1", "= 10", "DIP-VAE-I"]
    assert "(a line for each of λ_d/λ_od = 1; λ_d/λ_od = 10)" in exhibit.caption


def test_settings_without_a_strength_are_points(monkeypatch):
    training = [Training().model_copy(update={"steps": steps}) for steps in (1000, 2000)]
    plain = MODEL_SETTINGS["vae"]()
    cells = [Cell("dsprites", "real", "vae", plain, seed, how) for how in training for seed in (0, 1)]
    plan, drawn = pd.DataFrame([planned_row(cell) for cell in cells]), []
    monkeypatch.setattr(strength, "line", lambda ax, x, *rest: drawn.append(len(x)))
    scores = make_scores(plan.assign(strength=1.0), downstream=False)
    study = assemble("plain", scores, plan)
    strength.scores_against_strength(study, np.random.default_rng(0))
    assert drawn == [1, 1] * 6


def test_rows_of_values_say_all_that_is_varied(two_swept):
    exhibit = made("scores_per_value", two_swept)
    for row in ("1, 1", "1, 10", "5, 10"):
        assert f">{row}<" in exhibit.drawings[0].svg
    assert exhibit.caption.endswith("Rows of DIP-VAE-I: λ_od, λ_d/λ_od.")


def test_a_leader_to_a_name_does_not_look_like_a_line_of_scores():
    with figure(3, 2) as (_, axes):
        ax = axes[0, 0]
        plots.label_ends(ax, [("beta_vae", 0.1, 0.5, "β-VAE")], 1.0)
        [name] = ax.texts
    assert name.get_color() == colour("beta_vae")
    assert name.arrow_patch.get_edgecolor()[:3] == pytest.approx(
        [int(MUTED[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    )


def test_only_objectives_are_named_where_not_all_lines_fit():
    with figure(3, 2) as (_, axes):
        ax = axes[0, 0]
        height = ax.get_position().height * 2
        assert plots.names_that_fit(ax, 7) == int(height * 72 / (1.2 * 7))

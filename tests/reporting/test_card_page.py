"""The page on one cell, from made-up records."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from bench.reporting.card import CellRecord, card_exhibits, card_page
from bench.scoring_against import against
from tests.reporting.synthetic import make_plan, make_scores

PLAN = make_plan(("dsprites",), {"beta_vae": [1, 4]}, seeds=5)
SCORES = make_scores(PLAN, downstream=False)
CELL = PLAN["cell_id"][3]
FACTORS = ("shape", "scale", "orientation", "posX", "posY")


def record(**changed) -> CellRecord:
    """A card's record with everything there: three codes, of which code 1 is dead."""
    rng = np.random.default_rng(0)
    pictures = {name: rng.integers(0, 255, shape, np.uint8) for name, shape in
                {"images": (8, 6, 6, 1), "reconstructions": (8, 6, 6, 1),
                 "traversals": (3, 11, 6, 6, 1)}.items()}  # fmt: skip
    curves = pd.DataFrame({"step": [0, 50, 100], "loss": [900.0, 40.0, 30.0]}).reindex(
        columns=["step", "loss", "reconstruction", "kl", "regularizer", "total_correlation",
                 "mutual_information", "dimension_wise_kl", "discriminator_accuracy"]
    )  # fmt: skip
    curves["kl_per_latent"] = [[0.0, 0.0, 0.0], [1.0, 0.1, 0.2], [2.0, 0.0, 0.5]]
    given = CellRecord(
        study="s", cell_id=CELL, label="β-VAE β = 1", data="dSprites", source="real", model="beta_vae",
        seed=3, steps=100, settings={"beta": 1.0}, scores=against(SCORES[SCORES["cell_id"] == CELL], SCORES),
        factor_names=FACTORS, pictures=pictures, kl=np.array([0.5, 0.001, 2.0]), kl_of="mean over 50 images",
        curves=curves, arrays={"mean/mig/mutual_information": np.arange(15.0).reshape(3, 5)},
    )  # fmt: skip
    return dataclasses.replace(given, **changed)


def test_percentiles_are_shares_of_the_studys_cells_that_score_less():
    table = card_exhibits(record())["scores"].numbers.set_index("score")
    mig = SCORES[SCORES["metric"] == "mig"].set_index("cell_id")["value"]
    assert table.loc["MIG", "value"] == mig[CELL]
    assert table.loc["MIG", "percentile"] == pytest.approx(100 * ((mig < mig[CELL]).sum() + 0.5) / 10)
    assert table.loc["MIG", "cells compared"] == 10


def test_scores_stand_in_the_papers_order_with_headlines_first_seen():
    exhibit = card_exhibits(record())["scores"]
    assert list(exhibit.table["score"])[:3] == ["BetaVAE score", "FactorVAE score", "MIG"]
    assert "pairwise MI" in set(exhibit.numbers["score"])
    assert "pairwise MI" not in set(exhibit.table["score"])


def test_two_keys_of_a_users_metric_have_two_names_and_the_first_is_its_headline():
    own = record().scores.query("metric == 'mig'").assign(metric="mine:both")
    scores = pd.concat([own.assign(key="z_accuracy"), own.assign(key="count")], ignore_index=True)
    exhibit = card_exhibits(record(scores=scores))["scores"]
    assert list(exhibit.numbers["score"]) == ["mine:both", "mine:both count"]
    assert list(exhibit.table["score"]) == ["mine:both"]


def test_matrices_are_sorted_by_kl_and_dead_codes_marked():
    exhibit = card_exhibits(record())["knowledge"]
    values = exhibit.numbers.pivot_table(index="code", columns="factor", values="value", sort=False)
    np.testing.assert_array_equal(values[list(FACTORS)], np.arange(15.0).reshape(3, 5))
    assert set(exhibit.numbers.loc[exhibit.numbers["dead"], "code"]) == {1}
    svg = exhibit.drawings[0].svg
    assert svg.index("code 2") < svg.index("code 0") < svg.index("code 1 (dead)")
    assert "Dead: a KL below 0.01 nats, mean over 50 images (Duan et al. 2020); 1 of 3" in exhibit.caption


def test_curves_have_a_panel_each_where_there_are_values():
    names = [d.name for d in card_exhibits(record())["curves"].drawings]
    assert names == ["curve-loss", "curve-kl_per_latent"]


def test_without_pictures_curves_and_arrays_the_card_says_why():
    why = {
        "pictures": "the weights were not kept.",
        "curves": "none were kept.",
        "arrays": "no metric left one.",
    }
    bare = record(pictures={}, curves=None, arrays={}, kl=None, absent=why)
    exhibits = card_exhibits(bare)
    assert {part: exhibits[part].missing for part in ("pictures", "curves", "knowledge")} == {
        "pictures": why["pictures"], "curves": why["curves"], "knowledge": why["arrays"],
    }  # fmt: skip
    page = card_page(bare)
    assert all(sentence in page for sentence in why.values())
    assert "What is not here" in page


def test_rendered_data_are_marked_on_top_and_in_every_caption():
    exhibits = card_exhibits(record(source="rendered:1", data="dSprites (rendered)"))
    assert all("The data are rendered, not the published files." in e.rests_on for e in exhibits.values())
    assert "compare nothing here with published numbers" in card_page(record(source="rendered:1"))
    assert "rendered" not in card_page(record())


def test_a_failed_metric_is_named_and_has_no_percentile():
    failed = SCORES.assign(
        status=np.where(SCORES["metric"] == "mig", "failed", "ok"), error="Traceback\nboom"
    )
    failed.loc[failed["metric"] == "mig", "value"] = np.nan
    given = record(scores=against(failed[failed["cell_id"] == CELL], failed))
    assert given.failures == [
        {"metric": "mig", "estimator": "study", "representation": "mean", "error": "boom"}
    ]
    assert card_exhibits(given)["scores"].table.set_index("score").loc["MIG", "percentile"] == "–"

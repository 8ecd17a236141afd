"""Two studies cell by cell: planted shifts, seed noise, coverage, and a pair of studies that are trained."""

import numpy as np
import pandas as pd
import pytest
from studies import run_tiny
from tiny import TINY

from bench.reporting.cells import assemble
from bench.reporting.paired import (
    BEYOND,
    NOISE_SHARE,
    TOO_LITTLE,
    WITHIN,
    cell_by_cell,
    mean_difference,
    seed_noise,
    verdict,
)
from bench.reporting.report import build, read
from bench.reporting.statistics import Estimate
from bench.running import run
from tests.reporting.synthetic import QUICKSTART_STRENGTHS, make_plan, make_scores

PLAN = make_plan(("dsprites",), QUICKSTART_STRENGTHS, 8, untrained=True)
SCORES = make_scores(PLAN, downstream=False)


def again(noise=0.0, shift=0.0, metric="mig"):
    """The same cells once more: every score with its own noise, one metric shifted."""
    drawn = noise * np.random.default_rng(1).standard_normal(len(SCORES))
    moved = np.where(SCORES["metric"] == metric, shift, 0.0)
    return SCORES.assign(value=SCORES["value"] + drawn + moved)


def verdicts(shown):
    table = shown.numbers[shown.numbers["objective"] == "all"]
    return dict(zip(table["score"], table["verdict"], strict=True))


def test_a_planted_shift_is_found_and_the_others_lie_within_seed_noise():
    one = assemble("one", SCORES, PLAN)
    shown = cell_by_cell(one, assemble("two", again(noise=0.02, shift=-0.3), PLAN))
    found = verdicts(shown)
    assert found["MIG"] == BEYOND
    assert {found[name] for name in ("DCI", "Modularity", "SAP", "FactorVAE score")} == {WITHIN}
    row = shown.numbers.set_index(["objective", "score"]).loc[("all", "MIG")]
    assert row["pairs"] == 96  # 12 settings of 8 seeds; the untrained reference is no pair
    assert row["difference"] == pytest.approx(0.3, abs=0.01)
    assert row["low"] < row["difference"] < row["high"]
    beta = shown.numbers.set_index(["objective", "score"]).loc[("β-VAE", "MIG")]
    assert (beta["pairs"], beta["verdict"]) == (16, BEYOND)
    assert "MIG: beyond seed noise." in shown.text[0]


def test_differences_that_cancel_in_the_mean_over_objectives_are_named():
    models = PLAN.set_index("cell_id")["model"].reindex(SCORES["cell_id"]).to_numpy()
    moved = (models == "beta_vae") * 0.3 - (models == "factor_vae") * 0.3
    shifted = SCORES.assign(value=SCORES["value"] + moved * (SCORES["metric"] == "mig"))
    text = cell_by_cell(assemble("one", SCORES, PLAN), assemble("two", shifted, PLAN)).text[0]
    assert "beyond" not in text.partition("By themselves")[0]
    assert text.endswith("By themselves beyond seed noise: β-VAE (MIG), FactorVAE (MIG).")


def test_every_row_is_that_of_a_plain_loop_over_the_cells():
    two = again(noise=0.05)
    shown = cell_by_cell(assemble("one", SCORES, PLAN), assemble("two", two, PLAN))
    keys = ["metric", "key", "representation"]
    cells = set(PLAN.loc[PLAN["model"] == "annealed_vae", "cell_id"])
    left, right = (
        {
            row.cell_id: row.value
            for row in scores[(scores[keys] == ["sap", "sap", "mean"]).all(axis=1)].itertuples()
        }
        for scores in (SCORES, two)
    )
    gaps = np.array([left[cell] - right[cell] for cell in cells])
    row = shown.numbers.set_index(["objective", "score"]).loc[("AnnealedVAE", "SAP")]
    assert row["difference"] == pytest.approx(gaps.mean(), abs=1e-12)
    settings = [g["cell_id"] for _, g in PLAN[PLAN["model"] == "annealed_vae"].groupby("strength")]
    pooled = [
        np.sqrt(np.mean([np.var([by[c] for c in ids], ddof=1) for ids in settings])) for by in (left, right)
    ]
    assert row["seed noise"] == pytest.approx(min(pooled), rel=1e-12)


def test_few_pairs_say_too_little_even_where_they_agree_to_the_last_digit():
    few = make_plan(("dsprites",), {"beta_vae": [1, 4]}, 4)
    study = assemble("few", make_scores(few), few)
    shown = cell_by_cell(study, study)
    assert set(shown.numbers["pairs"]) == {8}
    assert set(shown.numbers["verdict"]) == {TOO_LITTLE}
    alone = make_plan(("dsprites",), QUICKSTART_STRENGTHS, 1)
    study = assemble("alone", make_scores(alone), alone)
    shown = cell_by_cell(study, study)  # 12 pairs, and nothing to say what seeds do
    assert (set(shown.table["seed noise"]), set(shown.table["verdict"])) == ({"–"}, {TOO_LITTLE})
    one = assemble("one", SCORES, PLAN)
    assert set(cell_by_cell(one, one).numbers["verdict"]) == {WITHIN}
    noisy = verdicts(cell_by_cell(one, assemble("two", again(noise=0.3), PLAN)))
    assert noisy["SAP"] == TOO_LITTLE  # its interval holds 0, and much else


def test_cells_are_paired_by_all_but_their_training_and_the_others_counted():
    plan = make_plan(("dsprites", "cars3d"), QUICKSTART_STRENGTHS, 3, steps=10)
    other = make_plan(("dsprites",), QUICKSTART_STRENGTHS, 2, steps=20)
    one, two = (assemble(name, make_scores(p), p) for name, p in (("one", plan), ("two", other)))
    shown = cell_by_cell(one, two)
    assert set(shown.numbers.loc[shown.numbers["objective"] == "all", "pairs"]) == {24}
    assert "Without a partner: 48 cells of one." in shown.caption
    assert "cells of two" not in shown.caption
    assert "Not compared: Cars3D (only in one)." in shown.caption
    other_source = make_plan(("dsprites",), QUICKSTART_STRENGTHS, 2, source="rendered:1")
    nothing = cell_by_cell(one, assemble("drawn", make_scores(other_source), other_source))
    assert nothing.missing == "Too little data: the two studies share no scored seed of one setting."


def simulated(shift, rng, settings=6, seeds=8):
    """Scores of one setting's seeds have deviation 1 in both studies, which share half of its variance."""
    n = settings * seeds
    shared, level = rng.standard_normal(n), np.repeat(rng.standard_normal(settings), seeds)
    value, other = (level + np.sqrt(0.5) * (shared + rng.standard_normal(n)) for _ in range(2))
    return value + shift, other, np.repeat(np.arange(settings), seeds)


def test_the_interval_holds_the_true_difference_in_95_of_100_studies_and_verdicts_seldom_err():
    rng, studies = np.random.default_rng(0), 1000
    held, said = 0, {0.0: [], NOISE_SHARE: [], 1.5: []}
    for shift, words in said.items():
        for _ in range(studies):
            value, other, setting = simulated(shift, rng)
            difference = mean_difference(value, other)
            held += difference.low <= shift <= difference.high
            words.append(verdict(difference, seed_noise(value, other, setting)))
    assert 0.94 < held / (3 * studies) < 0.96
    shares = {
        shift: {word: words.count(word) / studies for word in set(words)} for shift, words in said.items()
    }
    assert shares[0.0].get(BEYOND, 0) == 0
    assert shares[NOISE_SHARE].get(WITHIN, 0) < 0.025
    assert shares[NOISE_SHARE].get(BEYOND, 0) < 0.025
    assert shares[1.5].get(BEYOND, 0) > 0.95
    assert shares[1.5].get(WITHIN, 0) == 0


def test_a_verdict_is_of_the_whole_interval():
    noise = Estimate(1.0, 0.8, 1.2, 50)
    assert verdict(Estimate(0.2, 0.1, 0.39, 50), noise) == WITHIN  # a shift, and a small one
    assert verdict(Estimate(0.2, 0.0, 0.41, 50), noise) == TOO_LITTLE
    assert verdict(Estimate(-0.9, -1.1, -0.61, 50), noise) == BEYOND
    assert verdict(Estimate(-0.9, -1.3, -0.59, 50), noise) == TOO_LITTLE
    assert verdict(Estimate(0.0, np.nan, np.nan, 1), noise) == TOO_LITTLE


def test_two_precisions_that_are_trained_are_paired_seed_by_seed(data_dir, tmp_path):
    # dense layers are float32 under bfloat16 too, and convolutions take too long for a test
    grid = tmp_path / "tiny.yaml"
    grid.write_text(TINY.replace("latent_dim: 4", "latent_dim: 4, precision: float64"))
    run(grid, results=tmp_path, data_dir=data_dir, executor="inline", cpus=1)
    a, b = run_tiny(data_dir) / "tiny", tmp_path / "tiny"
    folder = build(a, tmp_path / "reports", formats=("md",), only=["comparison"], compare=b)
    page = (folder / "report.md").read_text()
    assert "## tiny (float32) beside tiny (float64), cell by cell" in page
    assert "They differ in precision (float32; float64)." in page
    table = pd.read_csv(folder / "tables" / "comparison_cells.csv").set_index("score")
    assert (table["pairs"] == 6).all()
    assert set(table["verdict"]) == {TOO_LITTLE}
    (one, _), (two, _) = read(a), read(b)
    assert not set(one.cells.index) & set(two.cells.index)  # a precision makes other cells
    means = [s.of(s.column("training", "elbo", "none")).mean() for s in (one, two)]
    assert table.loc["ELBO", "difference"] == pytest.approx(means[0] - means[1])
    assert 0 < abs(table.loc["ELBO", "difference"]) < 1

"""Which studies stand beside the paper: its networks, its training, its grid."""

import json

import numpy as np
import pytest

from bench.grid import grid_from, load_grid
from bench.reporting.cells import assemble
from bench.reporting.claims import CLAIMS, Rate
from bench.reporting.claims.comparable import PAPER_SETTINGS, part_of_grid, shortfall
from bench.reporting.claims.evidence import of_paper
from bench.reporting.claims.verdicts import decide
from bench.study import load_plan, planned_cells, record_plan
from tests.reporting.synthetic import STRENGTHS, make_grid, make_plan, make_scores

PLAN = make_plan(("dsprites", "cars3d"), seeds=5)
SCORES = make_scores(PLAN, downstream=False)


def trained_with(**settings):
    """The study with other settings of training in every cell."""
    changed = PLAN["training"].map(lambda text: json.dumps(json.loads(text) | settings))
    return assemble("other", SCORES, PLAN.assign(training=changed))


@pytest.mark.parametrize(("settings", "words"), [
    ({"architecture": "dense_8"}, "the networks are dense_8, the paper’s conv_64"),
    ({"latent_dim": 2}, "latent_dim is 2, the paper’s 10"),
    ({"batch_size": 8}, "batch_size is 8, the paper’s 64"),
    ({"learning_rate": 1e-2}, "learning_rate is 0.01, the paper’s 0.0001"),
    ({"learning_rate_end": 1e-5}, "learning_rate_end is 1e-05, the paper’s none"),
])  # fmt: skip
def test_other_training_gets_no_verdict(settings, words, monkeypatch):
    study = trained_with(**settings)
    assert shortfall(study) == words
    monkeypatch.setattr("bench.reporting.claims.verdicts.DRAWS", 2)
    claims = decide(study, np.random.default_rng(0))
    assert {claim.verdict for claim in claims} == {"too little data", "unverified"}


@pytest.mark.parametrize("settings", [{}, {"architecture": "conv_64_4x4"}, {"precision": "bfloat16"}])
def test_the_papers_training_stands_beside_it(settings):
    assert shortfall(trained_with(**settings)) == ""


def test_one_cell_of_another_network_is_enough():
    plan = PLAN.copy()
    plan.loc[7, "training"] = plan.loc[7, "training"].replace("conv_64", "dense_16")
    assert shortfall(assemble("one", SCORES, plan)) == "the networks are dense_16, the paper’s conv_64"


def test_companions_of_an_objective_are_the_papers():
    annealed = PLAN["hyperparameters"].str.replace('"gamma":1000.0', '"gamma":10.0')
    changed = PLAN.assign(
        hyperparameters=annealed.where(PLAN["model"] == "annealed_vae", PLAN["hyperparameters"])
    )
    assert shortfall(assemble("s", SCORES, changed)) == "gamma of AnnealedVAE is 10, the paper’s 1000"


def test_a_studys_plan_says_how_its_cells_are_trained(tmp_path):
    raw = make_grid(datasets=("cars3d",), seeds=1)
    raw["training"] |= {"architecture": "dense_8", "latent_dim": 2}
    record_plan(tmp_path, grid_from(raw, "made up", sources={"cars3d": "real"}), {"version": "test"})
    (training,) = planned_cells(load_plan(tmp_path))["training"].unique()
    assert json.loads(training)["architecture"] == "dense_8"
    assert json.loads(training)["latent_dim"] == 2


def test_the_papers_settings_are_those_of_its_grid():
    cells = load_grid("locatello").cells
    assert {(cell.model, cell.settings.strength) for cell in cells} == PAPER_SETTINGS
    assert len(PAPER_SETTINGS) == 36


@pytest.mark.parametrize(("strengths", "words"), [
    (STRENGTHS, ""),
    ({m: v for m, v in STRENGTHS.items() if m.startswith("dip")}, "it has 12 of the paper’s 36 settings"),
    ({m: v[:3] for m, v in STRENGTHS.items()}, "it has 18 of the paper’s 36 settings"),
    (STRENGTHS | {"beta_vae": [1, 2, 4, 6, 8, 16, 32]}, "it has 36 of the paper’s 36 settings and 1 other"),
])  # fmt: skip
def test_part_of_the_grid_is_counted(strengths, words):
    plan = make_plan(("dsprites",), strengths, seeds=1, untrained=True)
    found = part_of_grid(of_paper(assemble("s", make_scores(plan, downstream=False), plan)))
    assert found == (f"{words} on dSprites" if words else "")


def test_numbers_over_the_whole_grid_have_no_verdict_from_part_of_it(monkeypatch):
    monkeypatch.setattr("bench.reporting.claims.verdicts.DRAWS", 2)
    plan = make_plan(seeds=5, strengths={m: STRENGTHS[m][3:] for m in STRENGTHS})
    claims = {
        c.name: c
        for c in decide(assemble("half", make_scores(plan, downstream=False), plan), np.random.default_rng(0))
    }
    names = [name for name, claim in CLAIMS.items() if isinstance(claim, Rate) or claim.whole]
    assert {"objective_share", "value_share", "objective_below_rest", "transfer_same"} < set(names)
    for name in names:
        assert claims[name].reason == "it has 18 of the paper’s 36 settings on Cars3D"
        assert "on these data sets" not in claims[name].paper
    assert claims["mean_tc_rises"].reason == ""


@pytest.mark.parametrize(("lost", "words"), [
    ({}, ""),
    ({"metric": "dci"}, "DCI is there for 35 of the paper’s 36 settings on Cars3D"),
    ({"seed": 0}, ""),  # a setting that has lost one of its seeds is there
    ({"model": "dip_vae_ii"}, "BetaVAE score is there for 35 of the paper’s 36 settings on Cars3D"),
])  # fmt: skip
def test_a_setting_without_a_score_is_no_part_of_the_grid(lost, words):
    """λ = 50 of DIP-VAE-II has failed on Cars3D, in one metric, at one seed or altogether."""
    of = {"dataset": "cars3d", "model": "dip_vae_ii", "strength": 50} | lost
    failed = (SCORES[list(of)] == list(of.values())).all(axis=1) & bool(lost)
    scores = SCORES.assign(
        value=SCORES["value"].mask(failed),
        status=SCORES["status"].mask(failed, "failed"),
        error=SCORES["error"].mask(failed, "loss is nan"),
    )
    assert part_of_grid(of_paper(assemble("s", scores, PLAN))) == words


def test_a_mean_over_six_metrics_needs_all_of_them(monkeypatch):
    """DCI has failed in every cell: the mean of the five others is another number."""
    monkeypatch.setattr("bench.reporting.claims.verdicts.DRAWS", 2)
    dci = SCORES["metric"] == "dci"
    scores = SCORES.assign(value=SCORES["value"].mask(dci), status=SCORES["status"].mask(dci, "failed"))
    claims = {c.name: c for c in decide(assemble("s", scores, PLAN), np.random.default_rng(0))}
    for name in ("objective_share", "value_share", "objective_below_rest", "seed_matters"):
        assert (claims[name].verdict, claims[name].reason) == ("too little data", "it needs DCI")

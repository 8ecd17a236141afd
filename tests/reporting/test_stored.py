"""UDR from the codes that training stored, and its pictures."""

import dataclasses
import json

import numpy as np
import pytest
from safetensors.numpy import save_file

from bench.artifacts import write_pictures
from bench.metrics.udr import udr
from bench.reporting.cells import assemble
from bench.reporting.exhibits.pictures import reconstructions
from bench.reporting.stored import GROUP, with_pictures, with_udr
from tests.reporting.synthetic import make_plan, make_scores

PLAN = make_plan(("dsprites",), {"beta_vae": [1, 4]}, seeds=4)
STUDY = assemble("s", make_scores(PLAN, downstream=False), PLAN)


def store(folder, cell_ids, rng):
    mean = rng.standard_normal((len(cell_ids), 50, 3)).astype(np.float16)
    kl = np.ones((len(cell_ids), 3), np.float16)
    folder.mkdir(exist_ok=True)
    save_file({"mean": mean, "kl": kl}, folder / "pack.safetensors", {"cells": json.dumps(list(cell_ids))})
    return dict(zip(cell_ids, zip(mean, kl, strict=True), strict=True))


def test_udr_is_that_of_the_seeds_of_a_setting(tmp_path):
    cells = PLAN["cell_id"][:5]  # four seeds of one setting, one of the other
    codes = store(tmp_path / "codes", cells, np.random.default_rng(0))
    study = with_udr(STUDY, tmp_path / "codes")
    column = study.column("udr", "udr")
    mean, kl = zip(*(codes[c] for c in cells[:4]), strict=True)
    assert GROUP >= 4
    np.testing.assert_allclose(
        study.values.loc[cells[:4], column.name], udr(list(mean), list(kl), "lasso").scores
    )
    assert study.values[column.name].count() == 4
    assert column.label == "UDR"


def test_without_stored_codes_there_is_no_udr(tmp_path):
    assert with_udr(STUDY, tmp_path / "codes") is STUDY


@pytest.mark.parametrize("seeds", [11, 20])
def test_many_seeds_are_compared_in_groups(tmp_path, seeds):
    plan = make_plan(("dsprites",), {"beta_vae": [1]}, seeds=seeds)
    study = assemble("s", make_scores(plan, downstream=False), plan)
    store(tmp_path / "codes", list(plan["cell_id"]), np.random.default_rng(1))
    study = with_udr(study, tmp_path / "codes")
    assert study.values[study.column("udr", "udr").name].notna().all()


def test_pictures_are_those_of_one_random_model_per_objective(tmp_path):
    rng = np.random.default_rng(2)
    cells = [PLAN["cell_id"][0], PLAN["cell_id"][4]]  # the first seed of each setting
    sheets = {
        c: {"images": rng.integers(0, 255, (8, 6, 6, 1), np.uint8),
            "reconstructions": rng.integers(0, 255, (8, 6, 6, 1), np.uint8),
            "traversals": rng.integers(0, 255, (3, 11, 6, 6, 1), np.uint8)} for c in cells
    }  # fmt: skip
    write_pictures(tmp_path / "pictures", "pack", sheets, {})
    codes = store(tmp_path / "codes", cells, rng)
    study = with_pictures(STUDY, tmp_path, rng)
    [(cell_id, found)] = study.pictures.items()
    assert cell_id in cells
    np.testing.assert_array_equal(found["traversals"], sheets[cell_id]["traversals"])
    np.testing.assert_array_equal(found["kl"], codes[cell_id][1])
    exhibit = reconstructions(study, rng)
    assert len(exhibit.drawings) == 1
    assert list(exhibit.numbers["kl"]) == [1, 1, 1]


def test_latents_are_sorted_by_kl_and_dead_ones_marked(tmp_path):
    picture = {"images": np.zeros((8, 6, 6, 1), np.uint8), "reconstructions": np.zeros((8, 6, 6, 1),
    np.uint8),
               "traversals": np.zeros((3, 11, 6, 6, 1), np.uint8), "kl": np.array([0.5, 0.001,
               2.0])}  # fmt: skip
    study = dataclasses.replace(STUDY, pictures={PLAN["cell_id"][0]: picture})
    numbers = reconstructions(study, np.random.default_rng(3)).numbers
    assert list(numbers["latent"]) == [2, 0, 1]
    assert list(numbers["dead"]) == [False, False, True]

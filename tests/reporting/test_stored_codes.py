"""UDR from the codes that training stored."""

import json

import numpy as np
import pytest
from safetensors.numpy import save_file

from bench.metrics.udr import udr
from bench.reporting.cells import assemble
from bench.reporting.stored_codes import GROUP, with_udr
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

"""Published numbers stand only beside a study that the findings take to be comparable."""

import numpy as np
import pandas as pd
import pytest

from bench.reporting.cells import assemble
from bench.reporting.exhibits.beside_paper import not_beside_table_1, not_beside_table_5
from tests.reporting.making import made
from tests.reporting.synthetic import DATASETS, STRENGTHS, make_plan, make_scores

TABLES = ("variance_by_choice", "selection_success")


def with_own_model(plan: pd.DataFrame, scores: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The same and DIP-VAE-II's cells once more, as a user's own model whose scores are all one lower."""
    extra = plan[plan["model"] == "dip_vae_ii"].assign(model="mine:VAE")
    ids = {cell: f"own{i}" for i, cell in enumerate(extra["cell_id"])}
    rows = scores[scores["cell_id"].isin(ids)].assign(model="mine:VAE", value=lambda rows: rows["value"] - 1)
    extra, rows = (table.assign(cell_id=table["cell_id"].map(ids)) for table in (extra, rows))
    return pd.concat([plan, extra], ignore_index=True), pd.concat([scores, rows], ignore_index=True)


def study(name, datasets=("cars3d",), strengths=STRENGTHS, seeds=5, steps=300_000, own_model=False):
    plan = make_plan(datasets, strengths, seeds, steps=steps)
    scores = make_scores(plan, downstream=False)
    return assemble(name, *reversed(with_own_model(plan, scores) if own_model else (plan, scores)))


APART = {
    "part of the grid": ({"strengths": {**STRENGTHS, "beta_vae": [1, 4]}}, "32 of the paper’s 36 settings"),
    "short training": ({"steps": 500}, "cells were trained for 500 steps"),
    "own model": ({"own_model": True}, "36 of the paper’s 36 settings and 6 others on Cars3D"),
}


@pytest.mark.parametrize("name", APART)
def test_the_papers_numbers_are_left_out_with_the_reason(name):
    options, reason = APART[name]
    apart = study(f"apart: {name}", **options)
    for table in TABLES:
        exhibit = made(table, apart)
        assert exhibit.numbers["paper"].isna().all()
        assert reason in exhibit.caption
        assert "the paper on these" not in " ".join(exhibit.text)


def test_table_5_stands_beside_one_whole_data_set_and_table_1_only_beside_all():
    one = study("one whole data set")
    assert not_beside_table_5(one) == ("", {})
    assert made("variance_by_choice", one).numbers["paper"].notna().all()
    assert "cannot stand" not in made("variance_by_choice", one).caption
    assert "Table 1 is over 7 data sets and 6 metrics, this over 1 and 6" in (
        made("selection_success", one).caption
    )
    assert not_beside_table_1(study("whole", DATASETS)) == ""


def test_a_metric_on_part_of_the_cells_has_no_published_number_beside_it():
    plan = make_plan(("cars3d", "dsprites"), seeds=5)
    scores = make_scores(plan, downstream=False)
    lost = (scores["metric"] == "mig") & (scores["dataset"] == "cars3d") & (scores["seed"] == 0)
    exhibit = made("variance_by_choice", assemble("a metric on part", scores[~lost], plan))
    without = exhibit.numbers[exhibit.numbers["paper"].isna()]
    assert set(zip(without["data"], without["metric"], strict=True)) == {("Cars3D", "MIG")}
    assert "beside this study: MIG is there for 144 of 180 trained cells on Cars3D." in exhibit.caption


def test_findings_and_table_1_print_the_same_rates(part_of_the_grid, decided):
    numbers = made("selection_success", part_of_the_grid).numbers[["percent", "low", "high"]]
    names = ("transfer_same", "transfer_dataset", "transfer_metric", "transfer_both")
    claims = [decided[name].estimate for name in names]
    np.testing.assert_array_equal(numbers, [[e.value, e.low, e.high] for e in claims])
    by_label = made("selector_success", part_of_the_grid).numbers.set_index("chosen_by")["percent"]
    assert by_label["labels: the metric itself"] == numbers["percent"].iloc[0]


def test_the_null_at_50_is_of_this_studys_settings():
    """Three settings of one objective each 50 seeds: 2/149 of noise; six dealt to two, a fifth of theirs."""
    few = study("three settings", strengths={"beta_vae": [1, 2, 4]}, seeds=50)
    numbers = made("variance_by_choice", few).numbers
    assert numbers.query("level == 'objective'")["null_at_50"].isna().all()  # one objective explains nothing
    row = numbers.query("level == 'objective × value'").iloc[0]
    assert row["null_at_50"] == pytest.approx(2 / 149)
    assert row["null"] == pytest.approx(row["null_at_50"], abs=0.005)
    two = study("two of three", strengths={"beta_vae": [1, 2, 4], "factor_vae": [10, 20, 30]}, seeds=50)
    numbers = made("variance_by_choice", two).numbers.query("metric == 'MIG'").set_index("level")
    of_settings = numbers.loc["objective × value", "r2"]
    assert numbers.loc["objective", "null_at_50"] == pytest.approx(of_settings / 5)
    assert numbers.loc["objective", "null"] == pytest.approx(of_settings / 5, abs=0.04)

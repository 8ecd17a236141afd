"""12,600 made-up cells: the report of the whole grid, with the effects that were put in."""

import pandas as pd
import pytest

from bench.reporting import build
from tests.reporting import synthetic


@pytest.mark.long
def test_the_whole_grid_is_reported(tmp_path):
    scores = synthetic.make_scores(synthetic.make_plan())
    folder = synthetic.write_study(tmp_path / "results" / "synthetic", scores)
    report = build(folder, tmp_path / "reports")
    assert (report / "index.html").stat().st_size < 20e6
    shares = pd.read_csv(report / "tables" / "variance_by_choice.csv")
    mig = shares[shares["metric"] == "MIG"].groupby("level")["adjusted"].mean()
    assert mig["objective"] == pytest.approx(0.40 * 0.97**2, abs=0.01)
    assert mig["objective × value"] == pytest.approx(0.65 * 0.97**2, abs=0.01)
    findings = pd.read_csv(report / "tables" / "findings.csv").set_index("claim")
    assert set(findings["verdict"]) <= {"agrees", "differs", "too little data", "unverified"}
    assert findings.loc["sampled_tc_falls", "verdict"] == "agrees"
    assert findings.loc["value_share", "verdict"] == "differs"

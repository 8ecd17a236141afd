"""Nothing of a figure lies outside its picture, whatever the number of metrics, values and objectives."""

import pytest
from matplotlib.figure import Figure

from bench.reporting.cells import assemble
from bench.reporting.exhibits import EXHIBITS
from bench.reporting.report import generator
from tests.reporting.synthetic import make_plan, make_scores

TABLES = ("findings", "variance_by_choice", "selection_success", "selector_success", "settings")
DRAWN = [name for name in EXHIBITS if name not in TABLES]


@pytest.fixture(scope="module")
def tiny():
    """Two objectives, two values and two metrics: the fewest that most figures can be drawn of."""
    strengths = {"beta_vae": [1, 4], "factor_vae": [10, 40]}
    plan = make_plan(("dsprites_quick",), strengths, seeds=5, source="rendered:1", steps=500)
    scores = make_scores(plan)
    return assemble("tiny", scores[~scores["metric"].isin(["beta_vae", "factor_vae", "mig", "sap"])], plan)


@pytest.mark.parametrize("name", DRAWN)
def test_figures_of_few_metrics_are_whole(name, tiny, monkeypatch):
    plain, beyond = Figure.savefig, []

    def savefig(drawn, *given, **options):
        inside, (width, height) = drawn.get_tightbbox(), drawn.get_size_inches()
        beyond.append(max(-inside.x0, -inside.y0, inside.x1 - width, inside.y1 - height))
        plain(drawn, *given, **options)

    monkeypatch.setattr(Figure, "savefig", savefig)
    exhibit = EXHIBITS[name](tiny, generator(name))
    assert len(beyond) == 2 * len(exhibit.drawings)
    assert max(beyond, default=0) < 0.01  # inches

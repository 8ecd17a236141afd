import numpy as np
import pandas as pd
import pytest

from bench.scoring_against import against


def numbers(values, metric="mig", status="ok"):
    """Score rows of one number, as categories where a study's file has them."""
    frame = pd.DataFrame({"value": values}).assign(
        representation="mean", metric=metric, estimator="study", settings="", key=metric, status=status
    )
    return frame.astype(dict.fromkeys(("representation", "metric", "key"), "category"))


def test_percentiles_are_shares_of_the_study_that_score_less():
    study = pd.concat(
        [numbers([0.1, 0.2, 0.3, 0.4]), numbers([0.9], metric="sap"), numbers([9.0], status="failed")]
    )
    scores = pd.concat([numbers([0.05, 0.25, 0.3, 0.5, np.nan]), numbers([0.5], metric="irs")])
    found = against(scores, study)
    assert found["percentile"].tolist() == pytest.approx([0, 50, 62.5, 100, np.nan, np.nan], nan_ok=True)
    assert found["models"].tolist() == [4, 4, 4, 4, 4, 0]

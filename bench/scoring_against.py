"""Where scores stand within a study."""

import numpy as np
import pandas as pd

SAME = ["representation", "metric", "estimator", "settings", "key"]


def against(scores: pd.DataFrame, study: pd.DataFrame) -> pd.DataFrame:
    """`scores` with two more columns: percentile within the study, 0 to 100, and models, how many it has.

    scores and study have the score columns. Compared is the same number (representation, metric, estimator,
    settings, key) over all models of the study whatever their images; percentile is the share of models that
    score less, ties counting half, NaN where the study has none.
    """
    known = study[(study["status"] == "ok") & study["value"].notna()]
    by_number = {name: group.to_numpy() for name, group in known.groupby(SAME, observed=True)["value"]}
    percentiles, models = [], []
    for row in scores.itertuples():
        others = by_number.get(tuple(getattr(row, name) for name in SAME), np.empty(0))
        models.append(len(others))
        below = (others < row.value).mean() + (others == row.value).mean() / 2 if len(others) else np.nan
        percentiles.append(100 * below if pd.notna(row.value) else np.nan)
    return scores.assign(percentile=percentiles, models=models)

"""DCI by LightGBM left to itself, the candidate that docs/estimators.md measures and does not choose."""

from functools import partial

import numpy as np

from bench.metrics import dci, trees


def fit(codes, labels, test_codes):
    """100 rounds of depth 3, splits and importance by second-order gain."""
    import lightgbm

    values, classes = np.unique(labels, return_inverse=True)
    objective = (
        {"objective": "multiclass", "num_class": len(values)} if len(values) > 2 else {"objective": "binary"}
    )
    parameters = objective | {"learning_rate": 0.1, "max_depth": 3, "num_leaves": 8, "min_child_samples": 1,
                              "min_child_weight": 1e-4, "num_threads": 1, "deterministic": True,
                              "force_col_wise": True, "feature_pre_filter": False, "verbose": -1}  # fmt: skip
    model = lightgbm.train(parameters, lightgbm.Dataset(codes, classes), num_boost_round=100)
    importance = model.feature_importance("gain")
    predicted = (model.predict(given).reshape(len(given), -1) for given in (codes, test_codes))
    chosen = (p.argmax(axis=1) if p.shape[1] > 1 else (p[:, 0] > 0.5).astype(int) for p in predicted)
    return importance / importance.sum(), *(values[c] for c in chosen)


def gain(rows, *, rng, train_rows: int = 10_000, test_rows: int = 5_000):
    """DCI of these trees."""
    return dci.from_trees(rows, trees.of_rows(rows, "gain", partial(fit), train_rows, test_rows))


gain.keys = dci.KEYS

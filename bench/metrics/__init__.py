"""Metrics of a representation: metric(rows, *, rng, **settings) -> Result, one file each.

scikit-learn, scipy and lightgbm are imported inside the functions that need them, and only there: a grid that
names metrics, and the report, then load in a fraction of a second instead of two.
"""

from bench.metrics import (
    beta_vae,
    dci,
    downstream,
    explicitness,
    factor_vae,
    irs,
    mig,
    modularity,
    sap,
    unsupervised,
)
from bench.metrics.requests import Request, expand, parse_requests
from bench.metrics.result import Result

__all__ = [
    "CHEAP", "DEFAULT_ESTIMATOR", "HEADLINE", "INTERVENTIONAL", "KEYS", "METRICS", "VERSIONS",
    "Request", "Result", "expand", "parse_requests",
]  # fmt: skip

METRICS = {
    "beta_vae": {"study": beta_vae.study, "multinomial": beta_vae.multinomial},
    "factor_vae": {"study": factor_vae.study},
    "mig": {"study": mig.study, "corrected": mig.corrected},
    "dci": {"lightgbm": dci.lightgbm, "study": dci.study, "forest": dci.forest},
    "modularity": {"study": modularity.study, "corrected": modularity.corrected},
    "sap": {"study": sap.study, "correlation": sap.correlation},
    "explicitness": {"study": explicitness.study, "multinomial": explicitness.multinomial},
    "irs": {"study": irs.study, "corrected": irs.corrected},
    "unsupervised": {"study": unsupervised.study},
    "downstream": {
        "lightgbm": downstream.lightgbm,
        "study": downstream.study,
        "multinomial": downstream.multinomial,
    },
}

DEFAULT_ESTIMATOR = {
    "beta_vae": "study",
    "factor_vae": "study",
    "mig": "study",
    "dci": "lightgbm",
    "modularity": "study",
    "sap": "study",
    "explicitness": "study",
    "irs": "study",
    "unsupervised": "study",
    "downstream": "lightgbm",
}

# The keys of a metric, headline first; a function of its settings where they depend on them.
KEYS = {
    "beta_vae": beta_vae.KEYS,
    "factor_vae": factor_vae.KEYS,
    "mig": mig.KEYS,
    "dci": dci.KEYS,
    "modularity": modularity.KEYS,
    "sap": sap.KEYS,
    "explicitness": explicitness.KEYS,
    "irs": irs.KEYS,
    "unsupervised": unsupervised.KEYS,
    "downstream": downstream.keys,
}

# The number a metric is known by. The losses of training are scores too, though no metric makes them.
HEADLINE = {metric: (keys() if callable(keys) else keys)[0] for metric, keys in KEYS.items()}
HEADLINE |= {"training": "elbo"}

# Raised by one when a metric's values change; scores of another version are other scores.
VERSIONS = dict.fromkeys(METRICS, 1)

# Seconds at most for a cell: its `corrected` companions and its chance level are always computed.
CHEAP = frozenset({"beta_vae", "factor_vae", "mig", "modularity", "sap", "irs"})

# Metrics that draw rows of their own by holding a factor fixed, so that repeating them gives an interval.
INTERVENTIONAL = frozenset({"beta_vae", "factor_vae"})

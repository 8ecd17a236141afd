"""A column of scores: one number of one estimator under one setting, and how figures call it.

DCI by boosted trees is another column than DCI by a forest, so that no figure can mix two ways of computing a
score.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from bench.metrics import DEFAULT_ESTIMATOR, HEADLINE
from bench.reporting import names

KEY_NAMES: dict[str, str] = {
    "gaussian_total_correlation": "Gaussian TC",
    "gaussian_wasserstein_correlation": "Wasserstein correlation",
    "gaussian_wasserstein_correlation_norm": "normalised Wasserstein correlation",
    "mutual_info_score": "pairwise MI",
    "elbo": "ELBO",
    "reconstruction": "reconstruction loss",
    "kl": "KL",
    "loss": "loss",
    "udr": "UDR",
}


@dataclass(frozen=True)
class Column:
    """What one column of scores is; `images` is None unless a data set has it on several image counts.

    `versions`: whether the metric is there in more than one version, so that labels tell them apart. `leads`:
    whether a metric that is not bench's gives this key first, its headline.
    """

    metric: str
    key: str
    estimator: str
    settings: str
    representation: str
    images: int | None
    versions: bool = False
    leads: bool = True

    @property
    def name(self) -> str:
        """The column's name in CSV files: `mean:dci@forest/disentanglement`."""
        images = "" if self.images is None else f"[{self.images}]"
        return f"{self.representation}:{self.metric}@{self.estimator}{self.settings}{images}/{self.key}"

    @property
    def headline(self) -> bool:
        """Whether this is its metric's headline number."""
        return HEADLINE[self.metric] == self.key if self.metric in HEADLINE else self.leads

    @property
    def default(self) -> bool:
        """Whether this is its metric's default estimator at default settings."""
        return DEFAULT_ESTIMATOR.get(self.metric, self.estimator) == self.estimator and not self.settings

    @property
    def label(self) -> str:
        """What figures print: `DCI`, `DCI (forest)`, `Gaussian TC (sampled)`."""
        if self.metric == "downstream":
            base = names.downstream_name(self.key)
        elif self.metric in names.OTHER_METRICS:
            base = KEY_NAMES.get(self.key, self.key.replace("_", " "))
        else:
            base = names.metric_name(self.metric)
            base += "" if self.headline else f" {self.key.replace('_', ' ')}"
        notes = (
            [] if DEFAULT_ESTIMATOR.get(self.metric, self.estimator) == self.estimator else [self.estimator]
        )
        told = json.loads(self.settings or "{}")
        version = told.pop("version", None)
        notes += [f"version {version}"] if self.versions and version else []
        notes += [json.dumps(told, separators=(",", ":"))] if told else []
        notes += [self.representation] if self.representation == "sampled" else []
        notes += [] if self.images is None else [names.image_count(self.images)]
        return f"{base} ({', '.join(notes)})" if notes else base

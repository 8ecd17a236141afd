"""The numbers of the paper, each with its origin and how sure we are of it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from importlib import resources

from bench.reporting.names import DATASET_NAMES

_TABLE_METRICS = {
    "beta_vae": "betavae", "factor_vae": "factorvae", "mig": "mig", "dci": "dci", "modularity": "modularity",
    "sap": "sap",
}  # fmt: skip

_DATASETS = {printed: own for own, printed in DATASET_NAMES.items()}


@dataclass(frozen=True)
class Value:
    """One published value; only `confidence` high takes part in a verdict."""

    value: float | str
    confidence: str
    origin: str

    @property
    def verified(self) -> bool:
        """Whether the value was read off the paper or its code, not remembered."""
        return self.confidence == "high"


class Published:
    """The values of locatello2019.json by id."""

    @cached_property
    def values(self) -> dict[str, Value]:
        """id -> value; the file is read at the first look-up."""
        file = resources.files("bench.reporting.published") / "locatello2019.json"
        entries = json.loads(file.read_text(encoding="utf-8"))
        return {e["id"]: Value(e["value"], e["confidence"], e["origin"]) for e in entries}

    def table_5(self, table: str, data: str, metric: str) -> float | None:
        """R² in percent of Table 5a (`t5a`) or 5b (`t5b`) for a printed data set; None where it has none.

        A printed name is that of one data set's published files (names.dataset_name): rendered data and a
        user's own have others, and so no published value.
        """
        found = self.values.get(f"{table}_{_DATASETS.get(data)}_{_TABLE_METRICS.get(metric)}")
        return float(found.value) if found and found.verified else None

    def figure_2(self, one: str, other: str) -> float:
        """100 times the rank correlation of two metrics on Noisy-dSprites: remembered, not verified."""
        return float(self.values[f"fig2_{_TABLE_METRICS[one]}_{_TABLE_METRICS[other]}"].value)


PUBLISHED = Published()

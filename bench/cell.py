"""A cell: one resolved point of a grid, one model to train and score, and the id that says so."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property

from bench.settings import ModelSettings, Training
from bench.store import canonical_json

#: Raised when a change of bench makes the same settings give other weights; part of every cell's id.
TRAINING_VERSION = 1


@dataclass(frozen=True)
class Cell:
    """One resolved point of a grid: one model to train and score."""

    dataset: str
    source: str
    model: str
    settings: ModelSettings
    seed: int
    training: Training
    code: str = ""  # source hash of a user's own model, '' for what bench ships
    data_code: str = ""  # the same of a user's own data set

    @cached_property
    def id(self) -> str:
        """First 16 hex digits of the SHA-256 of all that changes the weights (design.md §4)."""
        return hashlib.sha256(canonical_json(self.identity()).encode()).hexdigest()[:16]

    def identity(self) -> dict:
        """What the id is the hash of: no paths, width, device, study name or metrics."""
        identity = {
            "dataset": self.dataset,
            "source": self.source,
            "model": self.model,
            "settings": self.settings.model_dump(mode="json"),
            "seed": self.seed,
            "training": self.training.model_dump(mode="json"),
            "version": TRAINING_VERSION,
        }
        codes = {"code": self.code, "data_code": self.data_code}
        return identity | {name: code for name, code in codes.items() if code}

    def columns(self) -> dict:
        """The columns of a score row that belong to the cell."""
        return {
            "cell_id": self.id,
            "dataset": self.dataset,
            "source": self.source,
            "model": self.model,
            "hyperparameter": self.settings.hyperparameter,
            "strength": self.settings.strength,
            "hyperparameters": canonical_json(self.settings.model_dump(mode="json")),
            "seed": self.seed,
            "steps": self.training.steps,
            "precision": self.training.precision,
        }

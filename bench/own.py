"""A user's own models, data sets and metrics: what is remembered of them to read their results.

A plan keeps all that reading needs of them ("own" in study.json), so that status, reports and merges of a
study, a foreign one above all, import nothing that the study's files name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from pydantic import ConfigDict

from bench.cell import Cell
from bench.load import own_object, source_hash
from bench.settings import ModelSettings


def own_model(name: str) -> tuple[type[ModelSettings], str]:
    """Settings and source hash of a user's `package.module:NAME`, a bench.models.Model with `settings`."""
    model = own_object(name)
    if getattr(model, "settings", None) is None:
        raise ValueError(
            f"{name} must be a bench.models.Model with its own `settings` class; it is {model!r}"
        )
    return model.settings, source_hash(name)


def remember(cells: Iterable[Cell], requests: Sequence[tuple]) -> dict:
    """What reading results must know of the user's own things in a plan, as plain data for study.json.

    `models`: their source hash, the name of their strength and their settings in the order of the grid;
    `datasets`: their source hashes; `requests`: every planned request to a metric, where one is the user's
    own. Empty where all is bench's.
    """
    models: dict[str, dict] = {}
    datasets: dict[str, str] = {}
    for cell in cells:
        if ":" in cell.dataset:
            datasets[cell.dataset] = cell.data_code
        if ":" in cell.model:
            known = models.setdefault(
                cell.model,
                {"code": cell.code, "hyperparameter": cell.settings.hyperparameter, "settings": []},
            )
            values = cell.settings.model_dump(mode="json")
            if values not in known["settings"]:
                known["settings"].append(values)
    own = {"models": models, "datasets": datasets}
    if any(":" in metric for _, metric, *_ in requests):
        own["requests"] = [list(request) for request in requests]
    return {name: value for name, value in own.items() if value}


def remembered_settings(known: Mapping) -> list[ModelSettings]:
    """The settings of a user's own model as its plan remembers them, in the order of the grid."""

    class Remembered(ModelSettings):
        model_config = ConfigDict(extra="allow")
        hyperparameter = known["hyperparameter"]

    return [Remembered(**values) for values in known["settings"]]


class NotRemembered(ValueError):
    """A plan names something of a user's own and does not say what it is."""

    def __init__(self, name: str):
        super().__init__(
            f"{name} is the user's own, and the plan does not say what it is. It is not loaded to read "
            "results; the study's `bench run`, where it can be imported, writes it down."
        )

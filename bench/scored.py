"""Scores of one cell, kept in _work/ until its pack is committed: a kill costs one cell, not the pack."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from bench.atomic import read_record, write_text
from bench.context import Context, scored_path
from bench.plan import Request
from bench.provenance import versions_json
from bench.store import canonical_json


@dataclass(frozen=True)
class Scored:
    """What scoring a cell's code table gave; written as JSON, in which a float64 comes back to the bit.

    `question` is what these scores answer (see question_of), `seconds` is wall time, `peak_memory` the
    largest resident memory of the process that scored, in bytes, `run_id` the run that scored. `digest` is
    the SHA-256 of all else, added when it is written: a number that a disk changes since is still a number.
    """

    question: str
    scores: list[dict]
    shapes: dict[str, list[int]]  # of the arrays behind the scores, by representation/metric/name
    values: dict[str, list]  # the same arrays, flat
    seconds: float
    peak_memory: int
    run_id: str
    digest: str = ""

    @property
    def arrays(self) -> dict[str, np.ndarray]:
        return {name: np.reshape(values, self.shapes[name]) for name, values in self.values.items()}

    @property
    def is_failed(self) -> bool:
        """Whether a metric raised."""
        return any(score["status"] == "failed" for score in self.scores)

    def write(self, work: Path, cell_id: str) -> None:
        write_text(scored_path(work, cell_id), replace(self, digest=self._digest())._text())

    @staticmethod
    def read(work: Path, cell_id: str) -> Scored | None:
        """What is kept of a cell; None where that is nothing, or not what was written."""
        kept = read_record(scored_path(work, cell_id), Scored)
        return kept if kept and kept.digest == kept._digest() else None

    def _digest(self) -> str:
        return hashlib.sha256(replace(self, digest="")._text().encode()).hexdigest()

    def _text(self) -> str:
        # numbers of numpy, which a user's metric may give, as the commit would write them
        return json.dumps(vars(self), default=lambda number: number.item())


def question_of(table: Sequence[np.ndarray], todo: Iterable[Request], context: Context) -> str:
    """SHA-256 of all that the scores of a code table depend on.

    That is the table, the requests, how they are evaluated, and the code that does: versions and commit. A
    checkout that is changed may be another at the next run: there a run answers for itself alone.
    """
    about = context.provenance
    asked = {
        "requests": sorted(todo),
        "evaluation": context.evaluation.model_dump(mode="json"),
        "versions": versions_json(),
        "git_commit": about.get("git_commit", ""),
        "changed_in": context.run_id if about.get("git_dirty") == "true" else "",
    }
    digest = hashlib.sha256(canonical_json(asked).encode())
    for array in table:
        digest.update(np.ascontiguousarray(array))
    return digest.hexdigest()

"""What the packs of a run share, and what training leaves for scoring."""

from __future__ import annotations

import json
import platform
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from bench.atomic import read_record, write_text
from bench.data import data_folder
from bench.mirror import Mirror, mirror_at
from bench.settings import Evaluation, Storage

Report = Callable[[dict], None]


@dataclass(frozen=True)
class Context:
    """What every pack of a run shares; small, since it travels to every worker."""

    study: str
    folder: str  # results/<study>; unused with a store
    data: str  # the data folder; '' for that of whatever machine works on a pack
    device: str
    evaluation: Evaluation
    storage: Storage
    provenance: dict[str, str]
    checkpoint_seconds: float = 60.0
    retry_failed: bool = False
    width: int | None = None  # cells in one stacked step, the device's own when None
    picture_seed: int = 0  # the seed whose cells keep pictures: the grid's first
    store: str = ""  # address of the study in an object store
    in_driver: bool = False  # packs are trained by the process that drives the run, and die with it

    @property
    def path(self) -> Path:
        """The study's folder; with a store, what stands for it on this machine."""
        return self.mirror.folder if self.mirror else Path(self.folder)

    @property
    def data_path(self) -> Path:
        return Path(self.data) if self.data else data_folder()

    @property
    def mirror(self) -> Mirror | None:
        """What keeps this machine's folder and the store alike; None where the folder is all there is."""
        return mirror_at(self.store) if self.store else None

    @property
    def run_id(self) -> str:
        return self.provenance.get("run_id", "")

    @property
    def driver(self) -> str:
        """The run whose driver outlives the processes that train, '' where it is one of them."""
        return "" if self.in_driver else self.run_id

    @property
    def work(self) -> Path:
        """The disposable part of the study's folder."""
        return self.path / "_work"


@dataclass(frozen=True)
class Trained:
    """What training leaves for scoring, kept in _work/trained/<cell_id>.json until the commit."""

    status: str  # ok | failed
    error: str | None
    values: dict[str, float]
    seconds: float
    device: str
    pack_width: int
    cuda: str = ""  # version, '' on a CPU
    peak_memory: int = 0  # of the process that trained it, bytes
    host: str = ""  # where that was, added when it is written
    run_id: str = ""  # of the run that trained it

    def write(self, work: Path, cell_id: str) -> None:
        write_text(trained_path(work, cell_id), json.dumps(asdict(self) | {"host": platform.node()}))

    @staticmethod
    def read(work: Path, cell_id: str) -> Trained | None:
        return read_record(trained_path(work, cell_id), Trained)


def trained_path(work: Path, cell_id: str) -> Path:
    return work / "trained" / f"{cell_id}.json"


def codes_path(work: Path, cell_id: str) -> Path:
    return work / "codes" / f"{cell_id}.safetensors"


def scored_path(work: Path, cell_id: str) -> Path:
    return work / "scored" / f"{cell_id}.json"


def scoring_folder(work: Path) -> Path:
    """Where bench.attempts keeps its notes of tries at scoring, apart from those of tries at training."""
    return work / "scoring"

"""A study's folder: its durable plan in study.json, and what of it is committed."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import pandas as pd
from pydantic import BaseModel, Field, ValidationError

from bench.atomic import write_text
from bench.cell import Cell
from bench.grid import LoadedGrid, grid_from
from bench.own import remember
from bench.plan import Request, planned_requests
from bench.store import OtherVersion, canonical_json, committed_requests
from bench.yaml_lines import GridError

STUDY_SCHEMA = 1


class _OwnModel(BaseModel):
    code: str
    hyperparameter: str | None
    settings: list[dict]


class _Own(BaseModel):
    """What bench.own.remember wrote."""

    models: dict[str, _OwnModel] = {}
    datasets: dict[str, str] = {}
    requests: list[tuple[str, str, str, str, int]] | None = None


class _Entry(BaseModel):
    grid: dict
    sources: dict[str, str]
    provenance: dict[str, str]
    own: _Own = _Own()


class _StudyFile(BaseModel):
    """The shape of study.json; it may come from anywhere."""

    history: Annotated[list[_Entry], Field(min_length=1)]
    sources: dict[str, str]


class DamagedStudy(ValueError):
    """A study.json that cannot be read or that plans what bench does not know, in sentences."""


def study_file(folder: Path) -> Path:
    return Path(folder) / "study.json"


def read_study(folder: Path) -> dict | None:
    """The content of study.json, None where there is no study yet; DamagedStudy when it is damaged.

    OtherVersion where a later version of bench wrote it.
    """
    path = study_file(folder)
    if not path.is_file():
        return None
    try:
        study = json.loads(path.read_text(encoding="utf-8"))
        written = study.get("schema", STUDY_SCHEMA) if isinstance(study, dict) else STUDY_SCHEMA
        if written != STUDY_SCHEMA:
            raise OtherVersion(
                f"{path} is of schema {written}, this version of bench reads {STUDY_SCHEMA}; read it with "
                "the version that wrote it"
            )
        _StudyFile.model_validate(study)
    except OtherVersion:
        raise
    except ValidationError as error:
        first = error.errors()[0]
        reason = f"{'.'.join(map(str, first['loc'])) or 'all of it'}: {first['msg']}"
    except ValueError as error:
        reason = str(error)
    else:
        return study
    raise DamagedStudy(f"{path} is damaged ({reason}); restore it, or move {folder} away and run again")


def record_plan(folder: Path, grid: LoadedGrid, provenance: Mapping[str, str]) -> bool:
    """Write study.json on a study's first run; append to it when the grid or its sources changed.

    Returns whether it wrote. Sources are those of the first run for ever (design.md §4); the newest grid is
    the plan. ValueError where the grid has other sources.
    """
    entry = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "grid": grid.raw,
        "sources": grid.sources,
        "cells": len(grid.cells),
        "own": remember(grid.cells, planned_requests(grid)),
        "provenance": dict(provenance),
    }
    study = read_study(folder)
    changed = [
        f"{name} from {recorded} to {grid.sources[name]}"
        for name, recorded in (study or {}).get("sources", {}).items()
        if grid.sources.get(name, recorded) != recorded
    ]
    if changed:
        raise ValueError(f"{folder}: a study keeps its sources; this grid changes {', '.join(changed)}")
    if study is None:
        study = {"schema": STUDY_SCHEMA, "study": grid.study, "history": []}
    elif _plan_of(study["history"][-1]) == _plan_of(entry):
        return False
    study["history"].append(entry)
    study["sources"] = {**study.get("sources", {}), **grid.sources}
    write_text(study_file(folder), json.dumps(study, indent=2))
    return True


def fixed_sources(folder: Path) -> dict[str, str]:
    """The sources that a study's first runs chose, by data set; empty for a new study."""
    return (read_study(folder) or {}).get("sources", {})


def own_names(folder: Path) -> set[str]:
    """The names under which the runs of a study wrote its scores, whatever its folder is called by now.

    Empty where there is no plan.
    """
    study = read_study(folder)
    if study is None:
        return set()
    return {study.get("study"), *(entry["grid"].get("study") for entry in study["history"])} - {None}


def load_plan(folder: Path) -> LoadedGrid:
    """The grid that a study's folder was last run with; FileNotFoundError with what to type."""
    study = read_study(folder)
    if study is None:
        raise FileNotFoundError(f"{folder} holds no study (no study.json); `bench run GRID` starts one")
    return grid_of(folder, study, study["history"][-1])


def grid_of(folder: Path, study: Mapping, entry: Mapping) -> LoadedGrid:
    """The grid of one entry of a study's history. What it names of a user's own is not imported.

    DamagedStudy where it is no grid: bench wrote one there.
    """
    origin = study_file(folder)
    try:
        return grid_from(entry["grid"], str(origin), sources=study["sources"], own=entry.get("own", {}))
    except GridError as error:
        raise DamagedStudy(
            f"{error}\n{origin} is damaged, edited, or of another version of bench; restore it, or move "
            f"{folder} away and run again"
        ) from error


def planned_cells(grid: LoadedGrid) -> pd.DataFrame:
    """One row per planned cell of a grid: cell_id, dataset, source, model, …, its `training` as JSON."""
    return pd.DataFrame([planned_row(cell) for cell in grid.cells])


def planned_row(cell: Cell) -> dict:
    """The columns of a cell in its study's plan: those of its scores, and how it is trained."""
    return cell.columns() | {"training": canonical_json(cell.training.model_dump(mode="json"))}


def settled_cells(folder: Path, grid: LoadedGrid) -> tuple[set[str], set[str]]:
    """Ids of the planned cells whose every score is settled, and of those with a failed one among them."""
    requests = planned_requests(grid)
    committed = committed_requests(Path(folder) / "scores")
    settled = committed.settled()
    complete = {cell.id for cell in grid.cells if _has_all(cell.id, requests, settled)}
    good = {cell_id for cell_id in complete if _has_all(cell_id, requests, committed.ok)}
    return complete, complete - good


#: Options of `bench run` that narrow it to part of a study, or are for one time only.
NARROWING = ("--select", "--limit", "--retry-failed", "--dry-run")


def run_command(folder: Path) -> str:
    """The command line that last changed the study's plan, made to finish the whole study.

    Without what narrowed it then, and with the folder of results, where that is not the usual one: the one in
    which the study lies now, since folders are moved; an address stays.
    """
    study = read_study(folder)
    typed = study["history"][-1]["provenance"].get("command", "") if study else ""
    program, *words = _words(typed)
    is_ours = program in ("bench", "__main__.py") and words[:1] == ["run"]
    kept = list(_without(words, NARROWING)) if is_ours else ["run", "GRID"]
    if not re.search(r"--results[= ]\w+://", " ".join(kept)):
        kept = list(_without(kept, ("--results",)))
        if folder.parent != Path("results"):
            kept += ["--results", str(folder.parent)]
    return shlex.join(["bench", *kept])


def _words(typed: str) -> list[str]:
    try:
        return shlex.split(typed) or [""]
    except ValueError:  # a quotation mark without its other: not written by bench
        return [""]


def _without(words: Sequence[str], options: Sequence[str]) -> Iterator[str]:
    """`words` without these options and their values."""
    skips = False
    for word in words:
        name, has_value, _ = word.partition("=")
        if skips:
            skips = False
        elif name in options:
            skips = not has_value and name in ("--select", "--limit", "--results")
        else:
            yield word


def cell_label(cell: Cell) -> str:
    """A cell in a few words, its id first."""
    name = cell.settings.hyperparameter
    strength = f" {name}={cell.settings.strength:g}" if name else ""
    return f"{cell.id} ({cell.dataset}, {cell.model}{strength}, seed {cell.seed})"


def studies(results: Path) -> list[Path]:
    """Folders of the studies below `results`, by name."""
    return sorted(path.parent for path in Path(results).glob("*/study.json"))


def find_studies(results: Path, name: str | None, place: str | Path) -> list[Path]:
    """The folder of study `name` (or a study's own folder), or of every study below `results`.

    `place` is what its user calls `results`, which may stand for an address. FileNotFoundError says what
    there is and what to type.
    """
    if name is None:
        found = studies(results)
        if not found:
            raise FileNotFoundError(f"{place} holds no study; `bench run quickstart` makes one")
        return found
    is_path = len(Path(name).parts) > 1  # as typed, then: results/../results/tiny is another
    for folder in (Path(name), results / name) if is_path else (results / name, Path(name)):
        if study_file(folder).is_file():
            return [folder]
    known = ", ".join(path.name for path in studies(results)) or "none"
    raise FileNotFoundError(
        f"there is no study {name!r} in {place} (known: {known}); `bench run GRID` makes one"
    )


def _has_all(cell_id: str, requests: list[Request], settled: set[tuple]) -> bool:
    return all((cell_id, *request) in settled for request in requests)


def _plan_of(entry: Mapping) -> str:
    return canonical_json({"grid": entry["grid"], "sources": entry["sources"], "own": entry.get("own", {})})

"""Copies of one study, from several machines, become one: checked first, then copied, the scores last.

Nothing in the study is rewritten. A score file is taken when it holds a score that the study lacks, has only
as failed, or has with another value that is older; load_scores settles the rest (ok over failed, then the
newest).
"""

from __future__ import annotations

import filecmp
import hashlib
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from bench.atomic import whole_file
from bench.grid import LoadedGrid
from bench.store import SCORE_KEY, read_files, score_files
from bench.study import load_plan
from bench.verify import CHECKPOINTS, CONTENTS, examine

#: What lies beside the scores; copied before them, since a committed pack has all of its files.
BESIDE = {name: suffix for name, (suffix, _) in CONTENTS.items() if name not in ("scores", CHECKPOINTS)}

SHOWN = 10  # sentences; a wrong copy may give one for every cell


class CannotMerge(ValueError):
    """Why copies of a study cannot be merged: one sentence a line."""


@dataclass(frozen=True)
class Merge:
    """A checked merge: which files would be copied, and to where, in order."""

    copies: tuple[tuple[Path, Path], ...]
    differing: int  # scores that several copies have as ok with different values: the newest wins


def plan_merge(folder: Path, sources: Sequence[Path]) -> Merge:
    """Check that the copies `sources` of a study can be merged into `folder`. Writes nothing.

    CannotMerge lists everything that is in the way.
    """
    folder, sources = Path(folder), [Path(source) for source in sources]
    _refuse(sentence for source in sources for sentence in _another_study(folder, source))
    _refuse(sentence for each in (folder, *sources) for sentence in _damage(each))
    files = [(number, path) for number, each in enumerate((folder, *sources))
             for path in score_files(each / "scores")]  # fmt: skip
    scores = _scores(files)
    doubled = _doubled(scores)
    _refuse(_conflicts(doubled, files))
    wanted = {files[i] for i in _kept(scores, doubled)["file"].unique() if files[i][0] > 0}
    names = _free_names(folder / "scores", [path for _, path in sorted(wanted)])
    beside = {}
    for number, source in enumerate(sources, 1):
        packs = {_pack_of(path) for n, path in files if n == number and _is_here(path, folder, names)}
        beside |= _beside(folder, source, packs, taken=beside)
    differing = doubled.drop_duplicates(list(SCORE_KEY))
    return Merge(tuple((source, target) for target, source in (beside | names).items()), len(differing))


def merge(planned: Merge) -> int:
    """Copy what a checked merge names, each file whole or not at all; returns the number of files."""
    for source, target in planned.copies:
        with whole_file(target) as temporary:
            shutil.copyfile(source, temporary)
    return len(planned.copies)


def _refuse(sentences: Iterator[str]) -> None:
    found = list(sentences)
    if len(found) > SHOWN:
        found[SHOWN:] = [f"… and {len(found) - SHOWN:,} more of the kind"]
    if found:
        raise CannotMerge("\n".join(found))


def _another_study(folder: Path, source: Path) -> Iterator[str]:
    """Sentences on how `source` is no copy of the study in `folder`."""
    if source.resolve() == folder.resolve():
        yield f"{source} is the study itself; name the folders of other copies of it"
        return
    here, there = load_plan(folder), load_plan(source)
    if here.study != there.study:
        yield f"{source} is the study {there.study!r}, {folder} is {here.study!r}"
        return
    for name in sorted(here.sources.keys() & there.sources.keys()):
        if here.sources[name] != there.sources[name]:
            yield (
                f"{source} has {name} from the source {there.sources[name]!r}, {folder} from "
                f"{here.sources[name]!r}: scores on different data are not merged"
            )
            return
    strangers = _ids(there) - _ids(here)
    if strangers:
        yield (
            f"{source} plans {len(strangers)} cells that {folder} does not, as {min(strangers)}: first "
            "`bench run` a grid with the cells of both here"
        )


def _ids(grid: LoadedGrid) -> set[str]:
    return {cell.id for cell in grid.cells}


def _damage(folder: Path) -> Iterator[str]:
    for one in examine(folder, load_plan(folder)).damaged:
        yield f"{one.path} {one.problem}; `bench verify {folder}` moves it out of the way"


def _scores(files: Sequence[tuple[int, Path]]) -> pd.DataFrame:
    """Every score of every copy, with the copy (0: the study itself) and the number of its file."""
    columns = [*SCORE_KEY, "status", "value", "created_at"]
    tables = [read_files([], columns)]
    tables += [read_files([path], columns) for _, path in files]
    frame = pa.concat_tables(tables).unify_dictionaries().to_pandas()
    lengths = [len(table) for table in tables[1:]]
    return frame.assign(
        copy=np.repeat([number for number, _ in files], lengths), file=np.repeat(range(len(files)), lengths)
    )


def _doubled(scores: pd.DataFrame) -> pd.DataFrame:
    """Rows of the scores that are ok more than once with values that are not the same."""
    ok = scores[scores["status"] == "ok"].drop_duplicates([*SCORE_KEY, "value"])
    return ok[ok.duplicated(list(SCORE_KEY), keep=False)]


def _conflicts(doubled: pd.DataFrame, files: Sequence[tuple[int, Path]]) -> Iterator[str]:
    """Sentences on scores with several values of one moment: load_scores takes the newest, here is none."""
    moment = [*SCORE_KEY, "created_at"]
    for _, rows in doubled[doubled.duplicated(moment, keep=False)].groupby(moment, observed=True):
        first, second = rows.iloc[0], rows.iloc[1]
        yield (
            f"cell {first['cell_id']}, {first['metric']}@{first['estimator']} {first['key']}: "
            f"{first['value']!r} in {files[first['file']][1]}, {second['value']!r} in "
            f"{files[second['file']][1]}, both made at {first['created_at']}: one copy was altered; "
            f"`bench reproduce {first['cell_id']}` tells which"
        )


def _kept(scores: pd.DataFrame, doubled: pd.DataFrame) -> pd.DataFrame:
    """One row per score, ok before failed; the newest of several values, else the study's own if it can be.

    So whatever else comes with the files of these rows, load_scores, which takes the newest, takes these.
    """
    several = pd.MultiIndex.from_frame(scores[list(SCORE_KEY)].astype(object)).isin(
        pd.MultiIndex.from_frame(doubled[list(SCORE_KEY)].astype(object))
    )
    age = (scores["created_at"].max() - scores["created_at"]).where(several, pd.Timedelta(0))
    order = scores.assign(failed=scores["status"] != "ok", age=age)
    return order.sort_values(["failed", "age", "file"], kind="stable").drop_duplicates(list(SCORE_KEY))


def _free_names(folder: Path, files: Sequence[Path]) -> dict[Path, Path]:
    """Target -> score file. A name that is taken by other content gets a hash of the content instead."""
    names: dict[Path, Path] = {}
    for path in files:
        target = folder / path.name
        if target.exists() or target in names:
            content = hashlib.sha256(path.read_bytes()).hexdigest()[:8]
            target = folder / f"{_pack_of(path)}-{content}.parquet"
        names[target] = path
    return names


def _is_here(path: Path, folder: Path, names: dict[Path, Path]) -> bool:
    """Whether a copy's score file is, or will be, in the study."""
    here = folder / "scores" / path.name
    return path in names.values() or (here.is_file() and filecmp.cmp(here, path, shallow=False))


def _beside(folder: Path, source: Path, packs: set[str], taken: dict[Path, Path]) -> dict[Path, Path]:
    """Target -> file beside the scores of `packs` that the study lacks."""
    found = {}
    for name, suffix in BESIDE.items():
        for path in sorted((source / name).glob(f"[!.]*{suffix}")):
            target = folder / name / path.name
            if _pack_of(path) in packs and not target.exists() and target not in taken:
                found[target] = path
    return found


def _pack_of(path: Path) -> str:
    return path.name.partition("-")[0]

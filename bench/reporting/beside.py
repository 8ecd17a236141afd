"""What two studies that stand side by side share, what they are called, and what of them is not compared."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace

from bench.reporting.cells import Column, Study
from bench.reporting.names import image_count

#: What tells two runs of one grid apart, in the order in which it is said; a folder where nothing else does.
_TELLING = ("precision", "steps", "device", "host", "folder")


def told_apart(
    study: Study, other: Study, made: Mapping[str, str], other_made: Mapping[str, str]
) -> tuple[Study, Study, str]:
    """The two studies under names that differ, and a sentence on what they differ in.

    `made` says of a study on which device and host it was made and in which folder it lies. Two studies of
    one name are called by the settings of training and the device that differ, else by host, else by folder:
    `full (bfloat16)` beside `full (float32)`.
    """
    mine, theirs = _training(study, other) | made, _training(other, study) | other_made
    differing = [name for name in (mine | theirs) if mine.get(name) != theirs.get(name)]
    differing = [name for name in differing if name != "folder"] or differing
    differing.sort(key=lambda name: _TELLING.index(name) if name in _TELLING else 0)
    said = [f"{name} ({mine.get(name, '–')}; {theirs.get(name, '–')})" for name in differing]
    told = f" They differ in {', '.join(said)}." if said else " Both are one study in one folder."
    if study.name != other.name or not differing:
        return study, other, told
    shown = [name for name in differing if name != "host"] or differing
    called = [
        f"{one.name} ({', '.join(_short(name, values.get(name, '–')) for name in shown)})"
        for one, values in ((study, mine), (other, theirs))
    ]
    return replace(study, name=called[0]), replace(other, name=called[1]), told


def _training(study: Study, other: Study) -> dict[str, str]:
    """Each setting of training, with its values over the models that both studies train."""
    shared = study.cells["model"].isin(set(study.models()) & set(other.models()))
    found = [json.loads(text) for text in study.cells.loc[shared, "training"].unique()]
    values = {name: {training.get(name) for training in found} for name in (found[0] if found else ())}
    return {name: ", ".join(_shown(value) for value in sorted(values[name], key=str)) for name in values}


def _shown(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def _short(name: str, value: str) -> str:
    """`bfloat16`, `100,000 steps`, `batch_size 32`: a value with as much of its name as it needs."""
    if name == "steps":
        return f"{value} steps"
    return value if name in _TELLING else f"{name} {value}"


def ordered(study: Study) -> list[Column]:
    """The columns of a study: each supervised metric's fullest estimator, their others, then the rest."""
    first = [*study.metrics(), *study.other_estimators()]
    return [*first, *(column for column in study.columns if column not in set(first))]


def common_columns(study: Study, other: Study) -> list[Column]:
    """The columns of `study`, in the order of `ordered`, that `other` has too.

    One column is one metric with its key, estimator, settings, version and representation.
    """
    there = {column.name for column in other.columns}
    return [column for column in ordered(study) if column.name in there]


def namesakes(study: Study, columns: Collection[Column]) -> list[Column]:
    """The columns of `study` that are named as `columns`, in their order."""
    own = {column.name: column for column in study.columns}
    return [own[column.name] for column in columns]


def of_other_images(study: Study, other: Study, columns: Collection[Column]) -> str:
    """Where one score is of other images in the two studies, which moves it as another machine would."""
    apart: dict[str, list[str]] = {}
    for column in columns:
        left, right = (one.images.get(column.name, {}) for one in (study, other))
        for data in [d for d in study.datasets if d in left and d in right and left[d] != right[d]]:
            told = f"{image_count(left[data])} in {study.name}, {image_count(right[data])} in {other.name}"
            apart.setdefault(f"{data} ({told})", []).append(column.label)
    return "".join(f" Not of the same images on {told}: {', '.join(found)}." for told, found in apart.items())


def not_compared(
    study: Study, other: Study, columns: Collection[Column], done: Collection[tuple[str, str]]
) -> str:
    """` Not compared: DCI (only in full), Cars3D (only in part).`; '' where nothing was left out.

    `columns` are those that were compared, `done` the (data set, label) that came out of it.
    """
    told = [*_lone_columns(study, other), *_lone_columns(other, study)]
    told += [
        f"{data} (only in {one.name})"
        for one, beside in ((study, other), (other, study))
        for data in one.datasets
        if data not in beside.datasets
    ]
    shared = [data for data in study.datasets if data in other.datasets]
    for data in shared:
        for column in columns:
            there = [one.name for one in (study, other) if len(one.of(column, data=data))]
            if there and (data, column.label) not in done:
                where = f"only in {there[0]}" if len(there) == 1 else "of nothing that both have"
                told.append(f"{column.label} on {data} ({where})")
    return f" Not compared: {', '.join(told)}." if told else ""


def _lone_columns(study: Study, other: Study) -> Iterator[str]:
    """Headline scores that one study alone has, with their version where it is not the first."""
    there = {column.name for column in other.columns}
    for column in ordered(study):
        if column.headline and column.name not in there:
            yield f"{replace(column, versions=True).label} (only in {study.name})"

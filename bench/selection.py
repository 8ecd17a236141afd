"""`--select` and `--limit`: part of a grid's cells, by what they are."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence

from bench.cell import Cell

#: What `--select` may name, and how a cell shows it.
FIELDS: dict[str, Callable[[Cell], str]] = {
    "dataset": lambda cell: cell.dataset,
    "model": lambda cell: cell.model,
    "strength": lambda cell: "" if cell.settings.strength is None else str(cell.settings.strength),
    "seed": lambda cell: str(cell.seed),
    "cell": lambda cell: cell.id,
}


def select(cells: Sequence[Cell], wanted: str | None, limit: int | None = None) -> list[Cell]:
    """The cells that `wanted` describes, at most `limit` of them, in the plan's order.

    `wanted` is like model=beta_vae,dataset=dsprites,seed=0-9: conditions on different fields must all hold,
    several on one field are alternatives, a-b is a range of whole numbers. ValueError in a sentence.
    """
    conditions: dict[str, list[str]] = {}
    for part in (wanted or "").split(","):
        if part.strip():
            field, _, value = (word.strip() for word in part.partition("="))
            _check(field, value, part)
            _check_present(field, value, cells)
            conditions.setdefault(field, []).append(value)
    found = [cell for cell in cells if _satisfies(cell, conditions)]
    if conditions and not found:
        raise ValueError(
            f"--select {wanted} matches no cell of the grid; `bench plan GRID` shows what it has"
        )
    return found[:limit]


def _check(field: str, value: str, part: str) -> None:
    if field not in FIELDS:
        near = difflib.get_close_matches(field, FIELDS, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise ValueError(f"--select knows no {field!r}{hint} (known: {', '.join(FIELDS)})")
    if not value:
        raise ValueError(f"--select {part!r} has no value; write {field}=VALUE")


def _check_present(field: str, value: str, cells: Sequence[Cell]) -> None:
    """Each alternative must be there: a misspelt one beside a right one would go unnoticed."""
    there = list(dict.fromkeys(FIELDS[field](cell) for cell in cells))
    if not any(_matches(field, shown, value) for shown in there):
        near = difflib.get_close_matches(value, there, n=1)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise ValueError(
            f"--select {field}={value} matches no cell of the grid; {hint}`bench plan GRID` shows what it has"
        )


def _satisfies(cell: Cell, conditions: dict[str, list[str]]) -> bool:
    return all(
        any(_matches(field, FIELDS[field](cell), value) for value in values)
        for field, values in conditions.items()
    )


def _matches(field: str, shown: str, value: str) -> bool:
    low, dash, high = value.partition("-")
    if dash and low.isdigit() and high.isdigit():
        return shown.isdigit() and int(low) <= int(shown) <= int(high)
    if field == "strength" and shown:  # 4 and 4.0 are one strength
        try:
            return float(shown) == float(value)
        except ValueError:
            return False
    return shown == value

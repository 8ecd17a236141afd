"""Sentences on what is wrong with the settings of a grid."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def nearest(word: str, allowed: Iterable) -> str:
    """What `word` may have been meant to be, and all that is allowed, as the end of a sentence."""
    close = difflib.get_close_matches(str(word), [str(item) for item in allowed], n=1, cutoff=0.5)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    return f"{hint or ';'} (known: {', '.join(map(str, allowed))})"


def sentence_on(problem: dict, within: tuple, kind: type, place: str) -> str:
    """One of pydantic's problems with settings of `kind`, which stand at `place`, as a sentence."""
    name = ".".join(str(part) for part in ((place,) if place else ()) + within)
    if problem["type"] == "extra_forbidden":
        owner = kind
        for part in within[:-1]:
            owner = owner.model_fields[part].annotation
        parent = ".".join(str(part) for part in ((place,) if place else ()) + within[:-1]) or "the grid"
        return f"unknown key {within[-1]!r} in {parent}{nearest(within[-1], owner.model_fields)}"
    if problem["type"] == "missing":
        return f"{name} is missing: {kind.model_fields[within[-1]].description}"
    message = problem["msg"].removeprefix("Value error, ")
    return f"{name}: {message[0].lower()}{message[1:]}, got {problem['input']!r}"

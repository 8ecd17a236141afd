"""A user's own models, data sets and metrics, loaded by name: `package.module:NAME`."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import sys
from pathlib import Path


def own_object(name: str) -> object:
    """What a user's `package.module:NAME` names; ValueError when there is no such thing, or it breaks."""
    _look_here()
    module_name, _, attribute = name.partition(":")
    try:
        return getattr(importlib.import_module(module_name), attribute)
    except (Exception, SystemExit) as error:  # a user's module may raise anything
        raise _cannot_load(name, error) from error


def source_hash(name: str) -> str:
    """First 16 hex digits of the SHA-256 of the file that `package.module:NAME` is written in.

    The module itself is not imported. ValueError when there is no such file.
    """
    _look_here()
    try:
        found = importlib.util.find_spec(name.partition(":")[0])
    except (Exception, SystemExit) as error:  # the package that the module is in is imported
        raise _cannot_load(name, error) from error
    if found is None or not found.has_location:
        raise ValueError(f"{name} has no source file here; write package.module:NAME, importable here")
    source = Path(found.origin)
    return hashlib.sha256(source.read_bytes()).hexdigest()[:16]


def _look_here() -> None:
    """Let modules of the current folder be found, after all that is installed.

    Only where a grid names a user's own: to read a study in somebody else's folder runs nothing of it.
    """
    if "" not in sys.path:
        sys.path.append("")


def _cannot_load(name: str, error: BaseException) -> ValueError:
    module_name = name.partition(":")[0]
    if isinstance(error, ModuleNotFoundError) and f"{module_name}.".startswith(f"{error.name}."):
        return ValueError(
            f"{name} cannot be loaded: there is no module {error.name}. Run from its folder, or add that to "
            "PYTHONPATH."
        )
    return ValueError(
        f"{name} cannot be loaded ({type(error).__name__}: {error}); write package.module:NAME, importable "
        "here."
    )

"""Where numbers come from: versions, code, grid, machine, command and cost, written into every file."""

from __future__ import annotations

import hashlib
import json
import platform
import resource
import shlex
import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from importlib import metadata
from pathlib import Path

from bench.store import canonical_json
from bench.version import __version__

#: Packages whose versions can move a score.
_PACKAGES = ("torch", "ray", "numpy", "scipy", "scikit-learn", "lightgbm", "pyarrow")


@cache
def versions_json() -> str:
    """Versions of bench, Python and the packages that can move a score, as canonical JSON."""
    versions = {"bench": __version__, "python": platform.python_version()}
    versions |= {name: _version(name) for name in _PACKAGES}
    return json.dumps(versions, sort_keys=True, separators=(",", ":"))


def _version(package: str) -> str:
    """'' where it is not installed: `--executor inline` does without Ray."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""


def provenance(run_id: str) -> dict[str, str]:
    """What a file of scores says about the run that made it; text only."""
    commit, dirty = git_state()
    return {
        "run_id": run_id,
        "versions": versions_json(),
        "git_commit": commit,
        "git_dirty": dirty,
        "host": platform.node(),
        "machine": platform.platform(),
        "command": shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]]),
    }


def grid_provenance(raw: Mapping) -> dict[str, str]:
    """The whole grid as canonical JSON, and the first 16 hex digits of its SHA-256."""
    whole = canonical_json(raw)
    return {"grid": whole, "grid_hash": hashlib.sha256(whole.encode()).hexdigest()[:16]}


#: What differs from file to file of one run; the rest of their metadata is the run's.
COSTS = ("device", "cuda", "seconds", "peak_memory_bytes")


def with_costs(
    about: Mapping[str, str], *, device: str, cuda: str, seconds: float, peak_memory: int
) -> dict[str, str]:
    """What a file says of itself: its run's `about`, and what making it took.

    `device` and `cuda` ('' without) are those of training, `seconds` is the wall time of the file's cells,
    `peak_memory` the largest resident memory of the processes that worked on them, in bytes.
    """
    costs = (device, cuda, f"{seconds:.3f}", str(peak_memory))
    return dict(about) | dict(zip(COSTS, costs, strict=True))


def peak_memory() -> int:
    """Largest resident memory of this process so far, in bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak


@cache
def git_state() -> tuple[str, str]:
    """Commit of the checkout that bench runs from and "true" where it is changed; '' where there is none."""
    folder = Path(__file__).parent
    try:
        commit = _git(folder, "rev-parse", "HEAD")
        inside = _git(folder, "ls-files", "--error-unmatch", __file__)
    except (OSError, subprocess.SubprocessError):  # no git, no checkout, or one on a disk too slow to ask
        return "", ""
    return (
        (commit, str(bool(_git(folder, "status", "--porcelain", "--", "."))).lower()) if inside else ("", "")
    )


def _git(folder: Path, *words: str) -> str:
    done = subprocess.run(["git", *words], cwd=folder, capture_output=True, text=True, check=True, timeout=10)
    return done.stdout.strip()

"""Where numbers come from: versions, code, machine and command, written into every file of scores."""

from __future__ import annotations

import json
import platform
import subprocess
import sys
from functools import cache
from importlib import metadata
from pathlib import Path

from bench.version import __version__

#: Packages whose versions can move a score.
_PACKAGES = ("torch", "ray", "numpy", "scipy", "scikit-learn", "lightgbm", "pyarrow")


@cache
def versions_json() -> str:
    """Versions of bench, Python and the packages that can move a score, as canonical JSON."""
    versions = {"bench": __version__, "python": platform.python_version()}
    versions |= {name: metadata.version(name) for name in _PACKAGES}
    return json.dumps(versions, sort_keys=True, separators=(",", ":"))


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
        "command": " ".join([Path(sys.argv[0]).name, *sys.argv[1:]]),
    }


@cache
def git_state() -> tuple[str, str]:
    """Commit of the checkout that bench runs from and "true" where it is changed; '' where there is none."""
    folder = Path(__file__).parent
    try:
        commit = _git(folder, "rev-parse", "HEAD")
        inside = _git(folder, "ls-files", "--error-unmatch", __file__)
    except (OSError, subprocess.CalledProcessError):
        return "", ""
    return (
        (commit, str(bool(_git(folder, "status", "--porcelain", "--", "."))).lower()) if inside else ("", "")
    )


def _git(folder: Path, *words: str) -> str:
    done = subprocess.run(["git", *words], cwd=folder, capture_output=True, text=True, check=True, timeout=10)
    return done.stdout.strip()

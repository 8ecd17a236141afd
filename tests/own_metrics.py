"""A user's own metrics that go wrong with some codes, as a grid names them: own_metrics:leaving."""

import os
import signal
import sys

import numpy as np

from bench.metrics import Result


def leaving(rows, *, rng, limit: float = 0.5):
    """Leaves Python for about half of all code tables."""
    if is_unlucky(rows, limit):
        sys.exit(0)
    return Result({"spread": 1.0})


def deadly(rows, *, rng, limit: float = 0.5):
    """Kills its own process for about half of all code tables."""
    if is_unlucky(rows, limit):
        os.kill(os.getpid(), signal.SIGKILL)
    return Result({"spread": 1.0})


def worded(rows, *, rng, limit: float = 0.5):
    """Gives words in place of numbers behind its score for about half of all code tables."""
    found = np.array(["a", "b"]) if is_unlucky(rows, limit) else np.ones(2)
    return Result({"spread": 1.0}, arrays={"found": found})


def is_unlucky(rows, limit: float) -> bool:
    """Depends on a far decimal of the codes, hence on nothing but the cell."""
    return bool((abs(rows.train()[0]).sum() * 1000) % 1 > limit)


leaving.keys = deadly.keys = worded.keys = ("spread",)

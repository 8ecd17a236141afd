"""What the C library does with memory that a process frees."""

from __future__ import annotations

import ctypes
import sys

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # names of glibc's malloc.h
_KEPT_BYTES = 2**28  # several times what a step of the study's network holds at once
_LARGEST_BYTES = 2**25  # as much as glibc allows; a layer's output has 8 MiB


def keep_freed_memory() -> None:
    """Have this process keep up to 256 MiB that it frees, where its C library is glibc.

    Else a step's layers go back to the system when it ends, and the next step pays for zeroed pages anew: up
    to a sixth of its time, depending on how the heap happens to lie.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt:
        mallopt(_MMAP_THRESHOLD, _LARGEST_BYTES)
        mallopt(_TRIM_THRESHOLD, _KEPT_BYTES)

"""What an error says of the device: short of memory, or lost to this process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from bench.attempts import DeviceLost

#: In the words of torch's CPU allocator, of CUDA where a graph or a module is loaded, of cuBLAS and cuDNN.
_OUT_OF_MEMORY = ("can't allocate memory", "out of memory", "ALLOC_FAILED")


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an allocation failed, also one that led to `error`, as when a graph is captured."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    if isinstance(error, RuntimeError) and any(words in str(error) for words in _OUT_OF_MEMORY):
        return True
    earlier = error.__cause__ or error.__context__
    return earlier is not None and is_out_of_memory(earlier)


def is_lost(device: str) -> bool:
    """Whether `device` fails every call of this process, as CUDA does after an illegal access.

    A capture that could not be ended leaves torch's allocator in the same state.
    """
    if device != "cuda":
        return False
    try:
        torch.cuda.synchronize()
        torch.cuda.empty_cache()
        torch.ones(1, device=device).item()
    except Exception as error:  # an AssertionError, too, where torch was built without CUDA
        return not is_out_of_memory(error)
    return torch.cuda.is_current_stream_capturing()


@contextmanager
def noticing_loss(device: str) -> Iterator[None]:
    """Make of an error after which `device` fails every call what it is: DeviceLost."""
    try:
        yield
    except OSError:
        raise
    except Exception as error:
        if is_lost(device):
            raise DeviceLost(f"the device fails every call ({error}); a new process can go on") from error
        raise

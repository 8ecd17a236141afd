"""Errors of a device told apart: short of memory, lost to this process, or the cell's own."""

import pytest
import torch

from bench.device_errors import is_lost, is_out_of_memory


def raised_from(cause: BaseException) -> RuntimeError:
    try:
        try:
            raise cause
        except BaseException as error:
            raise RuntimeError("operation failed due to a previous error during capture") from error
    except RuntimeError as error:
        return error


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
        RuntimeError("[enforce fail at alloc_cpu.cpp:127] . DefaultCPUAllocator: can't allocate memory"),
        torch.AcceleratorError("CUDA error: out of memory"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
        RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"),
        raised_from(torch.OutOfMemoryError("CUDA out of memory.")),
    ],
    ids=lambda error: str(error)[:30],
)
def test_what_is_short_of_memory(error):
    assert is_out_of_memory(error)


@pytest.mark.parametrize(
    "error",
    [
        ValueError("a model that is out of memory of its own"),
        RuntimeError("mat1 and mat2 shapes cannot be multiplied"),
        torch.AcceleratorError("CUDA error: an illegal memory access was encountered"),
        raised_from(KeyError("beta")),
    ],
    ids=lambda error: str(error)[:30],
)
def test_what_is_not(error):
    assert not is_out_of_memory(error)


def test_a_cpu_is_never_lost():
    assert not is_lost("cpu")


@pytest.mark.parametrize(
    ("error", "lost"),
    [
        (torch.AcceleratorError("CUDA error: an illegal memory access was encountered"), True),
        (RuntimeError("captures_underway.empty() INTERNAL ASSERT FAILED"), True),
        (torch.AcceleratorError("CUDA error: out of memory"), False),
        (AssertionError("Torch not compiled with CUDA enabled"), True),
    ],
)
def test_a_gpu_is_lost_when_it_fails_whatever_it_is_asked(error, lost, monkeypatch):
    def fails(*_):
        raise error

    monkeypatch.setattr(torch.cuda, "synchronize", fails)
    assert is_lost("cuda") == lost

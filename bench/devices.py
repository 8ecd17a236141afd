"""Which device this machine trains on, found without importing torch."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

_NVIDIA = Path("/proc/driver/nvidia/gpus")
_DEVICES = Path("/dev")


def gpus() -> int:
    """Number of CUDA devices that this process may use."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        return len([name for name in visible.split(",") if name.strip() and name.strip() != "-1"])
    if _NVIDIA.is_dir():
        return len(list(_NVIDIA.iterdir()))
    return len(list(_DEVICES.glob("nvidia[0-9]*")))  # a sandbox may show the devices and not the driver


def find_device() -> str:
    """ "cuda" where there is a GPU, else "cpu"."""
    return "cuda" if gpus() else "cpu"


def check_device(wanted: str, found: str, place: str = "this machine") -> None:
    """ValueError in a sentence where `wanted` is a GPU and `place`, which trains on `found`, has none."""
    if wanted == "cuda" and found != "cuda":
        raise ValueError(
            f"--device cuda: {place} has no NVIDIA GPU that may be used here; leave --device out to train on "
            "its CPU"
        )


def check_gpu_works() -> None:
    """OSError in a sentence where torch cannot use the GPU that is there: its driver is too old, say.

    Asked once before the work, since every worker would die of it, one after another; in a process of its
    own, since the driver of a run is to hold no memory of a GPU.
    """
    asked = [sys.executable, "-c", "import torch; torch.ones(1, device='cuda').item()"]
    done = subprocess.run(asked, capture_output=True, text=True)
    if done.returncode:
        said = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        raise OSError(
            f"this machine has a GPU that torch cannot use ({said}); mend that, or train on the CPU with "
            "--device cpu"
        )


def cores() -> int:
    """CPU cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1

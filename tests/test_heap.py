"""Memory that a training step frees is there for the next."""

import platform
import subprocess
import sys

import pytest

STEPS = """
import resource
import numpy as np
from bench.heap import keep_freed_memory

keep_freed_memory()
for _ in range(8):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    layers = [np.ones(2**20) for _ in range(10)]  # 80 MiB, 20,480 pages
    del layers
    faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
print(faults)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc can be told")
def test_freed_layers_cost_no_page_faults_when_made_again():
    # a process of its own: how this one's heap lies depends on the tests before
    run = subprocess.run([sys.executable, "-c", STEPS], capture_output=True, text=True, check=True)
    assert int(run.stdout) < 1000

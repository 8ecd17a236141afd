"""Memory that a training step frees is there for the next."""

import platform
import resource

import pytest
import torch

from bench.heap import keep_freed_memory


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc can be told")
def test_freed_layers_cost_no_page_faults_when_made_again():
    def faults_of_a_step() -> int:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        layers = [torch.ones(2**21) for _ in range(10)]  # 80 MiB, 20,480 pages
        del layers
        return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

    keep_freed_memory()
    faults = [faults_of_a_step() for _ in range(8)]
    assert min(faults[1:]) < 1000  # the heap settles within a few steps

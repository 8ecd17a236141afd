"""What limits a training step on this machine: its products, or what it moves through memory."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

from bench.problem import Block, Members, Problem, State
from bench.stepping import update
from bench.stopwatch import best

MATRIX = {"cpu": 2048, "cuda": 8192}
COPIED_BYTES = 2**28  # five times what a large GPU's cache holds
#: Passes over the layers' outputs and over the weights in a step whose kernels are fused as far as they go.
#: An output is written and read; on the way back it is read with the weights' gradient and as ReLU's mask,
#: its own gradient is written once and read for inputs and for weights. Weights are read either way, their
#: gradient is written, and Adam reads and writes what it keeps.
OUTPUT_PASSES, WEIGHT_PASSES = 7, 11
#: What computes the outputs of a network's layers, and nothing else in a step.
LAYERS = (torch.ops.aten.convolution.default, torch.ops.aten.baddbmm.default)


@dataclass(frozen=True)
class Limits:
    """What this machine reaches in one precision, and so the least time that a step takes."""

    products: float  # GFLOP/s
    copies: float  # GB/s, infinite where it limits nothing

    @staticmethod
    def of(device: str, dtype: torch.dtype) -> Limits:
        """Measured; on a CPU products alone: what one model's layers pass on (25 MB of the study's network)
        mostly stays in its caches, and the rate of a copy through memory says nothing of that."""
        copies = copy_peak(device) if device == "cuda" else math.inf
        return Limits(matrix_peak(device, dtype), copies)

    def least(self, gigaflop: float, gigabyte: float) -> tuple[float, str]:
        """Seconds that so much work takes at least, and what binds it."""
        return max((gigaflop / self.products, "products"), (gigabyte / self.copies, "memory"))


def matrix_peak(device: str, dtype: torch.dtype) -> float:
    """GFLOP/s of a large matrix product of this machine (one thread on a CPU), the best round.

    In float32 an NVIDIA GPU multiplies as this process was settled, TF32 or not.
    """
    size = MATRIX[device]
    left = torch.rand(size, size, device=device, dtype=dtype)
    return 2 * size**3 / best(partial(torch.matmul, left, left), device) / 1e9


def copy_peak(device: str) -> float:
    """GB/s of a large copy in this machine's memory, what it reads and what it writes, the best round."""
    source = torch.zeros(COPIED_BYTES, dtype=torch.uint8, device=device)
    target = torch.empty_like(source)
    return 2 * COPIED_BYTES / best(partial(target.copy_, source), device) / 1e9


def gigaflop(problem: Problem, members: Members, state: State, prepared: Block) -> float:
    """Operations of the products of one step of these members, forward and backward, in 10⁹."""
    with FlopCounterMode(display=False) as counter:
        update(problem, state, members.hyper, prepared, 0)
    return counter.get_total_flops() / 1e9


class _Outputs(TorchDispatchMode):
    """Counts the bytes of the outputs of layers, each in the precision that it is kept in."""

    def __init__(self):
        super().__init__()
        self.bytes = 0

    def __torch_dispatch__(self, function, types, given=(), named=None):
        output = function(*given, **(named or {}))
        if function in LAYERS:
            self.bytes += output.nbytes
        return output


def gigabyte(problem: Problem, members: Members, state: State, prepared: Block) -> float:
    """GB that a step moves through memory at least (see OUTPUT_PASSES), with the weights of all networks."""
    with _Outputs() as outputs:
        update(problem, state, members.hyper, prepared, 0)
    layouts = [problem.network.layout, *([problem.discriminator] if problem.discriminator else [])]
    weights = sum(layout.size for layout in layouts) * problem.dtype.itemsize
    return (OUTPUT_PASSES * outputs.bytes + WEIGHT_PASSES * weights) / 1e9

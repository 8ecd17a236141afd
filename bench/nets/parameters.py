"""A pack's parameters as one flat tensor (E, P): how it divides into layers and what it starts from."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from bench.randomness import Stream, uniforms

_ALIGN = 16  # members start on 64-byte boundaries, so that kernels treat every member alike


@dataclass(frozen=True)
class Shape:
    """Shape of one parameter of one member; weights have fans (kernel area included), biases none."""

    shape: tuple[int, ...]
    fan_in: int = 0
    fan_out: int = 0

    @property
    def size(self) -> int:
        return math.prod(self.shape)


def dense_shapes(name: str, inputs: int, outputs: int) -> dict[str, Shape]:
    """Weight (inputs, outputs) and bias of a dense layer."""
    return {f"{name}.weight": Shape((inputs, outputs), inputs, outputs), f"{name}.bias": Shape((outputs,))}


def conv_shapes(name: str, inputs: int, outputs: int, kernel: int) -> dict[str, Shape]:
    """Weight (outputs, inputs, k, k) and bias of a convolution."""
    weight = Shape((outputs, inputs, kernel, kernel), inputs * kernel**2, outputs * kernel**2)
    return {f"{name}.weight": weight, f"{name}.bias": Shape((outputs,))}


def deconv_shapes(name: str, inputs: int, outputs: int, kernel: int) -> dict[str, Shape]:
    """Weight (inputs, outputs, k, k) and bias of a transposed convolution."""
    weight = Shape((inputs, outputs, kernel, kernel), inputs * kernel**2, outputs * kernel**2)
    return {f"{name}.weight": weight, f"{name}.bias": Shape((outputs,))}


@dataclass(frozen=True)
class Layout:
    """Where each named parameter lies in a member's flat row of `width` numbers."""

    shapes: dict[str, Shape]

    @property
    def size(self) -> int:
        """Parameters of one member."""
        return sum(shape.size for shape in self.shapes.values())

    @property
    def width(self) -> int:
        """Numbers in a member's row: the size rounded up, the rest stays zero."""
        return -(-self.size // _ALIGN) * _ALIGN

    def split(self, flat: Tensor) -> dict[str, Tensor]:
        """Views of flat (E, width) by name, each (E, *shape); one operation for autograd."""
        sizes = [shape.size for shape in self.shapes.values()]
        parts = flat.split([*sizes, self.width - self.size], dim=1)
        return {
            name: part.unflatten(1, shape.shape)
            for (name, shape), part in zip(self.shapes.items(), parts, strict=False)
        }

    def join(self, named: dict[str, Tensor]) -> Tensor:
        """The flat rows (E, width) of parameters by name, each (E, *shape): the inverse of split."""
        members = len(next(iter(named.values())))
        parts = [named[name].reshape(members, -1) for name in self.shapes]
        padding = torch.zeros(members, self.width - self.size, dtype=parts[0].dtype, device=parts[0].device)
        return torch.cat([*parts, padding], dim=1)

    def initial(self, seeds: Tensor, stream: Stream, dtype: torch.dtype) -> Tensor:
        """Initial parameters (E, width): Glorot-uniform weights, zero biases (locatello2019.md §2.5).

        The draw's "step" is the parameter's place in the layout.
        """
        flat = torch.zeros(len(seeds), self.width, dtype=dtype, device=seeds.device)
        for place, (shape, part) in enumerate(
            zip(self.shapes.values(), self.split(flat).values(), strict=True)
        ):
            if shape.fan_in:
                limit = math.sqrt(6.0 / (shape.fan_in + shape.fan_out))
                step = torch.tensor([place], device=seeds.device)
                unit = uniforms(seeds, stream, step, shape.size, torch.float64)[0]
                part.copy_(((2.0 * unit - 1.0) * limit).view(len(seeds), *shape.shape))
        return flat

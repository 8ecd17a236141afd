"""Counter-based random numbers: every draw of training is a pure function of (seed, stream, step).

Philox4x32-10 (Salmon et al., SC 2011) in 64-bit integer tensor operations. The key is the cell's seed, the
counter is (block, stream, step low, step high), so a cell sees the same numbers alone or in any pack, in
any order, before or after a resume, on any device; no generator state exists. Box-Muller runs in float64
and is rounded afterwards, on rows padded to a multiple of 16 numbers, so that the vector and tail loops of
`log` and `cos` never give an element two values.
"""

from __future__ import annotations

import math
from enum import IntEnum

import torch
from torch import Tensor

_LOW = 0xFFFFFFFF
_MULTIPLIER = (0xD2511F53, 0xCD9E8D57)
_WEYL = (0x9E3779B9, 0xBB67AE85)
_ROUNDS = 10
_ROW = 16  # a row of numbers is padded to a multiple of this


class Stream(IntEnum):
    """What a draw is for; part of the counter, so streams of one seed never overlap."""

    WEIGHTS = 0
    INDEX = 1
    NOISE = 2
    PERMUTATION = 3
    NUISANCE = 4
    DISCRIMINATOR_WEIGHTS = 5
    EVALUATION_INDEX = 6
    EVALUATION_NOISE = 7
    EVALUATION_NUISANCE = 8
    CODE_NUISANCE = 9


def philox(key: tuple[Tensor, Tensor], counter: tuple[Tensor, Tensor, Tensor, Tensor]) -> tuple[Tensor, ...]:
    """Ten rounds of Philox4x32 on 32-bit words held in int64 tensors of one broadcast shape.

    `key` is two words, `counter` four; returns four words. Known answers: Random123's kat_vectors.
    """
    key0, key1 = key
    shape = torch.broadcast_shapes(*(word.shape for word in (*key, *counter)))
    c0, c1, c2, c3 = (word.expand(shape) for word in counter)
    for _ in range(_ROUNDS):
        # int64 products wrap, but their low 64 bits, hence both halves after masking, are exact; in place
        # where the values are ours, since long rows are bound by memory
        low0, low1 = c0 * _MULTIPLIER[0], c2 * _MULTIPLIER[1]
        high0, high1 = low0 >> 32, low1 >> 32
        high0.bitwise_and_(_LOW).bitwise_xor_(c3).bitwise_xor_(key1)
        high1.bitwise_and_(_LOW).bitwise_xor_(c1).bitwise_xor_(key0)
        c0, c1, c2, c3 = high1, low1.bitwise_and_(_LOW), high0, low0.bitwise_and_(_LOW)
        key0, key1 = (key0 + _WEYL[0]) & _LOW, (key1 + _WEYL[1]) & _LOW
    return c0, c1, c2, c3


def words(seeds: Tensor, stream: Stream, steps: Tensor, count: int) -> Tensor:
    """Uniform 32-bit words as int64, shape (K, E, count), for seeds (E,) and steps (K,).

    Word i of a row is word i mod 4 of block i div 4. `count` is rounded up to a multiple of 16.
    """
    blocks = -(-count // _ROW) * (_ROW // 4)
    seeds, steps = seeds[None, :, None], steps[:, None, None]
    block = torch.arange(blocks, device=seeds.device)[None, None, :]
    counter = (block, torch.full_like(block, int(stream)), steps & _LOW, steps >> 32)
    block_words = torch.broadcast_tensors(*philox((seeds & _LOW, seeds >> 32), counter))
    return torch.stack(block_words, dim=-1).flatten(-2)


def uniforms(seeds: Tensor, stream: Stream, steps: Tensor, count: int, dtype: torch.dtype) -> Tensor:
    """Uniform numbers in (0, 1), shape (K, E, count): (word + ½)·2⁻³², rounded to `dtype`."""
    return _unit(words(seeds, stream, steps, count))[..., :count].to(dtype)


def byte_uniforms(seeds: Tensor, stream: Stream, steps: Tensor, count: int, dtype: torch.dtype) -> Tensor:
    """Uniform numbers of 256 levels, (byte + ½)/256, shape (K, E, count): four from a word.

    For images' noise, which 8-bit files could not hold more finely, at a quarter of the cost.
    """
    drawn = words(seeds, stream, steps, -(-count // 4))
    octets = drawn.to(torch.int32).view(torch.uint8)  # lowest byte first, as all of torch's devices have it
    return octets[..., :count].to(dtype).add_(0.5).mul_(2.0**-8)


def normals(seeds: Tensor, stream: Stream, steps: Tensor, count: int, dtype: torch.dtype) -> Tensor:
    """Standard normal numbers, shape (K, E, count), by Box-Muller on pairs of words."""
    unit = _unit(words(seeds, stream, steps, count)).unflatten(-1, (-1, 2))
    radius = (-2.0 * unit[..., 0].log()).sqrt()
    angle = (2.0 * math.pi) * unit[..., 1]
    pairs = torch.stack((radius * angle.cos(), radius * angle.sin()), dim=-1)
    return pairs.flatten(-2)[..., :count].to(dtype)


def indices(seeds: Tensor, stream: Stream, steps: Tensor, count: int, size: int) -> Tensor:
    """Integers in [0, size), shape (K, E, count): the high word of word·size (bias below size·2⁻³²)."""
    return (words(seeds, stream, steps, count)[..., :count] * size) >> 32


def permutations(seeds: Tensor, stream: Stream, steps: Tensor, rows: int, columns: int) -> Tensor:
    """One permutation of range(rows) per column, shape (K, E, rows, columns): the stable order of words."""
    drawn = words(seeds, stream, steps, rows * columns)[..., : rows * columns]
    return drawn.unflatten(-1, (columns, rows)).argsort(dim=-1, stable=True).transpose(-1, -2)


def _unit(drawn: Tensor) -> Tensor:
    return (drawn.to(torch.float64) + 0.5) * 2.0**-32

"""Counter-based random numbers: every draw of training is a pure function of (seed, stream, step).

Philox4x32-10 (Salmon et al., SC 2011) in 64-bit integer operations on whole tensors, on a CPU numpy's. The
key is the cell's seed, the counter is (block, stream, step low, step high), so a cell sees the same numbers
alone or in any pack, in any order, before or after a resume, on any device; no generator state exists.
Box-Muller runs in float64 and is rounded afterwards, on rows padded to a multiple of 16 numbers, so that the
vector and tail loops of `log` and `cos` never give an element two values.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from enum import IntEnum

import numpy as np
import torch
from torch import Tensor

Words = Tensor | np.ndarray

_LOW = 0xFFFFFFFF
_MULTIPLIER = (0xD2511F53, 0xCD9E8D57)
_WEYL = (0x9E3779B9, 0xBB67AE85)
_ROUNDS = 10
_SPREADING = 3  # rounds until every word depends on block, step and seed; short rows stay short until then
_ROW = 16  # a row of numbers is padded to a multiple of this
_CACHED = 2**14  # blocks drawn at once on a CPU, so that their words stay in its cache


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


def key_schedule(key: tuple[Words, Words]) -> list[tuple[Words, Words]]:
    """The key of each of Philox4x32's ten rounds, from its two words."""
    return [
        tuple((word + turn * weyl) & _LOW for word, weyl in zip(key, _WEYL, strict=True))
        for turn in range(_ROUNDS)
    ]


def philox(keys: list[tuple[Words, Words]], counter: tuple[Words, Words, Words, Words]) -> tuple[Words, ...]:
    """Philox4x32 on 32-bit words held in int64, tensors or arrays that broadcast together.

    One round for each of `keys`; `counter` is four words, and so is what returns. Known answers:
    Random123's kat_vectors.
    """
    c0, c1, c2, c3 = counter
    # int64 products wrap, but their low 64 bits, hence both halves after masking, are exact. A low half is
    # masked with what it is mixed into.
    for key0, key1 in keys[:_SPREADING]:
        product0, product1 = c0 * _MULTIPLIER[0], c2 * _MULTIPLIER[1]
        c0, c1 = ((product1 >> 32) ^ (c1 ^ key0)) & _LOW, product1
        c2, c3 = ((product0 >> 32) ^ (c3 ^ key1)) & _LOW, product0
    for key0, key1 in keys[_SPREADING:]:  # the same in place: long rows are bound by memory
        c0 *= _MULTIPLIER[0]
        c2 *= _MULTIPLIER[1]
        c1 ^= c2 >> 32
        c1 ^= key0
        c1 &= _LOW
        c3 ^= c0 >> 32
        c3 ^= key1
        c3 &= _LOW
        c0, c1, c2, c3 = c1, c2, c3, c0
    return c0, c1 & _LOW, c2, c3 & _LOW


def words(seeds: Tensor, stream: Stream, steps: Tensor, count: int) -> Tensor:
    """Uniform 32-bit words in int64, shape (K, E, count), for seeds (E,) and steps (K,).

    Word i of a row is word i mod 4 of block i div 4. `count` is rounded up to a multiple of 16.
    """
    blocks = -(-count // _ROW) * (_ROW // 4)
    drawn = torch.empty((len(steps), len(seeds), blocks, 4), dtype=torch.int64, device=seeds.device)
    most = drawn.numel() if drawn.is_cuda else _CACHED
    rows, seeds, steps = drawn, seeds[None, :, None], steps[:, None, None]
    block = torch.arange(blocks, device=seeds.device)[None, None, :]
    if not drawn.is_cuda:  # the same memory and the same operations, in which numpy takes two thirds as long
        rows, seeds, steps, block = (tensor.numpy() for tensor in (rows, seeds, steps, block))
    keys, constant = key_schedule((seeds & _LOW, seeds >> 32)), 0 * steps + int(stream)
    for some, part in _pieces(*drawn.shape[:3], most):
        counter = (block[..., part], constant[some], steps[some] & _LOW, steps[some] >> 32)
        for place, word in enumerate(philox(keys, counter)):
            rows[some, :, part, place] = word
    return drawn.flatten(-2)


def _pieces(steps: int, seeds: int, blocks: int, most: int) -> Iterator[tuple[slice, slice]]:
    """Slices of steps and of blocks that together cover all, each of about `most` blocks."""
    rows, columns = max(1, most // (seeds * blocks)), max(1, most // seeds)
    for step in range(0, steps, rows):
        for block in range(0, blocks, columns):
            yield slice(step, step + rows), slice(block, block + columns)


def uniforms(seeds: Tensor, stream: Stream, steps: Tensor, count: int, dtype: torch.dtype) -> Tensor:
    """Uniform numbers in (0, 1), shape (K, E, count): (word + ½)·2⁻³², rounded to `dtype`."""
    return _unit(words(seeds, stream, steps, count))[..., :count].to(dtype)


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

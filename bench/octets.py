"""Counter-based random bytes for images' noise: many at once, so they come from the cheapest Philox there is.

Philox4x64-10 (Salmon et al., SC 2011), numpy's own on a CPU, a quarter of the time that Philox4x32 takes in
array operations; the same bits in integer tensor operations elsewhere. The key is (seed, stream), the counter
(block, step, 0, 0) with blocks counted from 1, as numpy does, so a byte is a pure function of (seed, stream,
step) and its place, like every other draw of training (randomness.py).
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from bench.randomness import Stream

_LOW = 0xFFFFFFFF
_MULTIPLIER = (0xD2E7470EE14C6C93, 0xCA5A826395121157)
_WEYL = (0x9E3779B97F4A7C15, 0xBB67AE8584CAA73B)
_ROUNDS = 10
_BLOCK = 32  # bytes of four 64-bit words


def octets(seeds: Tensor, stream: Stream, steps: Tensor, count: int) -> Tensor:
    """Uniform bytes, shape (K, E, count), for seeds (E,) and steps (K,): words in order, lowest byte first.

    For noise that 8-bit files could not hold more finely; `b` stands for (b + ½)/256.
    """
    if seeds.is_cuda:
        return octets_by_tensors(seeds, stream, steps, count)
    drawn = np.empty((len(steps), len(seeds), -(-count // _BLOCK) * _BLOCK // 8), np.uint64)
    for row, step in zip(drawn, steps.tolist(), strict=True):
        for words, seed in zip(row, seeds.tolist(), strict=True):
            key, counter = (np.array(pair, np.uint64) for pair in ((seed, stream), (0, step, 0, 0)))
            words[:] = np.random.Philox(key=key, counter=counter).random_raw(len(words))
    return torch.from_numpy(drawn.view(np.uint8))[..., :count]


def octets_by_tensors(seeds: Tensor, stream: Stream, steps: Tensor, count: int) -> Tensor:
    """The same bytes in operations on int64 tensors, on any device and without a word to the host."""
    blocks = -(-count // _BLOCK)
    shape = (len(steps), len(seeds), blocks)
    zero = torch.zeros(shape, dtype=torch.int64, device=seeds.device)
    c0 = zero + torch.arange(1, blocks + 1, device=seeds.device)
    c1, c2, c3 = zero + steps[:, None, None], zero, zero
    key0, key1 = seeds[None, :, None], torch.full_like(seeds, int(stream))[None, :, None]
    for _ in range(_ROUNDS):
        (high0, low0), (high1, low1) = (_product(c, m) for c, m in zip((c0, c2), _MULTIPLIER, strict=True))
        c0, c1, c2, c3 = high1 ^ c1 ^ key0, low1, high0 ^ c3 ^ key1, low0
        key0, key1 = key0 + _signed(_WEYL[0]), key1 + _signed(_WEYL[1])
    return torch.stack((c0, c1, c2, c3), dim=-1).flatten(-2).view(torch.uint8)[..., :count]


def _product(words: Tensor, multiplier: int) -> tuple[Tensor, Tensor]:
    """High and low halves of the 128-bit products of 64-bit words, unsigned though held in int64."""
    low, high = words & _LOW, (words >> 32) & _LOW
    m_low, m_high = multiplier & _LOW, multiplier >> 32
    low_low, high_low, low_high = low * m_low, high * m_low, low * m_high
    middle = ((low_low >> 32) & _LOW) + (high_low & _LOW) + (low_high & _LOW)
    carried = ((high_low >> 32) & _LOW) + ((low_high >> 32) & _LOW) + (middle >> 32)
    return high * m_high + carried, words * _signed(multiplier)


def _signed(word: int) -> int:
    """The int64 with the bits of an unsigned 64-bit word."""
    return word - 2**64 if word >= 2**63 else word

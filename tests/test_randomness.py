import math

import numpy as np
import pytest
import torch

from bench import randomness
from bench.randomness import (
    Stream,
    indices,
    key_schedule,
    normals,
    permutations,
    philox,
    uniforms,
    words,
)

# Random123, kat_vectors: philox4x32, 10 rounds (counter, key, result)
KNOWN_ANSWERS = [
    ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    ((0xFFFFFFFF,) * 4, (0xFFFFFFFF,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xA4093822, 0x299F31D0),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
]


def tensors(*values: int) -> tuple[torch.Tensor, ...]:
    return tuple(torch.tensor([value]) for value in values)


@pytest.mark.parametrize(("counter", "key", "expected"), KNOWN_ANSWERS)
def test_philox_gives_the_published_known_answers(counter, key, expected):
    on_tensors = philox(key_schedule(tensors(*key)), tensors(*counter))
    assert tuple(int(word) for word in on_tensors) == expected
    as_arrays = tuple(tensor.numpy() for tensor in tensors(*counter))
    on_arrays = philox(key_schedule(tuple(tensor.numpy() for tensor in tensors(*key))), as_arrays)
    assert tuple(int(word[0]) for word in on_arrays) == expected


@pytest.mark.parametrize("most", [1, 7, 100, 10**6])
def test_pieces_drawn_at_once_do_not_change_a_word(monkeypatch, most):
    seeds, steps = torch.tensor([2**40, 1, 5]), torch.arange(2**32 - 2, 2**32 + 3)
    whole = words(seeds, Stream.NUISANCE, steps, 100)
    monkeypatch.setattr(randomness, "_CACHED", most)
    assert torch.equal(words(seeds, Stream.NUISANCE, steps, 100), whole)


def test_a_word_is_the_philox_word_of_its_seed_stream_step_and_place():
    seed, step = 2**40 + 7, 2**33 + 5
    drawn = words(torch.tensor([seed]), Stream.NOISE, torch.tensor([step]), 20)
    assert drawn.shape == (1, 1, 32)  # rows are padded to a multiple of 16
    key = tensors(seed & 0xFFFFFFFF, seed >> 32)
    counter = tensors(4, int(Stream.NOISE), step & 0xFFFFFFFF, step >> 32)  # word 18 is word 2 of block 4
    assert int(drawn[0, 0, 18]) == int(philox(key_schedule(key), counter)[2])


@pytest.mark.parametrize("draw", [uniforms, normals])
def test_draws_depend_on_seed_and_step_only_not_on_neighbours(draw):
    seeds, steps = torch.tensor([5, 0, 9]), torch.arange(40, 47)
    together = draw(seeds, Stream.NOISE, steps, 50, torch.float32)
    for row, seed in enumerate(seeds):
        alone = draw(seed[None], Stream.NOISE, steps[3:4], 50, torch.float32)
        assert torch.equal(together[3, row], alone[0, 0])


def test_streams_seeds_and_steps_give_different_numbers():
    seeds, steps = torch.tensor([0, 1]), torch.tensor([0, 1])
    drawn = [words(seeds, stream, steps, 16).flatten().tolist() for stream in Stream]
    assert len({number for stream in drawn for number in stream}) == len(Stream) * 4 * 16


def test_normals_have_the_moments_and_tails_of_a_standard_normal():
    drawn = normals(torch.arange(50), Stream.NOISE, torch.arange(10), 640, torch.float64).numpy().ravel()
    error = 1 / math.sqrt(drawn.size)
    assert abs(drawn.mean()) < 4 * error
    assert abs(drawn.var() - 1) < 4 * error * math.sqrt(2)
    assert abs((drawn**4).mean() - 3) < 4 * error * math.sqrt(96)
    assert np.mean(np.abs(drawn) > 1.959964) == pytest.approx(0.05, abs=4 * error * 0.22)


def test_indices_cover_their_range_evenly():
    drawn = indices(torch.arange(20), Stream.INDEX, torch.arange(50), 64, 10)
    counts = torch.bincount(drawn.flatten(), minlength=10).double()
    assert counts.shape == (10,)
    assert ((counts - 6400).abs() < 5 * math.sqrt(6400)).all()


def test_each_column_of_a_permutation_is_a_permutation_of_its_own():
    drawn = permutations(torch.tensor([3]), Stream.PERMUTATION, torch.tensor([0]), 64, 6)[0, 0]
    assert (drawn.sort(0).values == torch.arange(64)[:, None]).all()
    assert len({tuple(column.tolist()) for column in drawn.T}) == 6


def test_no_global_generator_is_touched():
    before = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    normals(torch.tensor([1]), Stream.NOISE, torch.tensor([0]), 64, torch.float32)
    permutations(torch.tensor([1]), Stream.NOISE, torch.tensor([0]), 64, 3)
    assert torch.equal(before[0], torch.get_rng_state())
    assert (before[1] == np.random.get_state()[1]).all()  # noqa: NPY002

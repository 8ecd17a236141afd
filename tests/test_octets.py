"""Bytes of noise: numpy's Philox4x64, the same by tensors, and the published known answers of both."""

import hashlib

import numpy as np
import pytest
import torch

from bench.octets import octets, octets_by_tensors
from bench.randomness import Stream

SEEDS, STEPS = torch.tensor([0, 7, 2**40 + 3, 2**63 - 1]), torch.tensor([0, 1, 2**33 + 5])


def test_the_generator_underneath_gives_the_known_answer_of_random123():
    """kat_vectors: philox4x64, 10 rounds, counter and key all zero. numpy counts up before it draws."""
    before = np.full(4, 2**64 - 1, np.uint64)
    words = np.random.Philox(key=np.zeros(2, np.uint64), counter=before).random_raw(4)
    known = (0x16554D9ECA36314C, 0xDB20FE9D672D0FDC, 0xD7E772CEE186176B, 0x7E68B68AEC7BA23B)
    assert tuple(map(int, words)) == known


@pytest.mark.parametrize("count", [1, 32, 100, 12_288])
def test_tensors_give_the_bytes_of_numpy(count):
    drawn = octets(SEEDS, Stream.NUISANCE, STEPS, count)
    assert (drawn.shape, drawn.dtype) == ((3, 4, count), torch.uint8)
    assert torch.equal(octets_by_tensors(SEEDS, Stream.NUISANCE, STEPS, count), drawn)


def test_a_byte_depends_on_its_seed_stream_step_and_place_alone():
    whole = octets(SEEDS, Stream.NUISANCE, STEPS, 1000)
    alone = octets(SEEDS[2:3], Stream.NUISANCE, STEPS[1:2], 300)
    assert torch.equal(alone[0, 0], whole[1, 2, :300])
    assert not torch.equal(octets(SEEDS, Stream.EVALUATION_NUISANCE, STEPS, 1000), whole)


def test_bytes_are_uniform_and_neighbours_are_not_alike():
    drawn = octets(torch.tensor([3, 4]), Stream.NUISANCE, torch.arange(4), 2**17).double()
    assert drawn.mean().item() == pytest.approx(127.5, abs=4 * 74 / 2**10)
    counts = torch.bincount(drawn.long().flatten(), minlength=256)
    assert ((counts - 2**12).abs() < 5 * 2**6).all()
    assert np.corrcoef(drawn.flatten(1).numpy())[np.triu_indices(4, 1)] == pytest.approx(0, abs=0.01)
    assert np.corrcoef(drawn[:, 0].flatten(), drawn[:, 1].flatten())[0, 1] == pytest.approx(0, abs=0.01)


def test_the_numbers_of_cells_trained_long_ago_are_the_same():
    """Other numbers would give the same ids other weights: TRAINING_VERSION must be raised with them."""
    drawn = octets(torch.tensor([7, 9]), Stream.NUISANCE, torch.arange(3), 786_432)
    digest = hashlib.sha256(drawn.numpy().tobytes()).hexdigest()
    assert digest == "633824709066df175d4e1b395d6b50999b604c356ae9ea162b76a3b1cb725348"

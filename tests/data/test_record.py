"""What is recorded beside a prepared table."""

import hashlib

import numpy as np
import pytest

from bench.data.cache import open_table, write_table
from bench.data.record import BLOCK_BYTES, SAMPLED_BLOCKS, DamagedTable, is_made, recorded, sample


def silent(done, total):
    pass


def test_record_has_the_checksums_of_the_table_and_of_what_it_is_made_from(tmp_path, rng):
    source, table = tmp_path / "source.gz", tmp_path / "table.npy"
    source.write_bytes(b"published")
    rows = rng.integers(256, size=(10, 7), dtype=np.uint8)
    assert not is_made(table)
    write_table(table, rows.shape, [rows[:4], rows[4:]], silent, [source])
    assert is_made(table)
    record = recorded(table)
    assert record.sha256 == hashlib.sha256(table.read_bytes()).hexdigest()
    assert record.bytes == table.stat().st_size == 128 + 70
    assert record.made_from == {"source.gz": hashlib.sha256(b"published").hexdigest()}
    np.testing.assert_array_equal(np.load(table), rows)


@pytest.mark.parametrize("first", [0, 128 + 32_000_000 // 2, 128 + 32_000_000 - 128])
def test_opening_sees_a_wrong_header_a_wrong_end_and_a_hole(tmp_path, rng, first):
    table = tmp_path / "table.npy"
    rows = rng.integers(1, 256, size=(2000, 16_000), dtype=np.uint8)
    write_table(table, rows.shape, [rows], silent)
    np.testing.assert_array_equal(open_table(table), rows)
    with table.open("r+b") as file:
        file.seek(first)
        file.write(bytes(128 if first in (0, 128 + 32_000_000 - 128) else 32_000_000 // 31))
    assert is_made(table)
    with pytest.raises(DamagedTable, match="table.npy is not the table that was recorded"):
        open_table(table)


def test_the_sample_is_of_blocks_evenly_spaced_from_the_first_byte_to_the_last(tmp_path):
    content = np.arange(1_000_003, dtype=np.uint32).view(np.uint8)
    (tmp_path / "file").write_bytes(content.tobytes())
    starts = np.linspace(0, len(content) - BLOCK_BYTES, SAMPLED_BLOCKS).astype(int)
    blocks = b"".join(content[start : start + BLOCK_BYTES].tobytes() for start in starts)
    assert sample(tmp_path / "file") == hashlib.sha256(blocks).hexdigest()
    (tmp_path / "short").write_bytes(b"abc")
    assert sample(tmp_path / "short") == hashlib.sha256(SAMPLED_BLOCKS * b"abc").hexdigest()


def test_table_of_too_few_rows_leaves_neither_itself_nor_a_record(tmp_path):
    with pytest.raises(ValueError, match="should get 3 rows, but its source gave 2"):
        write_table(tmp_path / "table.npy", (3, 4), [np.zeros((2, 4))], silent)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("written", [None, "", "[]", '{"sha256": 1}'])
def test_what_is_no_record_is_none(tmp_path, written):
    if written is not None:
        (tmp_path / "table.npy.json").write_text(written)
    (tmp_path / "table.npy").touch()
    assert recorded(tmp_path / "table.npy") is None
    assert not is_made(tmp_path / "table.npy")

"""What is recorded beside a prepared table."""

import hashlib

import numpy as np
import pytest

from bench.data.cache import write_table
from bench.data.record import is_made, recorded


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

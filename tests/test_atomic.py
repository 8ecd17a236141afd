"""Files that appear whole or not at all, also where two writers have one process id."""

import pytest

from bench.atomic import whole_file


def test_two_writers_of_one_process_id_keep_out_of_each_others_way(tmp_path):
    """As in two containers that share a folder."""
    path = tmp_path / "table.npy"
    with whole_file(path) as first:
        first.write_bytes(b"one ")
        with whole_file(path) as second:
            second.write_bytes(b"two")
        assert path.read_bytes() == b"two"
        with first.open("ab") as file:
            file.write(b"goes on")
    assert path.read_bytes() == b"one goes on"
    assert list(tmp_path.iterdir()) == [path]


def test_a_device_is_written_and_stays_one(tmp_path):
    path = tmp_path / "null"
    path.symlink_to("/dev/null")  # what a rename would replace is the link
    with whole_file(path) as given:
        given.write_bytes(b"anything")
    assert path.is_symlink()
    assert list(tmp_path.iterdir()) == [path]


def write_half(path):
    with whole_file(path) as temporary:
        temporary.write_bytes(b"new")
        raise ValueError("broken")


def test_a_writer_that_fails_leaves_what_was_there(tmp_path):
    path = tmp_path / "table.npy"
    path.write_bytes(b"old")
    with pytest.raises(ValueError, match="broken"):
        write_half(path)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]

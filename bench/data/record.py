"""What is recorded beside a prepared table when it is made: its checksum, and those of the files it is from.

A table without its record is not taken as prepared: nobody could tell it from one that has a hole.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from bench.atomic import read_record, write_text

#: Blocks of a table that are compared when it is opened, and their bytes: all of one of 6 GB takes seconds.
SAMPLED_BLOCKS, BLOCK_BYTES = 32, 4096


class DamagedTable(OSError):
    """A prepared table that is not what its record says: the machine's failure, no cell's."""


@dataclass(frozen=True)
class Record:
    """The record of one prepared table; checksums are SHA-256 in hexadecimal."""

    bytes: int
    sha256: str
    sample: str
    """Checksum of a few blocks, see `sample`."""
    made_from: dict[str, str]
    """Published file, by its name in the table's folder -> its checksum when the table was made."""


def sha256(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def sample(path: Path) -> str:
    """SHA-256 of SAMPLED_BLOCKS evenly spaced blocks of a file, its header and its end among them."""
    last = max(0, path.stat().st_size - BLOCK_BYTES)
    digest = hashlib.sha256()
    with path.open("rb") as content:
        for block in range(SAMPLED_BLOCKS):
            content.seek(last * block // (SAMPLED_BLOCKS - 1))
            digest.update(content.read(BLOCK_BYTES))
    return digest.hexdigest()


def check_sample(table: Path) -> None:
    """DamagedTable where a recorded table's header, end, or a block between is not as it was recorded."""
    record = recorded(table)
    if record and sample(table) != record.sample:
        raise DamagedTable(f"{table} is not the table that was recorded when it was prepared")


def write_record(table: Path, content: Path, published: Iterable[Path]) -> None:
    """Record `table`, whose bytes are now those of `content`, as made from `published`, files beside it."""
    made_from = {path.name: sha256(path) for path in published}
    record = Record(content.stat().st_size, sha256(content), sample(content), made_from)
    write_text(_record_path(table), json.dumps(asdict(record), indent=1) + "\n")


def recorded(table: Path) -> Record | None:
    """The record of a table; None where there is none, or none that can be read."""
    return read_record(_record_path(table), Record)


def is_made(table: Path) -> bool:
    """Whether a prepared table is there, as long as its record says; `check_sample` looks inside."""
    record = recorded(table)
    return record is not None and table.is_file() and table.stat().st_size == record.bytes


def _record_path(table: Path) -> Path:
    return table.with_name(f"{table.name}.json")

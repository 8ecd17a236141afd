"""Files that appear whole or not at all: temporary name, fsync, rename, fsync of the folder."""

from __future__ import annotations

import errno
import json
import os
import secrets
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

Record = TypeVar("Record")

#: A temporary file this old belongs to no writer: the longest write takes minutes. On shared storage its
#: process may live on another machine, so age is all there is to go by.
ORPHAN_SECONDS = 24 * 3600.0


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Yield a hidden temporary path beside `path`; on a clean exit it becomes `path` in one step.

    The temporary name starts with a dot, which Parquet readers ignore, and is random, so that two writers
    never share it; process ids repeat between the containers that share a folder. On an error the temporary
    file is removed and `path` is untouched; where the disk is full that error is an OSError with errno
    ENOSPC, whatever library wrote. A device or a pipe is written itself: the rename would put a file in its
    place. What is yielded is absolute: pyarrow takes a relative path that begins as run:1/ for a URI.
    """
    path = Path(path).absolute()
    if path.exists() and not (path.is_file() or path.is_dir()):
        yield path
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}.tmp")
    try:
        yield temporary
        _flush(temporary)
        os.replace(temporary, path)
        _flush(path.parent)
    except Exception as error:
        # safetensors words what the disk refuses as an error of its own; a full disk must be known as one
        if not isinstance(error, OSError) and os.strerror(errno.ENOSPC) in str(error):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path)) from error
        raise
    finally:
        temporary.unlink(missing_ok=True)


def is_disk_full(error: BaseException) -> bool:
    """Whether a file could not be written for want of room, on the disk or in the user's quota."""
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)


def remove_orphans(temporaries: Iterable[Path]) -> None:
    """Delete those of our temporary files that a killed writer left behind: they are a day old."""
    for path in temporaries:
        try:
            if time.time() - path.stat().st_mtime > ORPHAN_SECONDS:
                path.unlink()
        except FileNotFoundError:
            continue  # another process swept, too


def write_text(path: Path, text: str) -> None:
    """Write `text` (UTF-8) to `path` atomically."""
    with whole_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def read_record(path: Path, kind: type[Record]) -> Record | None:
    """The `kind`, a dataclass, that `path` holds as JSON; None where there is none, or it is damaged.

    For what may be lost: notes that only save work.
    """
    try:
        return kind(**json.loads(path.read_text(encoding="utf-8")))
    except (FileNotFoundError, NotADirectoryError, ValueError, TypeError):
        return None


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

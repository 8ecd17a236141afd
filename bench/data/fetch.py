"""Fetching published files: resumed where it stopped, checked, and there only when whole and right."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.client import HTTPException
from pathlib import Path
from typing import BinaryIO
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from filelock import FileLock

from bench.atomic import whole_file
from bench.data.base import File, Progress

CHUNK = 2**20
TIMEOUT = 30  # seconds without a byte
AGENT = "disentanglement-bench"  # some hosts refuse the library's default


class FetchError(Exception):
    """A file could not be fetched; the message says why and how to get it by hand."""


class _Problem(Exception):
    """What is wrong with one address; the next one may do."""


def fetch_file(file: File, folder: Path, progress: Progress) -> bool:
    """Fetch `file` to its place under the data folder; False, and nothing done, if it is there and right.

    Bytes gather in `NAME.part`, from which a later call goes on. `progress` is called with bytes done and in
    all. A FetchError tells what every address answered, why nothing can be written, or what is wrong with the
    file that is there.
    """
    target = folder / file.path
    try:
        return _fetch(file, target, progress)
    except OSError as error:  # the disk's; what is wrong with a connection is a _Problem
        raise FetchError(
            f"{target.parent} cannot be written ({error.strerror or error}). Choose another folder with "
            "--data-dir or BENCH_DATA."
        ) from error


def _fetch(file: File, target: Path, progress: Progress) -> bool:
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f"{target.name}.part")
    with FileLock(target.with_name(f".{target.name}.lock")):  # two at once would append to the same part
        if target.is_file():
            if problem := flaw(target, file):
                raise FetchError(
                    f"{target} is there and is not the published file ({problem}). Delete it and type the "
                    "command again."
                )
            return False
        problems = []
        for url in file.urls:
            try:
                _download(url, part, file, progress)
            except _Problem as problem:
                problems.append(f"{url}: {problem}")
                continue
            with whole_file(target) as temporary:
                os.replace(part, temporary)
            return True
    raise FetchError(
        f"{target.name} could not be fetched. {' '.join(problems)} "
        f"Type the command again to go on, or download the file by hand and put it at {target}."
    )


def flaw(path: Path, file: File) -> str | None:
    """What is wrong with a published file at `path`, as a clause; None when it is as it should be."""
    size = path.stat().st_size
    if size == 0:
        return "it is empty"
    if file.bytes is not None and size != file.bytes:
        return f"it has {size:,} bytes, the published file {file.bytes:,}"
    for algorithm, expected in (("sha256", file.sha256), ("md5", file.md5)):
        if expected is None:
            continue
        with path.open("rb") as content:
            found = hashlib.file_digest(content, algorithm).hexdigest()
        if found != expected:
            return f"its {algorithm} is {found}, that of the published file {expected}"
    return None


def _download(url: str, part: Path, file: File, progress: Progress) -> None:
    """Complete `part` from `url` and check it; a _Problem leaves a part worth going on with, or none."""
    done = part.stat().st_size if part.exists() else 0
    if done == 0 or done != file.bytes:
        done, total = _append(url, part, done, file, progress)
        if total is not None and done < total:
            raise _Problem(f"the connection ended after {done:,} of {total:,} bytes.")
    problem = flaw(part, file)
    if problem:
        part.unlink()  # going on from here could never give the right file
        raise _Problem(f"{problem}.")


def _append(url: str, part: Path, done: int, file: File, progress: Progress) -> tuple[int, int | None]:
    """Append what `url` has after `done` bytes; returns bytes there now, and in all if the host said."""
    headers = {"User-Agent": AGENT} | ({"Range": f"bytes={done}-"} if done else {})
    try:
        with urlopen(Request(url, headers=headers), timeout=TIMEOUT) as response:
            if response.status != HTTPStatus.PARTIAL_CONTENT:
                done = 0  # the host sends the whole file, whatever was asked for
            elif not response.headers.get("Content-Range", "").startswith(f"bytes {done}-"):
                if not done:
                    raise _Problem("the host sent a part of the file that nobody asked for.")
                return _append(url, part, 0, file, progress)  # another part than asked for: all of it, then
            total = None if response.length is None else done + response.length
            _check_answer(response.headers.get_content_type(), total, file)
            _check_room(part, done, total)
            with _open(part, done) as out:
                while chunk := response.read(CHUNK):
                    with _disk(part):
                        out.write(chunk)
                        out.flush()
                    done += len(chunk)
                    progress(done, total or 0)
            return done, total
    except HTTPError as error:
        if error.code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            if error.headers.get("Content-Range", "").endswith(f"/{done}"):
                return done, done  # the part was whole already
            part.unlink()
            raise _Problem("the part fetched earlier is no part of this file; it is removed.") from error
        raise _Problem(f"the host answered {error.code} {error.reason}.") from error
    except (OSError, HTTPException) as error:  # a FetchError is neither: that is the disk's
        raise _Problem(f"no connection ({getattr(error, 'reason', error)}).") from error


def _check_answer(content_type: str, total: int | None, file: File) -> None:
    """Refuse what cannot be the published file, or could not be told from half of it, before its bytes."""
    if content_type == "text/html":
        raise _Problem("the host answered with a web page.")
    if total is None and not (file.bytes or file.has_checksum):
        raise _Problem("the host does not say how long the file is, and nobody recorded it.")
    if None not in (total, file.bytes) and total != file.bytes:
        raise _Problem(f"it has {total:,} bytes there, the published file {file.bytes:,}.")


def _check_room(part: Path, done: int, total: int | None) -> None:
    """Refuse a file that the disk cannot hold, before its bytes are fetched."""
    free = shutil.disk_usage(part.parent).free
    if total is not None and free < total - done:
        raise FetchError(
            f"{part.parent} has {free:,} bytes free, and {total - done:,} are needed. "
            "Make room, or choose another folder with --data-dir."
        )


def _open(part: Path, done: int) -> BinaryIO:
    """The part, to be written on after its first `done` bytes."""
    with _disk(part):
        out = part.open("r+b" if done else "wb")
        out.truncate(done)
        out.seek(done)
        return out


@contextmanager
def _disk(part: Path) -> Iterator[None]:
    """What goes wrong in here is the disk's, not the connection's."""
    try:
        yield
    except OSError as error:
        raise FetchError(
            f"{part} cannot be written ({error.strerror}). Make room and type the command again: it goes on "
            "from there."
        ) from error

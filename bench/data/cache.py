"""Prepared tables: flat `.npy` files, made by many cores, whole or not at all, read as memory maps."""

from __future__ import annotations

import math
import zipfile
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import BinaryIO, TypeVar

import numpy as np

from bench.atomic import whole_file
from bench.data.base import Progress
from bench.data.record import check_sample, write_record

Item = TypeVar("Item")
Result = TypeVar("Result")


def write_table(
    path: Path,
    shape: tuple[int, ...],
    blocks: Iterable[np.ndarray],
    progress: Progress,
    published: Iterable[Path] = (),
) -> None:
    """Write `blocks`, consecutive rows of a uint8 table of `shape`, to `path` (.npy) in one atomic step.

    Its record goes before it, with the checksums of the `published` files in its folder that it is made from.
    `progress` is told rows done and rows in all. A ValueError, and no file, if the rows are not as many.
    """
    done = 0
    header = {"descr": "|u1", "fortran_order": False, "shape": shape}
    with whole_file(path) as temporary, temporary.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
        for block in blocks:
            file.write(np.ascontiguousarray(block, dtype=np.uint8).reshape(len(block), *shape[1:]).data)
            done += len(block)
            progress(done, shape[0])
        if done != shape[0]:
            raise ValueError(f"{path.name} should get {shape[0]} rows, but its source gave {done}.")
        file.flush()
        write_record(path, temporary, published)


def open_table(path: Path) -> np.ndarray:
    """Memory map of a prepared table, shared between processes; DamagedTable where a sample of it is wrong.

    Copy-on-write, not read-only, since torch warns of arrays it may not write to; the file never changes.
    """
    check_sample(path)
    return np.load(path, mmap_mode="c")


def in_order(make: Callable[[Item], Result], items: Iterable[Item], processes: int) -> Iterator[Result]:
    """`make` of every item, in order, on `processes` cores, at most a few results ahead of the reader.

    Threads rather than processes: numpy and Pillow release the interpreter's lock on arrays of this size, and
    threads need neither pickling nor an importable main module.
    """
    waiting: deque = deque()
    with ThreadPoolExecutor(processes) as pool:
        for item in items:
            waiting.append(pool.submit(make, item))
            if len(waiting) > 2 * processes:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def npz_blocks(path: Path, member: str, shape: tuple[int, ...], rows: int) -> Iterator[np.ndarray]:
    """Rows of the uint8 array `member` of an .npz in blocks of `rows`, never the whole in memory.

    Other members (a pickled `metadata`, say) are not touched. A ValueError if the array is not of `shape`.
    """
    with zipfile.ZipFile(path) as archive, archive.open(f"{member}.npy") as file:
        _check_header(file, path, member, shape)
        row_bytes = math.prod(shape[1:])
        for start in range(0, shape[0], rows):
            count = min(rows, shape[0] - start)
            block = file.read(count * row_bytes)
            if len(block) < count * row_bytes:
                raise ValueError(f"{path} ends early, within rows {start:,} of {member!r}. Fetch it again.")
            yield np.frombuffer(block, np.uint8).reshape(count, *shape[1:])


def _check_header(file: BinaryIO, path: Path, member: str, shape: tuple[int, ...]) -> None:
    version = np.lib.format.read_magic(file)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    found, fortran_order, dtype = read(file)
    if found != shape or fortran_order or dtype != np.uint8:
        order = "Fortran" if fortran_order else "C"
        raise ValueError(
            f"{path} holds {member!r} as {dtype} of shape {found} in {order} order; "
            f"uint8 of shape {shape} in C order is needed. Is it another version of the file?"
        )

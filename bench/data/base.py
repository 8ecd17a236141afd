"""What a data set is: a grid of factor values with images, and the entry that says where it comes from.

Nothing heavier than numpy is imported here: plans and reports ask an entry for factors and sources without
opening anything.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.data.record import is_made

Progress = Callable[[int, int], None]  # (done, total)


class Dataset:
    """Images on a grid of factor values: all combinations, the last factor fastest.

    A subclass gives the names and sizes below, `images` and `tables`. One whose images do not fill a grid
    overrides `size`, `factors` and `index` too (docs/datasets.md shows one).
    """

    name: str
    source: str = "real"  # "real", or "rendered:1" where 1 is the renderer's version
    factor_names: tuple[str, ...]
    factor_sizes: tuple[int, ...]
    image_shape: tuple[int, int, int]  # height, width, channels
    nuisance: str | None = None  # "color", "noise" or "scream": drawn anew at every request
    nuisance_size: int = 0  # uniform numbers in [0, 1) that draw one image's nuisance
    nuisance_bits: int = 32  # how fine they must be; 8 where they become pixels
    hidden_size: int = 1  # images per grid point; they differ in a factor that is kept back

    @property
    def size(self) -> int:
        """Number of images; nuisance not counted."""
        return math.prod(self.factor_sizes) * self.hidden_size

    def factors(self, index: np.ndarray) -> np.ndarray:
        """Factor classes (n, K) int64 of the images `index` (n,)."""
        point = np.asarray(index) // self.hidden_size
        return np.stack(np.unravel_index(point, self.factor_sizes), axis=-1).astype(np.int64)

    def index(self, factors: np.ndarray, rng: np.random.Generator | None = None) -> np.ndarray:
        """Index (n,) int64 of an image for each row of `factors` (n, K); `rng` draws a hidden factor."""
        columns = tuple(np.asarray(factors).T)
        point = np.ravel_multi_index(columns, self.factor_sizes).astype(np.int64)
        if self.hidden_size == 1:
            return point
        if rng is None:
            raise ValueError(
                f"{self.name} has {self.hidden_size} images for the same factors; "
                "pass rng=, a numpy Generator, to draw one of them."
            )
        return point * self.hidden_size + rng.integers(self.hidden_size, size=len(point))

    def images(self, index: np.ndarray, rng: np.random.Generator | None = None) -> np.ndarray:
        """Images (n, H, W, C) uint8 of `index` (n,); `rng` draws the nuisance, where there is one."""
        raise NotImplementedError

    def tables(self) -> dict[str, np.ndarray]:
        """What a device keeps resident: `bits` (N, 512), `images` (N, H, W, C), or `maps` and `colors`."""
        raise NotImplementedError


class PackedImages(Dataset):
    """Binary 64×64 images of a table of bits (N, 512) uint8, most significant bit leftmost."""

    image_shape = (64, 64, 1)

    def __init__(self, bits: np.ndarray, source: str):
        self.bits = bits
        self.source = source

    def images(self, index: np.ndarray, rng: np.random.Generator | None = None) -> np.ndarray:
        return self.masks(index)[..., None] * np.uint8(255)

    def masks(self, index: np.ndarray) -> np.ndarray:
        """Masks (n, 64, 64) uint8, 1 on the sprite."""
        return np.unpackbits(self.bits[index], axis=-1).reshape(-1, 64, 64)

    def tables(self) -> dict[str, np.ndarray]:
        return {"bits": self.bits}


class StoredImages(Dataset):
    """Images of a table of bytes (N, H, W, C) uint8."""

    def __init__(self, table: np.ndarray, source: str):
        self.table = table
        self.source = source

    def images(self, index: np.ndarray, rng: np.random.Generator | None = None) -> np.ndarray:
        # A memory map is read in the order of its rows: much faster where it exceeds the free memory.
        ordered, place = np.unique(index, return_inverse=True)
        return self.table[ordered][place]

    def tables(self) -> dict[str, np.ndarray]:
        return {"images": self.table}


@dataclass(frozen=True)
class File:
    """A published file: where it is fetched from, and what it must look like."""

    path: str
    """Where it is kept, relative to the data folder; its last part is the published name."""
    urls: tuple[str, ...]
    """The canonical address first, then mirrors."""
    bytes: int | None = None
    """Its length, None where nobody recorded it."""
    roughly: int | None = None
    """Its length as told to people where no exact one is recorded; nothing is checked against it."""
    md5: str | None = None
    sha256: str | None = None
    table: str | None = None
    """The prepared table that holds all of it, in the data folder, and stands for it once it is gone:
    for files that several data sets are made from."""

    @property
    def has_checksum(self) -> bool:
        """Whether anybody recorded its checksum, by which it can be told from another file."""
        return bool(self.md5 or self.sha256)


@dataclass(frozen=True)
class Entry:
    """What is known of a data set without opening anything, and how it is prepared and opened."""

    name: str
    factor_names: tuple[str, ...]
    factor_sizes: tuple[int, ...]
    image_shape: tuple[int, int, int]
    size: int | None
    """Number of images, nuisance not counted; None where only the opened data set knows."""
    caches: dict[str, tuple[str, ...]]
    """Source ("real", "rendered:1") -> its prepared files, relative to the data folder."""
    opener: Callable[[str, Path], Dataset]
    """(source, data folder) -> the data set; its prepared files are there."""
    preparer: Callable[[str, Path, int, Progress], None]
    """(source, data folder, processes, progress): makes the prepared files that are missing, by
    `bench.data.cache.write_table`, which records them."""
    files: tuple[File, ...] = ()
    licence: str = ""
    citation: str = ""
    note: str = ""
    """What a user must know before reading its scores, in one or two sentences."""

    @property
    def renderer(self) -> str | None:
        """The source its renderer makes, as "rendered:1"; None without a renderer."""
        return next((source for source in self.caches if source.startswith("rendered:")), None)

    def missing_files(self, folder: Path) -> list[File]:
        """The published files that are not under the data folder."""
        return [file for file in self.files if not (folder / file.path).is_file()]

    def lacking_files(self, folder: Path) -> list[File]:
        """Those of the missing files for which no prepared table stands."""
        missing = self.missing_files(folder)
        return [file for file in missing if not (file.table and is_made(folder / file.table))]

    def is_prepared(self, source: str, folder: Path) -> bool:
        """Whether every prepared file of `source` is there, as long as its record says."""
        return all(is_made(folder / cache) for cache in self.caches[source])

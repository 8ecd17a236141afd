"""SmallNORB (LeCun et al. 2004): photographs of 50 toys, first camera only, or smallnorb-like renderings.

The toy's instance is no ground-truth factor: ten images share the same factors, and one is drawn at each
request (locatello2019.md §4). Training and testing files are joined. Tables are in grid order, the instance
fastest.
"""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from bench.data import smallnorb_render
from bench.data.base import Entry, File, Progress, StoredImages
from bench.data.cache import in_order, open_table, write_table
from bench.data.resize import lanczos_64

FACTOR_NAMES = ("category", "elevation", "azimuth", "lighting")
FACTOR_SIZES = (5, 9, 18, 6)
INSTANCES = 10
RENDERED = "rendered:1"
CACHES = {"real": ("smallnorb/real.npy",), RENDERED: ("smallnorb/rendered-1.npy",)}
BLOCK = 540  # images shrunk or rendered at a time

ADDRESSES = (
    "https://cs.nyu.edu/~ylclab/data/norb-v1.0-small",
    "http://www.cs.nyu.edu/~ylclab/data/norb-v1.0-small",
)
TRAINING = "smallnorb-5x46789x9x18x6x2x96x96-training"
TESTING = "smallnorb-5x01235x9x18x6x2x96x96-testing"


def _file(part: str, kind: str, size: int, md5: str, sha256: str) -> File:
    name = f"{part}-{kind}.mat.gz"
    urls = tuple(f"{address}/{name}" for address in ADDRESSES)
    return File(path=f"smallnorb/{name}", urls=urls, bytes=size, md5=md5, sha256=sha256)


FILES = (
    _file(
        TRAINING, "dat", 131_896_188, "66054832f9accfe74a0f4c36a75bc0a2",
        "5ffd6272a07d32695ee1082a26a41a93a37aab8c28da047f8c34ed348d214873",
    ),
    _file(
        TRAINING, "cat", 348, "23c8b86101fbf0904a000b43d3ed2fd9",
        "2784e542c1922060691090952b6cd6278879a216c90f81476f0f00256d42cdaa",
    ),
    _file(
        TRAINING, "info", 71_052, "51dee1210a742582ff607dfd94e332e3",
        "de7eb932ebe7a4ee16217fead60660d0eb3d23632c2f4d1c51f88c501c17bf32",
    ),
    _file(
        TESTING, "dat", 130_799_817, "e4ad715691ed5a3a5f138751a4ceb071",
        "cf7104eed3e51174d2f65b66d1e5878b9da233b886f161b0d88f4510ba2c7474",
    ),
    _file(
        TESTING, "cat", 347, "5aa791cd7e6016cf957ce9bdb93b8603",
        "ecaf6d5bb8c3bc5eab9cf0258f6d2198dd474e016e374836fc097f2e5ff509ff",
    ),
    _file(
        TESTING, "info", 10_428, "a9454f3864d7fd4bb3ea7fc3eb84924e",
        "16adf314226327ee006d1a44db8cfef52773c06c829951d5653a9f6f310248a2",
    ),
)  # fmt: skip

# Little-endian binary matrices, not MATLAB's: the magic number says the type of the elements.
ELEMENTS = {0x1E3D4C55: "<u1", 0x1E3D4C54: "<i4", 0x1E3D4C51: "<f4", 0x1E3D4C53: "<f8"}


class SmallNORB(StoredImages):
    """48,600 images 64×64×1; `index` draws the instance."""

    name = "smallnorb"
    factor_names = FACTOR_NAMES
    factor_sizes = FACTOR_SIZES
    image_shape = (64, 64, 1)
    hidden_size = INSTANCES


def prepare(source: str, folder: Path, processes: int, progress: Progress) -> None:
    """Write the table (48600, 64, 64, 1), 199 MB, in grid order with the instance fastest."""
    path = folder / CACHES[source][0]
    shape = (math.prod(FACTOR_SIZES) * INSTANCES, 64, 64, 1)
    published = [folder / file.path for file in FILES] if source == "real" else []
    blocks = _published_blocks(folder, processes) if published else _rendered_blocks(processes)
    write_table(path, shape, blocks, progress, published)


def read_matrix(path: Path) -> np.ndarray:
    """A gzipped binary matrix of SmallNORB: magic number, number of sizes, the sizes, the elements."""
    try:
        with gzip.open(path) as file:
            content = file.read()
        magic, axes = struct.unpack_from("<2i", content)
        element = ELEMENTS[magic]
        shape = struct.unpack_from(f"<{axes}i", content, offset=8)
        start = 8 + 4 * max(3, axes)  # three sizes are stored even where there are fewer axes
        return np.frombuffer(content, element, offset=start).reshape(shape)
    except KeyError:
        raise ValueError(
            f"{path} is no matrix of SmallNORB (its magic number is {magic:#x}). Fetch it again."
        ) from None
    except (EOFError, gzip.BadGzipFile, zlib.error, struct.error, ValueError) as error:
        raise ValueError(f"{path} is no whole matrix of SmallNORB ({error}). Fetch it again.") from error


def _published_blocks(folder: Path, processes: int) -> Iterator[np.ndarray]:
    images, rows = [], []
    for part in (TRAINING, TESTING):
        data, category, info = (
            read_matrix(folder / "smallnorb" / f"{part}-{kind}.mat.gz") for kind in ("dat", "cat", "info")
        )
        instance, elevation, azimuth, lighting = info.T
        place = (
            category,
            elevation,
            azimuth // 2,
            lighting,
            instance,
        )  # azimuth is stored in units of 10°, even
        rows.append(np.ravel_multi_index(place, (*FACTOR_SIZES, INSTANCES)))
        images.append(data[:, 0].copy())  # the first of the two cameras
    images, order = np.concatenate(images), np.argsort(np.concatenate(rows))
    if not np.array_equal(np.concatenate(rows)[order], np.arange(len(order))):
        raise ValueError(
            f"The files in {folder / 'smallnorb'} do not hold every image once. Fetch them again."
        )
    return in_order(
        lambda start: lanczos_64(images[order[start : start + BLOCK]]), range(0, len(order), BLOCK), processes
    )


def _rendered_blocks(processes: int) -> Iterator[np.ndarray]:
    return in_order(lambda view: smallnorb_render.render(*view), np.ndindex(FACTOR_SIZES[:3]), processes)


ENTRY = Entry(
    name="smallnorb",
    factor_names=FACTOR_NAMES,
    factor_sizes=FACTOR_SIZES,
    image_shape=(64, 64, 1),
    size=math.prod(FACTOR_SIZES) * INSTANCES,
    caches=CACHES,
    opener=lambda source, folder: SmallNORB(open_table(folder / CACHES[source][0]), source),
    preparer=prepare,
    files=FILES,
    licence="for research purposes (see the page of the data set)",
    citation="Y. LeCun, F. J. Huang, L. Bottou. Learning Methods for Generic Object Recognition with "
    "Invariance to Pose and Lighting. CVPR 2004. https://cs.nyu.edu/~ylclab/data/norb-v1.0-small/",
    note="The instance (10 per category) is no factor, it is drawn anew. Rendered: smallnorb-like toys.",
)

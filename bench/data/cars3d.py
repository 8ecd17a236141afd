"""Cars3D (Reed et al. 2015): 183 car models seen from 24 × 4 directions, or cars3d-like renderings.

Objects are numbered in the order of the archive's list.txt; the reference took the order of a directory
listing, which depends on the file system. Metrics that treat the object as a category do not care.
"""

from __future__ import annotations

import io
import math
import tarfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from bench.data import cars3d_render
from bench.data.base import Entry, File, Progress, StoredImages
from bench.data.cache import in_order, open_table, write_table
from bench.data.resize import lanczos_64

FACTOR_NAMES = ("elevation", "azimuth", "object")
FACTOR_SIZES = (4, 24, 183)
MESH = (128, 128, 3, 24, 4)  # a car's `im`: row, column, channel, azimuth, elevation
RENDERED = "rendered:1"
CACHES = {"real": ("cars3d/real.npy",), RENDERED: ("cars3d/rendered-1.npy",)}

FILE = File(
    path="cars3d/nips2015-analogy-data.tar.gz",
    urls=(
        "http://www.scottreed.info/files/nips2015-analogy-data.tar.gz",
        "http://www-personal.umich.edu/~reedscot/files/nips2015-analogy-data.tar.gz",
    ),
    roughly=290_000_000,
    md5="4e866a7919c1beedf53964e6f7a23686",
)


class Cars3D(StoredImages):
    """17,568 images 64×64×3."""

    name = "cars3d"
    factor_names = FACTOR_NAMES
    factor_sizes = FACTOR_SIZES
    image_shape = (64, 64, 3)


def prepare(source: str, folder: Path, processes: int, progress: Progress) -> None:
    """Write the table (17568, 64, 64, 3), 216 MB, in grid order."""
    path = folder / CACHES[source][0]
    published = [folder / FILE.path] if source == "real" else []
    if published:
        table = _published_table(*published, processes, progress)
        blocks = table.reshape(-1, FACTOR_SIZES[2], 64, 64, 3)
    else:
        blocks = in_order(_rendered_block, np.ndindex(FACTOR_SIZES[:2]), processes)
    write_table(path, (math.prod(FACTOR_SIZES), 64, 64, 3), blocks, progress, published)


def _rendered_block(view: tuple[int, ...]) -> np.ndarray:
    """Every car (183, 64, 64, 3) from one elevation and azimuth."""
    return np.stack([cars3d_render.render(number, *view) for number in range(FACTOR_SIZES[2])])


def _published_table(path: Path, processes: int, progress: Progress) -> np.ndarray:
    """All images (4, 24, 183, 64, 64, 3) in memory: the archive goes by object, the grid does not."""
    listed = _listed(path)
    table = np.empty((*FACTOR_SIZES, 64, 64, 3), np.uint8)
    missing = set(listed)
    for name, views in in_order(_shrink, _meshes(path), processes):
        if name in missing:
            table[:, :, listed.index(name)] = views
            missing.remove(name)
            progress(len(listed) - len(missing), len(listed))
    if missing or len(listed) != FACTOR_SIZES[2]:
        raise ValueError(
            f"{path} lists {len(listed)} cars, of which {len(missing)} have no mesh; Cars3D has "
            f"{FACTOR_SIZES[2]}. Fetch it again."
        )
    return table


def _listed(path: Path) -> list[str]:
    """Names of the cars in the order of list.txt, without what follows the number."""
    with tarfile.open(path, "r:gz") as archive:
        for member in archive:
            if Path(member.name).match("data/cars/list.txt"):
                return [_car(name) for name in archive.extractfile(member).read().decode().split()]
    raise ValueError(f"{path} holds no data/cars/list.txt. Fetch it again.")


def _meshes(path: Path) -> Iterator[tuple[str, bytes]]:
    """Name and content of each car's .mat, in the order of the archive."""
    with tarfile.open(path, "r:gz") as archive:
        for member in archive:
            if Path(member.name).match("data/cars/*_mesh.mat"):
                yield _car(member.name), archive.extractfile(member).read()


def _car(name: str) -> str:
    return Path(name).stem.removesuffix("_mesh")


def _shrink(mesh: tuple[str, bytes]) -> tuple[str, np.ndarray]:
    """Name and views (4, 24, 64, 64, 3) of a car."""
    from scipy.io import loadmat

    name, content = mesh
    try:
        views = loadmat(io.BytesIO(content), variable_names=["im"])["im"]
    except Exception as error:  # scipy has errors of five kinds for a file that is cut
        raise ValueError(
            f"{Path(FILE.path).name} holds a mesh of {name} that cannot be read ({error}). Fetch it again."
        ) from error
    if views.shape != MESH or views.dtype != np.uint8:
        raise ValueError(
            f"{Path(FILE.path).name} holds a mesh of {name} of {views.dtype} and shape {views.shape}; Cars3D "
            f"has uint8 of {MESH}. Fetch it again."
        )
    views = views.transpose(4, 3, 0, 1, 2)
    small = lanczos_64(np.ascontiguousarray(views).reshape(-1, *views.shape[2:]))
    return name, small.reshape(*views.shape[:2], 64, 64, 3)


ENTRY = Entry(
    name="cars3d",
    factor_names=FACTOR_NAMES,
    factor_sizes=FACTOR_SIZES,
    image_shape=(64, 64, 3),
    size=math.prod(FACTOR_SIZES),
    caches=CACHES,
    opener=lambda source, folder: Cars3D(open_table(folder / CACHES[source][0]), source),
    preparer=prepare,
    files=(FILE,),
    licence="published with the paper's code; no terms of redistribution are stated",
    citation="S. Reed, Y. Zhang, Y. Zhang, H. Lee. Deep Visual Analogy-Making. NeurIPS 2015.",
    note="Objects are numbered in the order of list.txt. Rendered: cars3d-like primitives.",
)

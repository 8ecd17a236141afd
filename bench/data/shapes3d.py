"""3D Shapes (Burgess & Kim 2018), or shapes3d-like images composed from 480 rendered geometries."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from bench.data import shapes3d_render
from bench.data.base import Dataset, Entry, File, Progress, StoredImages
from bench.data.cache import in_order, open_table, write_table

FACTOR_NAMES = ("floor_hue", "wall_hue", "object_hue", "scale", "shape", "orientation")
FACTOR_SIZES = (10, 10, 10, *shapes3d_render.GEOMETRY_SIZES)
SIZE = 480_000
GEOMETRIES = 480
RENDERED = "rendered:1"

FILE = File(
    path="shapes3d/3dshapes.h5",
    urls=("https://storage.googleapis.com/3d-shapes/3dshapes.h5",),
    bytes=267_573_662,
    md5="099a2078d58cec4daad0702c55d06868",
    sha256="0a0f6ed98baff276a50f3a081a7434d788da63cb135a98189b2a5b5769be1785",
)
CACHES = {"real": ("shapes3d/real.npy",), RENDERED: ("shapes3d/rendered-1.npy",)}


class Shapes3D(StoredImages):
    """The 480,000 published images, 64×64×3."""

    name = "shapes3d"
    factor_names = FACTOR_NAMES
    factor_sizes = FACTOR_SIZES
    image_shape = (64, 64, 3)


class Shapes3DLike(Dataset):
    """The same grid from maps (480, 5, 64, 64) uint8; an image is a geometry's maps times three hues."""

    name = "shapes3d"
    factor_names = FACTOR_NAMES
    factor_sizes = FACTOR_SIZES
    image_shape = (64, 64, 3)

    def __init__(self, maps: np.ndarray, source: str):
        self.maps = maps
        self.colors = shapes3d_render.colors()
        self.source = source

    def images(self, index: np.ndarray, rng: np.random.Generator | None = None) -> np.ndarray:
        hues, geometry = np.divmod(index, GEOMETRIES)
        maps = self.maps[geometry].reshape(len(geometry), -1, 4096).astype(np.float32)
        images = np.minimum(np.rint(self.colors[hues] @ maps), 255)  # rounded maps may sum to a little over 1
        return images.astype(np.uint8).reshape(-1, 3, 64, 64).transpose(0, 2, 3, 1)

    def tables(self) -> dict[str, np.ndarray]:
        return {"maps": self.maps, "colors": self.colors}


def open_source(source: str, folder: Path) -> Dataset:
    kind = Shapes3D if source == "real" else Shapes3DLike
    return kind(open_table(folder / CACHES[source][0]), source)


def prepare(source: str, folder: Path, processes: int, progress: Progress) -> None:
    """Write the images (480000, 64, 64, 3), 5.9 GB, or the rendered maps (480, 5, 64, 64), 10 MB."""
    path = folder / CACHES[source][0]
    if source == "real":
        published = folder / FILE.path
        write_table(path, (SIZE, 64, 64, 3), _published_blocks(published), progress, [published])
    else:
        maps = in_order(_rendered_block, np.ndindex(shapes3d_render.GEOMETRY_SIZES), processes)
        write_table(path, (GEOMETRIES, len(shapes3d_render.MAPS), 64, 64), maps, progress)


def _rendered_block(geometry: tuple[int, ...]) -> np.ndarray:
    return np.rint(255 * shapes3d_render.render(*geometry))[None].astype(np.uint8)


def _published_blocks(path: Path) -> Iterator[np.ndarray]:
    """Images in blocks as long as the file's compressed chunks, so that each chunk is unpacked once."""
    import h5py

    with h5py.File(path) as file:
        images = file["images"]
        if images.shape != (SIZE, 64, 64, 3) or images.dtype != np.uint8:
            raise ValueError(
                f"{path} holds images of {images.dtype} and shape {images.shape}; "
                f"3D Shapes has uint8 of {(SIZE, 64, 64, 3)}. Fetch it again."
            )
        rows = images.chunks[0] if images.chunks else 1000
        for start in range(0, SIZE, rows):
            yield images[start : start + rows]


ENTRY = Entry(
    name="shapes3d",
    factor_names=FACTOR_NAMES,
    factor_sizes=FACTOR_SIZES,
    image_shape=(64, 64, 3),
    size=SIZE,
    caches=CACHES,
    opener=open_source,
    preparer=prepare,
    files=(FILE,),
    licence="Apache-2.0",
    citation="C. Burgess, H. Kim. 3D Shapes Dataset, 2018. https://github.com/deepmind/3dshapes-dataset/",
    note="Rendered: shapes3d-like, the same room and factors without texture.",
)

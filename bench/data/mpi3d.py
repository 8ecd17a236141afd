"""MPI3D (Gondal et al. 2019): a robot arm, simulated (toy, realistic) or filmed (real); no renderer."""

from __future__ import annotations

from pathlib import Path

from bench.data.base import Entry, File, Progress, StoredImages
from bench.data.cache import npz_blocks, open_table, write_table

FACTOR_NAMES = (
    "object_color",
    "object_shape",
    "object_size",
    "camera_height",
    "background_color",
    "first_joint",
    "second_joint",
)
# The names of files are no guide to their length: the length is checked against these when one is prepared.
FACTOR_SIZES = (6, 6, 2, 3, 3, 40, 40)
SIZE = 1_036_800
FACTOR_SIZES_2019 = (4, 4, 2, 3, 3, 40, 40)  # the competition's toy file
SIZE_2019 = 460_800
ADDRESS = "https://storage.googleapis.com/disentanglement_dataset"


class MPI3D(StoredImages):
    """Images 64×64×3 of one variant."""

    factor_names = FACTOR_NAMES
    image_shape = (64, 64, 3)


def entry(name: str, size: int, factor_sizes: tuple[int, ...], address: str, md5: str | None = None) -> Entry:
    """The entry of the variant published at `address` under ADDRESS."""
    file = File(path=f"{name}/{address.rpartition('/')[2]}", urls=(f"{ADDRESS}/{address}",), md5=md5)
    cache = f"{name}/real.npy"

    def open_source(source: str, folder: Path) -> MPI3D:
        dataset = MPI3D(open_table(folder / cache), source)
        dataset.name, dataset.factor_sizes = name, factor_sizes
        return dataset

    def prepare(source: str, folder: Path, processes: int, progress: Progress) -> None:
        shape, published = (size, 64, 64, 3), folder / file.path
        blocks = npz_blocks(published, "images", shape, 1000)
        write_table(folder / cache, shape, blocks, progress, [published])

    return Entry(
        name=name,
        factor_names=FACTOR_NAMES,
        factor_sizes=factor_sizes,
        image_shape=(64, 64, 3),
        size=size,
        caches={"real": (cache,)},
        opener=open_source,
        preparer=prepare,
        files=(file,),
        licence="Creative Commons (check the text at https://github.com/rr-learning/disentanglement_dataset)",
        citation="M. W. Gondal et al. On the Transfer of Inductive Bias from Simulation to the Real World: "
        "a New Disentanglement Dataset. NeurIPS 2019.",
        note=f"{size * 64 * 64 * 3 / 1e9:.1f} GB once prepared, read as a memory map; known by its length, "
        f"{size:,} images, not by its name. No renderer stands in for it.",
    )


TOY = entry(
    "mpi3d_toy", SIZE, FACTOR_SIZES, "Final_Dataset/mpi3d_toy.npz", md5="55889cb7c7dfc655d6e0277beee88868"
)
REALISTIC = entry(
    "mpi3d_realistic",
    SIZE,
    FACTOR_SIZES,
    "Final_Dataset/mpi3d_realistic.npz",
    md5="59a6225b88b635365f70c91b3e52f70f",
)
REAL = entry(
    "mpi3d_real", SIZE, FACTOR_SIZES, "Final_Dataset/mpi3d_real.npz", md5="0f33f609918fb5c97996692f91129802"
)
TOY_2019 = entry(
    "mpi3d_toy_2019",
    SIZE_2019,
    FACTOR_SIZES_2019,
    "data_npz/sim_toy_64x_ordered_without_heldout_factors.npz",
)

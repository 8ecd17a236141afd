"""Each published format in miniature: fetched, verified, prepared and read."""

import gzip
import io
import pickle
import struct
import tarfile
import zipfile

import h5py
import numpy as np
import pytest
import torch
from scipy.io import savemat

from bench import data
from bench.data import cars3d, commands, dsprites, mpi3d, shapes3d, smallnorb
from bench.data.device import DeviceImages


def silent(name, done, total):
    pass


def fetched_and_prepared(name, folder):
    """The data set after `bench data fetch`, `verify` and `prepare`."""
    lines = list(commands.fetch(name, folder, silent))
    assert "Licence: " in lines[0]
    assert "Please cite: " in lines[0]
    assert {check.state for check in commands.verify(name, folder)} == {"right"}
    data.prepare(name, data.resolve_source(name, "auto", folder), folder)
    assert {check.state for check in commands.verify(name, folder)} == {"right"}
    return data.open_dataset(name, "real", folder)


@pytest.fixture
def put(published, tmp_path):
    """(name, path, content): a file as some host published it, put under `tmp_path` by hand."""

    def by_hand(name, path, content):
        published(name, {path: content})
        (tmp_path / path).parent.mkdir()
        (tmp_path / path).write_bytes(content)

    return by_hand


def npz(**arrays):
    """An .npz with a dictionary pickled under Python 2 beside its arrays, as dSprites has."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, array in arrays.items():
            member = io.BytesIO()
            np.lib.format.write_array(member, array)
            archive.writestr(f"{name}.npy", member.getvalue())
        archive.writestr("metadata.npy", pickle.dumps({"author": "x"}, protocol=2))
    return content.getvalue()


@pytest.fixture
def small_dsprites(monkeypatch, rng):
    """2,048 images instead of 737,280: two of the three shapes, one scale, one orientation."""
    monkeypatch.setattr(dsprites, "SIZE", 2048)
    monkeypatch.setattr(dsprites.DSprites, "factor_sizes", (2, 1, 1, 32, 32))
    images = np.zeros((2048, 64, 64), np.uint8)
    images[:, 30:32] = rng.integers(2, size=(2048, 2, 64))
    return images


def test_dsprites_npz(published, small_dsprites, tmp_path):
    published("dsprites", {dsprites.FILES[0].path: npz(imgs=small_dsprites)})
    dataset = fetched_and_prepared("dsprites", tmp_path)
    index = dataset.index(np.array([[1, 0, 0, 31, 30], [0, 0, 0, 0, 1]]))
    np.testing.assert_array_equal(index, [2046, 1])
    np.testing.assert_array_equal(dataset.images(index)[..., 0], small_dsprites[index] * 255)


def test_real_dsprites_come_through_the_loader(published, monkeypatch, real_images, tmp_path):
    frames = real_images("dsprites_gif320")["imgs"]
    monkeypatch.setattr(dsprites, "SIZE", 320)
    monkeypatch.setattr(dsprites.DSprites, "factor_sizes", (2, 2, 2, 2, 20))
    published("dsprites", {dsprites.FILES[0].path: npz(imgs=frames)})
    dataset = fetched_and_prepared("dsprites", tmp_path)
    np.testing.assert_array_equal(dataset.images(np.arange(320))[..., 0], 255 * frames)
    batch = DeviceImages(dataset, "cpu").batch(torch.arange(320))
    np.testing.assert_array_equal(batch[:, 0].numpy(), frames)


def test_dsprites_npz_cut_short(put, small_dsprites, tmp_path):
    """Its rows end before the header says."""
    member, content = io.BytesIO(), io.BytesIO()
    np.lib.format.write_array(member, small_dsprites)
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("imgs.npy", member.getvalue()[:-1000])
    put("dsprites", dsprites.FILES[0].path, content.getvalue())
    with pytest.raises(ValueError, match="ends early"):
        data.prepare("dsprites", "real", tmp_path)
    (only,) = (tmp_path / "dsprites").iterdir()
    assert only.suffix == ".npz"


def test_dsprites_npz_of_another_length(put, small_dsprites, tmp_path):
    put("dsprites", dsprites.FILES[0].path, npz(imgs=small_dsprites[:1024]))
    with pytest.raises(ValueError, match=r"\(1024, 64, 64\).*\(2048, 64, 64\)"):
        data.prepare("dsprites", "real", tmp_path)


def test_dsprites_pixels_other_than_0_and_1(put, small_dsprites, tmp_path):
    put("dsprites", dsprites.FILES[0].path, npz(imgs=small_dsprites * 255))
    with pytest.raises(ValueError, match="up to 255"):
        data.prepare("dsprites", "real", tmp_path)


def test_shapes3d_h5(published, monkeypatch, real_images, tmp_path):
    images = real_images("shapes3d_notebook50")["imgs"][:20]
    content = io.BytesIO()
    with h5py.File(content, "w") as file:
        file.create_dataset("images", data=images, chunks=(7, 32, 32, 3), compression="gzip")
        file.create_dataset("labels", data=np.zeros((20, 6)))
    monkeypatch.setattr(shapes3d, "SIZE", 20)
    monkeypatch.setattr(shapes3d.Shapes3D, "factor_sizes", (1, 1, 1, 2, 2, 5))
    published("shapes3d", {shapes3d.FILE.path: content.getvalue()})
    dataset = fetched_and_prepared("shapes3d", tmp_path)
    index = dataset.index(np.array([[0, 0, 0, 1, 0, 3], [0, 0, 0, 0, 1, 2]]))
    np.testing.assert_array_equal(dataset.images(index), images[[13, 7]])


def matrix(array, magic):
    """SmallNORB's binary matrix, gzipped: at least three sizes are stored, unused ones as 1."""
    sizes = [*array.shape, 1, 1][: max(3, array.ndim)]
    header = struct.pack(f"<{2 + len(sizes)}i", magic, array.ndim, *sizes)
    return gzip.compress(header + array.astype(array.dtype.newbyteorder("<")).tobytes())


def norb_part(part, instances, rng):
    """One of the two parts on a 2×2×2×2 grid, shuffled; camera 0 shows the factors, camera 1 is white."""
    grid = np.array(list(np.ndindex(2, 2, 2, 2, len(instances))))
    category, elevation, azimuth, lighting, which = rng.permutation(grid).T
    instance = np.array(instances)[which]
    photographs = np.full((len(grid), 2, 96, 96), 255, np.uint8)
    shade = category * 100 + elevation * 50 + azimuth * 20 + lighting * 10 + instance
    photographs[:, 0] = shade[:, None, None]
    info = np.stack([instance, elevation, 2 * azimuth, lighting], axis=1).astype(np.int32)
    return {
        f"smallnorb/{part}-dat.mat.gz": matrix(photographs, 0x1E3D4C55),
        f"smallnorb/{part}-cat.mat.gz": matrix(category.astype(np.int32), 0x1E3D4C54),
        f"smallnorb/{part}-info.mat.gz": matrix(info, 0x1E3D4C54),
    }


@pytest.fixture
def small_norb(monkeypatch, rng):
    monkeypatch.setattr(smallnorb, "FACTOR_SIZES", (2, 2, 2, 2))
    monkeypatch.setattr(smallnorb, "INSTANCES", 4)
    monkeypatch.setattr(smallnorb.SmallNORB, "factor_sizes", (2, 2, 2, 2))
    monkeypatch.setattr(smallnorb.SmallNORB, "hidden_size", 4)
    training = norb_part(smallnorb.TRAINING, [1, 3], rng)
    return training | norb_part(smallnorb.TESTING, [0, 2], rng)


def test_smallnorb_matrices(published, small_norb, rng, tmp_path):
    published("smallnorb", small_norb)
    dataset = fetched_and_prepared("smallnorb", tmp_path)
    assert dataset.size == 64
    factors = dataset.factors(np.arange(64))
    images = dataset.images(np.arange(64))
    assert np.ptp(images, axis=(1, 2, 3)).max() == 0
    np.testing.assert_array_equal(images[:, 0, 0, 0], factors @ [100, 50, 20, 10] + np.arange(64) % 4)
    drawn = dataset.index(np.tile([1, 0, 1, 0], (100, 1)), rng)
    np.testing.assert_array_equal(np.unique(dataset.images(drawn)), [120, 121, 122, 123])


def test_smallnorb_with_an_image_twice(published, small_norb, tmp_path):
    small_norb[f"smallnorb/{smallnorb.TESTING}-info.mat.gz"] = small_norb[
        f"smallnorb/{smallnorb.TRAINING}-info.mat.gz"
    ]
    published("smallnorb", small_norb)
    list(commands.fetch("smallnorb", tmp_path, silent))
    with pytest.raises(ValueError, match="do not hold every image once"):
        data.prepare("smallnorb", "real", tmp_path)


def test_what_is_no_matrix_is_refused(tmp_path):
    path = tmp_path / "x-dat.mat.gz"
    path.write_bytes(gzip.compress(b"MATLAB 5.0 MAT-file"))
    with pytest.raises(ValueError, match=f"{path} is no matrix of SmallNORB"):
        smallnorb.read_matrix(path)


@pytest.mark.parametrize("cut", [slice(-20), slice(5), slice(10, None)])
def test_matrix_that_is_cut_is_named(tmp_path, rng, cut):
    whole = matrix(rng.integers(256, size=(10, 2, 96, 96), dtype=np.uint8), 0x1E3D4C55)
    path = tmp_path / "x-dat.mat.gz"
    path.write_bytes(whole[cut])
    with pytest.raises(ValueError, match=f"{path} is no whole matrix of SmallNORB"):
        smallnorb.read_matrix(path)
    for length in (4, 20, -1):  # gzipped well, but its content is cut
        path.write_bytes(gzip.compress(gzip.decompress(whole)[:length]))
        with pytest.raises(ValueError, match=f"{path} is no whole matrix of SmallNORB"):
            smallnorb.read_matrix(path)


def car_archive(names, listed):
    """Cars3D's tar: a mesh per name, in this order, its shade telling name, azimuth and elevation."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz", compresslevel=1) as archive:

        def add(path, inside):
            member = tarfile.TarInfo(path)
            member.size = len(inside)
            archive.addfile(member, io.BytesIO(inside))

        shade = np.arange(24)[:, None] * 4 + np.arange(4)  # azimuth, elevation
        for name in names:
            mesh = io.BytesIO()
            views = np.broadcast_to(shade + 50 * int(name[4:7]), (128, 128, 3, 24, 4)).astype(np.uint8)
            savemat(mesh, {"im": views, "mask": np.zeros((2, 2))}, do_compression=True)
            add(f"data/cars/{name}.mat", mesh.getvalue())
        add("data/chairs/list.txt", b"other")
        add("data/cars/list.txt", "\n".join(listed).encode())
    return content.getvalue()


@pytest.fixture
def two_cars(monkeypatch):
    monkeypatch.setattr(cars3d, "FACTOR_SIZES", (4, 24, 2))
    monkeypatch.setattr(cars3d.Cars3D, "factor_sizes", (4, 24, 2))


def test_cars3d_tar(published, two_cars, tmp_path):
    archive = car_archive(["car_001_mesh", "car_002_mesh"], ["car_002_mesh", "car_001_mesh"])
    published("cars3d", {cars3d.FILE.path: archive})
    dataset = fetched_and_prepared("cars3d", tmp_path)
    elevation, azimuth, number = dataset.factors(np.arange(dataset.size)).T
    expected = (
        azimuth * 4 + elevation + 50 * np.array([2, 1])[number]
    )  # the order of list.txt, not of the tar
    images = dataset.images(np.arange(dataset.size))
    np.testing.assert_array_equal(images[:, 10, 20, 2], expected)
    assert np.ptp(images, axis=(1, 2, 3)).max() == 0


def test_cars3d_tar_without_a_listed_car(put, two_cars, tmp_path):
    put("cars3d", cars3d.FILE.path, car_archive(["car_001_mesh"], ["car_001_mesh", "car_002_mesh"]))
    with pytest.raises(ValueError, match="lists 2 cars, of which 1 have no mesh"):
        data.prepare("cars3d", "real", tmp_path)


@pytest.mark.parametrize("length", [0, 50, 150, 1000])
def test_cars3d_mesh_that_is_cut_is_named(two_cars, length):
    mesh = io.BytesIO()
    savemat(mesh, {"im": np.zeros((128, 128, 3, 24, 4), np.uint8)}, do_compression=True)
    with pytest.raises(ValueError, match=r"nips2015.* holds a mesh of car_001 that cannot be read"):
        cars3d._shrink(("car_001", mesh.getvalue()[:length]))


def test_cars3d_mesh_of_another_shape_is_told(two_cars):
    mesh = io.BytesIO()
    savemat(mesh, {"im": np.zeros((64, 64, 3, 24, 4), np.uint8)}, do_compression=True)
    with pytest.raises(ValueError, match=r"uint8 and shape \(64, 64, 3, 24, 4\); Cars3D has"):
        cars3d._shrink(("car_001", mesh.getvalue()))


@pytest.fixture
def small_mpi3d(monkeypatch):
    """The factors of MPI3D with two positions of each joint instead of 40."""
    sizes = (6, 6, 2, 3, 3, 2, 2)
    entry = mpi3d.entry("mpi3d_small", 2592, sizes, "Final_Dataset/mpi3d_small.npz")
    monkeypatch.setitem(data.DATASETS, "mpi3d_small", entry)
    return entry


def test_mpi3d_npz(published, small_mpi3d, rng, tmp_path):
    images = np.zeros((2592, 64, 64, 3), np.uint8)
    images[:, 0, 0] = rng.integers(256, size=(2592, 3))
    published("mpi3d_small", {small_mpi3d.files[0].path: npz(images=images)})
    dataset = fetched_and_prepared("mpi3d_small", tmp_path)
    assert dataset.name == "mpi3d_small"
    np.testing.assert_array_equal(dataset.images(np.array([2591, 3])), images[[2591, 3]])


def test_mpi3d_is_known_by_its_length_not_its_name(small_mpi3d, tmp_path):
    path = tmp_path / small_mpi3d.files[0].path
    path.parent.mkdir()
    path.write_bytes(npz(images=np.zeros((1152, 64, 64, 3), np.uint8)))
    with pytest.raises(ValueError, match="another version of the file"):
        data.prepare("mpi3d_small", "real", tmp_path)


def test_mpi3d_has_no_renderer(tmp_path):
    with pytest.raises(ValueError, match="mpi3d_toy has no renderer"):
        data.resolve_source("mpi3d_toy", "rendered", tmp_path)
    with pytest.raises(FileNotFoundError, match="bench data fetch mpi3d_toy"):
        data.resolve_source("mpi3d_toy", "auto", tmp_path)

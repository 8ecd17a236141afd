"""Names, sources, folders and preparation: bench.data itself."""

import resource
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench import data
from bench.data import dsprites, scream_dsprites
from bench.data.base import Dataset, File
from bench.data.cache import write_table
from bench.data.record import DamagedTable


def silent(done, total):
    pass


class TwoColors(Dataset):
    name = "two_colors"
    factor_names = ("color",)
    factor_sizes = (2,)
    image_shape = (64, 64, 1)

    def __init__(self, folder):
        self.folder = folder


NOT_A_DATASET = 3


class Unfinished(Dataset):
    name = "unfinished"
    factor_names = ("color",)


@pytest.mark.parametrize("name", data.DATASETS)
def test_entry_is_named_as_it_is_listed(name):
    entry = data.DATASETS[name]
    assert entry.name == name
    assert len(entry.factor_names) == len(entry.factor_sizes)
    assert entry.image_shape[:2] == (64, 64)
    assert "real" in entry.caches
    assert entry.licence
    assert entry.citation
    assert entry.files


def test_unknown_name_gives_the_nearest():
    with pytest.raises(ValueError, match="'dsprite'.*Did you mean 'dsprites'"):
        data.find_entry("dsprite")


def test_own_class_is_found_by_module_and_name(tmp_path):
    name = f"{__name__}:TwoColors"
    assert data.find_entry(name).factor_sizes == (2,)
    assert data.resolve_source(name, "auto", tmp_path) == "real"
    data.prepare(name, "real", tmp_path)
    assert data.open_dataset(name, "real", tmp_path).folder == tmp_path


def test_own_name_must_be_a_dataset():
    with pytest.raises(ValueError, match="must name a bench.data.base.Dataset"):
        data.find_entry(f"{__name__}:NOT_A_DATASET")


def test_own_class_says_what_it_lacks():
    with pytest.raises(ValueError, match="does not say its factor_sizes, image_shape"):
        data.find_entry(f"{__name__}:Unfinished")


def test_own_class_names_every_factor(monkeypatch):
    monkeypatch.setattr(TwoColors, "factor_names", ("color", "size"))
    with pytest.raises(ValueError, match="TwoColors' has 2 factor_names and 1 factor_sizes"):
        data.find_entry(f"{__name__}:TwoColors")


def test_what_to_type_names_a_folder_that_is_not_the_usual_one(tmp_path, monkeypatch):
    with pytest.raises(FileNotFoundError, match=f"`bench data fetch mpi3d_toy --data-dir {tmp_path}`"):
        data.resolve_source("mpi3d_toy", "auto", tmp_path)
    monkeypatch.setenv("BENCH_DATA", str(tmp_path))
    with pytest.raises(FileNotFoundError, match="`bench data fetch mpi3d_toy`"):
        data.resolve_source("mpi3d_toy", "auto", tmp_path)


def test_auto_takes_the_published_file_when_it_is_there(tmp_path):
    assert data.resolve_source("dsprites", "auto", tmp_path) == "rendered:1"
    path = tmp_path / dsprites.FILES[0].path
    path.parent.mkdir()
    path.touch()
    assert data.resolve_source("dsprites", "auto", tmp_path) == "real"
    assert data.resolve_source("dsprites", "rendered", tmp_path) == "rendered:1"


def test_the_table_of_the_published_file_is_enough_where_its_record_says_so(tmp_path):
    path = tmp_path / dsprites.CACHES["real"][0]
    path.parent.mkdir()
    path.touch()
    assert data.resolve_source("dsprites", "auto", tmp_path) == "rendered:1"
    write_table(path, (0, 512), [], silent)
    assert data.resolve_source("dsprites", "auto", tmp_path) == "real"


def test_the_table_of_dsprites_stands_for_its_file_in_every_set_that_is_made_from_it(tmp_path):
    family = ["dsprites", "color_dsprites", "noisy_dsprites", "dsprites_quick", "scream_dsprites"]
    write_table(tmp_path / dsprites.CACHES["real"][0], (0, 512), [], silent)
    sources = [data.resolve_source(name, "auto", tmp_path) for name in family]
    assert sources == ["real"] * 4 + ["rendered:1"]
    picture = tmp_path / scream_dsprites.PICTURE.path
    picture.parent.mkdir()
    Image.new("RGB", (800, 1000)).save(picture)
    assert data.resolve_source("scream_dsprites", "auto", tmp_path) == "real"
    data.prepare("scream_dsprites", "real", tmp_path)
    assert data.open_dataset("scream_dsprites", "real", tmp_path).picture.shape == (274, 219, 3)


def test_real_without_the_file_says_what_to_type(tmp_path):
    with pytest.raises(FileNotFoundError, match="bench data fetch dsprites"):
        data.resolve_source("dsprites", "real", tmp_path)
    with pytest.raises(FileNotFoundError, match="bench data fetch dsprites"):
        data.prepare("dsprites", "real", tmp_path)


def test_source_of_another_word_is_refused(tmp_path):
    with pytest.raises(ValueError, match="auto, real and rendered"):
        data.resolve_source("dsprites", "fake", tmp_path)
    with pytest.raises(ValueError, match="has no source 'rendered:9'"):
        data.prepare("dsprites", "rendered:9", tmp_path)


def test_unprepared_set_says_what_to_type(tmp_path):
    with pytest.raises(FileNotFoundError, match="bench data prepare dsprites_quick --source rendered"):
        data.open_dataset("dsprites_quick", "rendered:1", tmp_path)


def test_folder_is_the_given_one_then_the_environment_then_the_cache(monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", "/cache")
    monkeypatch.delenv("BENCH_DATA", raising=False)
    assert data.data_folder() == Path("/cache/disentanglement-bench")
    monkeypatch.setenv("BENCH_DATA", "/environment")
    assert data.data_folder() == Path("/environment")
    assert data.data_folder("/given") == Path("/given")
    monkeypatch.delenv("BENCH_DATA")
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert data.data_folder() == Path.home() / ".cache" / "disentanglement-bench"


def test_prepare_reports_progress_and_does_nothing_twice(tmp_path):
    told = []
    data.prepare("dsprites_quick", "rendered:1", tmp_path, lambda done, total: told.append((done, total)))
    assert told[-1] == (9216, 9216)
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    data.prepare("dsprites_quick", "rendered:1", tmp_path, lambda done, total: pytest.fail("made twice"))


def test_table_that_was_cut_is_no_data_and_made_anew(tmp_path):
    data.prepare("dsprites_quick", "rendered:1", tmp_path)
    table = tmp_path / data.DATASETS["dsprites_quick"].caches["rendered:1"][0]
    whole = table.read_bytes()
    table.write_bytes(whole[:-1])
    with pytest.raises(FileNotFoundError, match="is not prepared"):
        data.open_dataset("dsprites_quick", "rendered:1", tmp_path)
    data.prepare("dsprites_quick", "rendered:1", tmp_path)
    assert table.read_bytes() == whole


def test_table_with_wrong_bytes_says_what_to_type(tmp_path):
    data.prepare("dsprites_quick", "rendered:1", tmp_path)
    table = tmp_path / data.DATASETS["dsprites_quick"].caches["rendered:1"][0]
    whole = table.read_bytes()
    table.write_bytes(bytes(128) + whole[128:])
    with pytest.raises(DamagedTable) as told:
        data.open_dataset("dsprites_quick", "rendered:1", tmp_path)
    assert str(told.value) == (
        f"dsprites_quick: {table} is not the table that was recorded when it was prepared. "
        f"Delete it and type `bench data prepare dsprites_quick --source rendered --data-dir {tmp_path}`; "
        f"`bench data verify dsprites_quick --data-dir {tmp_path}` checks every byte."
    )


def test_interrupted_prepare_leaves_nothing(tmp_path):
    def interrupt(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        data.prepare("dsprites_quick", "rendered:1", tmp_path, interrupt)
    assert list((tmp_path / "dsprites").iterdir()) == []


def test_disk_that_fills_up_leaves_no_table(tmp_path):
    """The kernel's limit on a file's length stands in for the full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, hard))
    try:
        with pytest.raises(PermissionError, match="cannot be written .* choose another folder"):
            data.prepare("dsprites_quick", "rendered:1", tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert list((tmp_path / "dsprites").iterdir()) == []


@pytest.mark.parametrize("name", data.DATASETS)
@pytest.mark.parametrize("content", [b"half of something", b""])
def test_wrong_file_is_no_data(name, content, tmp_path):
    entry = data.DATASETS[name]
    for file in entry.files:
        (tmp_path / file.path).parent.mkdir(exist_ok=True)
        (tmp_path / file.path).write_bytes(content)
    told = "is not the published file .* Delete it and type `bench data fetch"
    if content and not any(file.has_checksum for file in entry.files):
        told = f"cannot be read .*bench data fetch {name}"
    with pytest.raises(ValueError, match=told) as error:
        data.prepare(name, "real", tmp_path)
    assert str(tmp_path / entry.files[0].path) in str(error.value)
    assert not entry.is_prepared("real", tmp_path)


@pytest.mark.parametrize(
    "name", ["dsprites", "shapes3d", "smallnorb", "cars3d", "mpi3d_toy", "scream_dsprites"]
)
def test_file_that_cannot_be_read_is_named_whatever_its_checksum(name, tmp_path, monkeypatch):
    entry = data.DATASETS[name]
    files = tuple(File(file.path, file.urls) for file in entry.files)
    monkeypatch.setitem(data.DATASETS, name, replace(entry, files=files))
    for file in files:
        (tmp_path / file.path).parent.mkdir(exist_ok=True)
        (tmp_path / file.path).write_bytes(b"half of something")
    told = rf"{files[0].path}.* (cannot be read .*bench data fetch {name}|is no whole matrix of SmallNORB)"
    with pytest.raises(ValueError, match=told):
        data.prepare(name, "real", tmp_path)
    assert not entry.is_prepared("real", tmp_path)


def test_entry_whose_tables_are_not_recorded_is_told(tmp_path, monkeypatch):
    def preparer(source, folder, processes, progress):
        np.save(folder / "own.npy", np.zeros((2, 64, 64, 1), np.uint8))

    entry = replace(data.DATASETS["dsprites"], caches={"real": ("own.npy",)}, preparer=preparer, files=())
    monkeypatch.setitem(data.DATASETS, "dsprites", entry)
    with pytest.raises(ValueError, match="did not write own.npy by bench.data.cache.write_table"):
        data.prepare("dsprites", "real", tmp_path)


def test_processes_do_not_change_a_byte(tmp_path, quick):
    data.prepare("dsprites_quick", "rendered:1", tmp_path, processes=1)
    again = data.open_dataset("dsprites_quick", "rendered:1", tmp_path)
    np.testing.assert_array_equal(again.bits, quick.bits)


def test_naming_data_sets_imports_no_torch():
    code = "import sys, bench.data; sys.exit('torch' in sys.modules or 'h5py' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

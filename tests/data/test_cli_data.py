"""`bench data` as it is typed, against a host on 127.0.0.1."""

import os
import resource
import subprocess
import sys

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image
from test_published_formats import npz

from bench.cli import main
from bench.data import commands, dsprites


@pytest.fixture
def bench(tmp_path, monkeypatch):
    monkeypatch.setenv("BENCH_DATA", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    return lambda *words: CliRunner().invoke(main, ["data", *words])


@pytest.fixture
def sprites(published, monkeypatch, real_images):
    frames = real_images("dsprites_gif320")["imgs"]
    monkeypatch.setattr(dsprites, "SIZE", 320)
    monkeypatch.setattr(dsprites.DSprites, "factor_sizes", (2, 2, 2, 2, 20))
    published("dsprites", {dsprites.FILES[0].path: npz(imgs=frames)})


def test_cut_fetch_then_the_whole_way_to_a_sheet(bench, host, sprites, tmp_path):
    host.cut_after = 1000
    cut = bench("fetch", "dsprites")
    assert cut.exit_code == 1
    assert "the connection ended after 1,000 of" in cut.output
    assert "published missing" in bench("list", "dsprites").output
    assert bench("verify", "dsprites").exit_code == 1
    assert bench("verify", "all").exit_code == 1
    assert bench("prepare", "dsprites", "--source", "real").exit_code == 2
    whole = bench("fetch", "dsprites")
    assert whole.exit_code == 0
    assert "Licence: Apache-2.0" in whole.output
    assert "fetched, as published" in whole.output
    assert [start for _, start in host.requests] == [0, 1000]
    assert "right" in bench("verify", "dsprites").output
    assert bench("verify", "all").exit_code == 0
    assert "dsprites (real) is not prepared" in bench("show", "dsprites").output
    assert "dsprites (real) is ready" in bench("prepare", "dsprites").output
    listed = bench("list", "dsprites").output
    assert "published prepared" in listed
    assert f"here: {tmp_path / 'data' / 'dsprites' / 'real.npy'}" in listed
    shown = bench("show", "dsprites", "--out", "pictures/sheet.png")
    assert shown.output == "Contact sheet of dsprites (real): pictures/sheet.png\n"
    assert np.asarray(Image.open(tmp_path / "pictures/sheet.png")).shape[1] == 130 + 66 * 16


def test_fetch_that_is_interrupted_says_that_it_goes_on(bench, sprites, monkeypatch):
    def interrupted(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(commands, "fetch_file", interrupted)
    result = bench("fetch", "dsprites")
    assert result.exit_code == 130
    assert "the same command goes on" in result.output


def test_prepare_that_is_interrupted_leaves_nothing(bench, monkeypatch, tmp_path):
    def interrupted(*arguments):
        raise KeyboardInterrupt
        yield

    monkeypatch.setattr("bench.data.dsprites_quick._rendered_blocks", interrupted)
    result = bench("prepare", "dsprites_quick", "--source", "rendered")
    assert result.exit_code == 130
    assert "nothing half-made is kept" in result.output
    assert list((tmp_path / "data/dsprites").iterdir()) == []


def test_what_cannot_be_had_is_a_sentence_and_exit_code_2(bench, tmp_path, monkeypatch):
    (tmp_path / "broken_set.py").write_text("class Set:\n    name =\n")
    monkeypatch.syspath_prepend(tmp_path)
    for words, told in [
        (("fetch", "dsprite"), "Did you mean 'dsprites'?"),
        (("prepare", "mpi3d_toy", "--source", "rendered"), "fetch mpi3d_toy` and use `source: real`."),
        (("prepare", "mpi3d_toy"), "Type `bench data fetch mpi3d_toy`"),
        (("show", "cars3d"), "Type `bench data prepare cars3d --source rendered`"),
        (("list", "nowhere:Set"), "there is no module nowhere"),
        (("list", "broken_set:Set"), "broken_set:Set cannot be loaded (SyntaxError: "),
        (("verify", "broken_set:Set"), "broken_set:Set cannot be loaded (SyntaxError: "),
        (("show", "broken_set:Set"), "broken_set:Set cannot be loaded (SyntaxError: "),
    ]:
        result = bench(*words)
        assert result.exit_code == 2
        assert told in result.output


def test_data_folder_that_is_a_file_is_a_sentence(bench, tmp_path):
    (tmp_path / "file").touch()
    for folder in (tmp_path / "file", tmp_path / "file" / "deeper"):
        result = bench("prepare", "dsprites_quick", "--data-dir", str(folder))
        assert result.exit_code == 2
        assert f"dsprites_quick: {folder} cannot be written (" in result.output
        assert "choose another folder with --data-dir or BENCH_DATA" in result.output
        assert "Errno" not in result.output


@pytest.fixture
def prepared(bench, monkeypatch, rendered_folder, quick):
    monkeypatch.setenv("BENCH_DATA", str(rendered_folder))


@pytest.mark.parametrize("out", ["folder", "file/sheet.png", "file/deeper/sheet.png"])
def test_sheet_that_cannot_be_written_is_a_sentence(bench, prepared, tmp_path, out):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    result = bench("show", "dsprites_quick", "--out", out)
    assert result.exit_code == 2
    assert f"{out} cannot be written (" in result.output
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder"]


def test_sheet_on_a_full_disk_is_a_sentence_and_no_file(bench, prepared, tmp_path):
    """The kernel's limit on a file's length stands in for the full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        result = bench("show", "dsprites_quick", "--out", "sheet.png")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert result.exit_code == 2
    assert "sheet.png cannot be written (File too large)" in result.output
    assert list(tmp_path.iterdir()) == []


def test_sheet_on_a_device_that_is_full(bench, prepared, tmp_path):
    (tmp_path / "sheet.png").symlink_to("/dev/full")
    result = bench("show", "dsprites_quick", "--out", "sheet.png")
    assert result.exit_code == 2
    assert "sheet.png cannot be written (No space left on device)" in result.output


def test_reader_that_stops_reading_ends_it_quietly():
    """As `bench data list | head -1`: the other end of the pipe is closed."""
    ours, theirs = os.pipe()
    os.close(ours)
    command = [sys.executable, "-c", "from bench.cli import main; main(['data', 'list'])"]
    result = subprocess.run(command, stdout=theirs, stderr=subprocess.PIPE, text=True, check=False)
    os.close(theirs)
    assert result.stderr == ""

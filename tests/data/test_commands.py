from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from bench import data
from bench.data import commands, contact_sheet, dsprites, shapes3d, smallnorb
from bench.data.base import File
from bench.data.cache import write_table
from bench.data.fetch import FetchError


def silent(name, done, total):
    pass


def listing(name, folder):
    return next(line for line in commands.listings(folder) if line.name == name)


def test_list_has_every_data_set(tmp_path):
    assert [line.name for line in commands.listings(tmp_path)] == list(data.DATASETS)


def test_list_says_what_is_there(tmp_path, quick, rendered_folder):
    line = listing("smallnorb", tmp_path)
    assert line.factors == {"category": 5, "elevation": 9, "azimuth": 18, "lighting": 6}
    assert (line.real, line.rendered) == ("missing", "to be made")
    assert line.size == "263 MB"
    assert line.present == ()
    for file in smallnorb.FILES[:2]:
        (tmp_path / file.path).parent.mkdir(exist_ok=True)
        (tmp_path / file.path).touch()
    assert listing("smallnorb", tmp_path).real == "part of it"
    write_table(tmp_path / "dsprites" / "real.npy", (0, 512), [], lambda *_: None)
    assert listing("dsprites_quick", tmp_path).real == "there, as dsprites/real.npy"
    assert listing("scream_dsprites", tmp_path).real == "part of it"
    assert listing("dsprites_quick", rendered_folder).rendered == "prepared"
    assert listing("mpi3d_real", tmp_path).rendered == "none"
    assert listing("dsprites", tmp_path).size == "about 26 MB"
    assert listing("scream_dsprites", tmp_path).size == "about 26 MB and a file of unrecorded size"
    assert listing("mpi3d_toy", tmp_path).size == "size not recorded"
    ((path, length),) = listing("dsprites_quick", rendered_folder).present
    assert path.parent == rendered_folder / "dsprites"
    assert length == 9216 * 512 + 128


def test_fetch_all_takes_shared_files_once_and_passes_over_refusals(host, published, monkeypatch, tmp_path):
    published("scream_dsprites", {dsprites.FILES[0].path: b"sprites", "scream_dsprites/The_Scream.jpg": b"x"})
    published("color_dsprites", {dsprites.FILES[0].path: b"sprites"})
    published("shapes3d", {shapes3d.FILE.path: b"shapes"})
    names = ["scream_dsprites", "color_dsprites", "shapes3d"]
    monkeypatch.setattr(commands, "DATASETS", {name: data.DATASETS[name] for name in names})
    del host.files["The_Scream.jpg"]
    with pytest.raises(FetchError, match="The_Scream.jpg could not be fetched.*404"):
        list(commands.fetch("all", tmp_path, silent))
    sprites = dsprites.FILES[0].path.split("/")[1]
    assert [name for name, _ in host.requests] == [sprites, "The_Scream.jpg", "3dshapes.h5"]
    assert (tmp_path / shapes3d.FILE.path).read_bytes() == b"shapes"


def test_fetch_says_licence_address_and_what_it_did(host, published, tmp_path):
    published("shapes3d", {shapes3d.FILE.path: b"shapes"})
    lines = list(commands.fetch("shapes3d", tmp_path, silent))
    assert "Apache-2.0" in lines[0]
    assert "Burgess" in lines[0]
    assert lines[1] == f"{host.address}/3dshapes.h5 -> {tmp_path / shapes3d.FILE.path}"
    assert lines[2] == "3dshapes.h5: fetched, as published."
    assert (
        list(commands.fetch("shapes3d", tmp_path, silent))[2] == "3dshapes.h5: already there, as published."
    )


def test_fetch_does_not_say_checked_of_what_nobody_recorded(host, published, monkeypatch, tmp_path):
    published("scream_dsprites", {"scream_dsprites/The_Scream.jpg": b"a picture"})
    entry = data.DATASETS["scream_dsprites"]
    (file,) = entry.files
    file = replace(file, bytes=None, md5=None, sha256=None)
    monkeypatch.setitem(data.DATASETS, "scream_dsprites", replace(entry, files=(file,)))
    told = [list(commands.fetch("scream_dsprites", tmp_path, silent))[-1] for _ in range(2)]
    assert told == [
        "The_Scream.jpg: fetched, only its size checked: nobody recorded its checksum.",
        "The_Scream.jpg: already there, unchecked: nobody recorded its checksum.",
    ]


def test_fetch_of_what_is_there_and_wrong(published, tmp_path):
    published("shapes3d", {shapes3d.FILE.path: b"shapes"})
    path = tmp_path / shapes3d.FILE.path
    path.parent.mkdir()
    for content, told in [(b"", "it is empty"), (b"shapez", "its sha256 is")]:
        path.write_bytes(content)
        with pytest.raises(FetchError, match=rf"is not the published file \({told}.*Delete it"):
            list(commands.fetch("shapes3d", tmp_path, silent))
        assert path.read_bytes() == content


def test_verify_tells_right_wrong_missing_and_unknown(published, tmp_path):
    published("shapes3d", {shapes3d.FILE.path: b"shapes"})
    assert [check.state for check in commands.verify("shapes3d", tmp_path)] == ["missing"]
    list(commands.fetch("shapes3d", tmp_path, silent))
    assert [check.state for check in commands.verify("shapes3d", tmp_path)] == ["right"]
    (tmp_path / shapes3d.FILE.path).write_bytes(b"shapez")
    (check,) = commands.verify("shapes3d", tmp_path)
    assert check.state == "wrong"
    assert "sha256" in check.detail
    picture = tmp_path / "scream_dsprites/The_Scream.jpg"
    picture.parent.mkdir()
    picture.write_bytes(b"a picture")
    assert [check.state for check in commands.verify("scream_dsprites", tmp_path)] == ["missing", "unknown"]
    picture.write_bytes(b"")
    assert [check.state for check in commands.verify("scream_dsprites", tmp_path)] == ["missing", "wrong"]


@pytest.fixture
def table(quick, tmp_path):
    """The quick set's rendered table, prepared."""
    path = tmp_path / data.DATASETS["dsprites_quick"].caches["rendered:1"][0]
    write_table(path, quick.bits.shape, [quick.bits], lambda done, total: None)
    return path


def last_check(name, folder):
    return list(commands.verify(name, folder))[-1]


def test_verify_sees_a_prepared_table_that_was_cut(table, tmp_path):
    assert last_check("dsprites_quick", tmp_path) == commands.Check(
        table, "right", "as prepared (rendered:1)"
    )
    table.write_bytes(table.read_bytes()[:-1000])
    check = last_check("dsprites_quick", tmp_path)
    assert (check.path, check.state) == (table, "wrong")
    assert "type `bench data prepare dsprites_quick --source rendered" in check.detail


def test_verify_sees_a_hole_in_the_middle_of_a_table(table, tmp_path):
    with table.open("r+b") as file:
        file.seek(128 + 4000 * 512)
        file.write(bytes(100 * 512))
    check = last_check("dsprites_quick", tmp_path)
    assert (check.path, check.state) == (table, "wrong")


def test_verify_sees_a_recorded_table_of_another_shape(quick, table, tmp_path):
    write_table(table, (9000, 512), [quick.bits[:9000]], lambda done, total: None)
    assert last_check("dsprites_quick", tmp_path).state == "wrong"


def test_table_without_a_record_is_not_used_and_made_anew(quick, table, tmp_path):
    (record,) = table.parent.glob("*.json")
    record.unlink()
    assert listing("dsprites_quick", tmp_path).rendered == "to be made"
    check = last_check("dsprites_quick", tmp_path)
    assert (check.path, check.state) == (table, "unknown")
    assert "is not used" in check.detail
    table.write_bytes(bytes(1000))
    data.prepare("dsprites_quick", "rendered:1", tmp_path)
    assert last_check("dsprites_quick", tmp_path).state == "right"


@pytest.fixture
def scream(published, monkeypatch, tmp_path):
    """Scream-dSprites prepared from a picture of unrecorded checksum; returns the picture's path."""
    path = "scream_dsprites/The_Scream.jpg"
    entry = replace(data.DATASETS["scream_dsprites"], files=(File(path, ("http://127.0.0.1:9/x",)),))
    monkeypatch.setitem(data.DATASETS, "scream_dsprites", entry)
    (tmp_path / path).parent.mkdir()
    Image.new("RGB", (800, 1000)).save(tmp_path / path)
    for cache in entry.caches["real"]:
        write_table(tmp_path / cache, (1, 512), [np.zeros((1, 512), np.uint8)], lambda *_: None)
    (tmp_path / entry.caches["real"][1]).unlink()
    data.prepare("scream_dsprites", "real", tmp_path)
    return tmp_path / path


def test_table_outlives_its_published_file_and_says_so(scream, tmp_path):
    assert listing("scream_dsprites", tmp_path).real == "prepared"
    scream.unlink()
    assert data.resolve_source("scream_dsprites", "auto", tmp_path) == "real"
    assert listing("scream_dsprites", tmp_path).real == "prepared, its file no longer there"
    table = scream.with_name("real.npy")
    (check,) = (check for check in commands.verify("scream_dsprites", tmp_path) if check.path == table)
    assert check.state == "right"
    assert check.detail == "as prepared (real from The_Scream.jpg, no longer there)"


def test_verify_names_the_table_made_from_another_file(scream, tmp_path):
    Image.new("RGB", (800, 1000), "white").save(scream)
    table = scream.with_name("real.npy")
    (check,) = (check for check in commands.verify("scream_dsprites", tmp_path) if check.path == table)
    assert check.state == "wrong"
    assert "made from another The_Scream.jpg" in check.detail


def test_table_of_a_file_that_became_wrong_is_right_and_says_so(scream, tmp_path):
    scream.write_bytes(b"")
    table = scream.with_name("real.npy")
    checks = {check.path: check for check in commands.verify("scream_dsprites", tmp_path)}
    assert checks[scream].state == "wrong"
    assert checks[table].state == "right"
    assert checks[table].detail == "as prepared (real from The_Scream.jpg when that was right)"


def test_verify_all_checks_what_is_shared_once(table, tmp_path):
    checks = list(commands.verify("all", tmp_path))
    paths = [check.path for check in checks]
    assert len(set(paths)) == len(paths)
    published = {tmp_path / file.path for entry in data.DATASETS.values() for file in entry.files}
    assert set(paths) == published | {table}
    assert [check.path for check in checks if check.state == "right"] == [table]


def test_show_has_a_row_per_factor_moving_alone(quick, rendered_folder, tmp_path):
    path = commands.show("dsprites_quick", "rendered:1", rendered_folder, tmp_path / "sheet.png")
    sheet = np.asarray(Image.open(path))
    gap, label = contact_sheet.GAP, contact_sheet.LABEL
    assert sheet.shape == ((64 + gap) * (contact_sheet.RANDOM_ROWS + 4) + gap, label + (64 + gap) * 16, 3)
    top = gap + contact_sheet.RANDOM_ROWS * (64 + gap)  # the row of shape: three images, the rest empty
    found = []
    for shape in range(3):
        left = label + shape * (64 + gap)
        tile = sheet[top : top + 64, left : left + 64, :1]
        same = np.flatnonzero((quick.images(np.arange(quick.size)) == tile).all(axis=(1, 2, 3)))
        found.append(quick.factors(same)[0])
    assert [factors[0] for factors in found] == [0, 1, 2]
    assert (np.array(found)[:, 1:] == found[0][1:]).all()  # scale and position stay
    assert (sheet[top : top + 64, label + 3 * (64 + gap) :] == contact_sheet.GREY).all()


@pytest.mark.long
@pytest.mark.parametrize("name", [name for name, entry in data.DATASETS.items() if entry.renderer])
def test_every_rendered_set_is_prepared_opened_and_shown(name, rendered_folder, tmp_path):
    entry = data.DATASETS[name]
    data.prepare(name, "rendered:1", rendered_folder)
    dataset = data.open_dataset(name, "rendered:1", rendered_folder)
    assert dataset.name == name
    assert dataset.source == "rendered:1"
    for attribute in ("factor_names", "factor_sizes", "image_shape"):
        assert getattr(dataset, attribute) == getattr(entry, attribute)
    path = commands.show(name, "rendered:1", rendered_folder, tmp_path / "sheet.png")
    sheet = np.asarray(Image.open(path))
    assert len(sheet) == contact_sheet.GAP + 66 * (contact_sheet.RANDOM_ROWS + len(entry.factor_names))
    images = sheet[:, contact_sheet.LABEL :]
    assert (images != contact_sheet.GREY).any(axis=2).mean() > 0.4

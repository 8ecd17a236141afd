"""Fetching from a host that cuts, lies, refuses or forgets: nothing half-written is ever taken for data."""

import errno
import resource
from dataclasses import replace
from pathlib import Path
from urllib.error import URLError

import pytest

from bench.data import DATASETS
from bench.data.base import File
from bench.data.fetch import FetchError, fetch_file, flaw

CONTENT = bytes(range(256)) * 4000  # about 1 MB
PLACE = File("set/file.bin", ())


def silent(done, total):
    pass


@pytest.fixture
def file(host):
    return host.publish(PLACE, CONTENT)


def test_fetched_once_and_never_again(host, file, tmp_path):
    told = []
    assert fetch_file(file, tmp_path, lambda done, total: told.append((done, total)))
    assert (tmp_path / "set/file.bin").read_bytes() == CONTENT
    assert told[-1] == (len(CONTENT), len(CONTENT))
    assert not fetch_file(file, tmp_path, silent)
    assert host.requests == [("file.bin", 0)]
    assert not (tmp_path / "set/file.bin.part").exists()


def test_cut_download_is_no_data_and_goes_on_where_it_stopped(host, file, tmp_path):
    host.cut_after = 300_000
    with pytest.raises(FetchError, match="300,000 of 1,024,000 bytes"):
        fetch_file(file, tmp_path, silent)
    assert not (tmp_path / file.path).exists()
    assert fetch_file(file, tmp_path, silent)
    assert (tmp_path / file.path).read_bytes() == CONTENT
    assert host.requests == [("file.bin", 0), ("file.bin", 300_000)]


def test_host_without_ranges_is_read_from_the_start(host, file, tmp_path):
    host.cut_after = 300_000
    with pytest.raises(FetchError):
        fetch_file(file, tmp_path, silent)
    host.knows_ranges = False
    assert fetch_file(file, tmp_path, silent)
    assert (tmp_path / file.path).read_bytes() == CONTENT


def test_host_that_goes_on_elsewhere_is_read_from_the_start(host, file, tmp_path):
    """Its answer says that it begins with another byte than the one asked for."""
    host.cut_after = 300_000
    with pytest.raises(FetchError):
        fetch_file(file, tmp_path, silent)
    host.skips = 10_000
    assert fetch_file(file, tmp_path, silent)
    assert (tmp_path / file.path).read_bytes() == CONTENT
    assert host.requests == [("file.bin", 0), ("file.bin", 300_000), ("file.bin", 0)]


def test_length_that_is_no_number(host, file, tmp_path):
    host.says_length = "many"
    unrecorded = replace(file, bytes=None, md5=None, sha256=None)
    with pytest.raises(FetchError, match=f"{file.urls[0]}: the host does not say how long the file is"):
        fetch_file(unrecorded, tmp_path, silent)
    assert fetch_file(file, tmp_path, silent)  # its recorded checksums are enough


def test_part_that_is_whole_needs_no_more_bytes(host, file, tmp_path):
    """A process may die between the last byte and the check; without a recorded length the host is asked."""
    (tmp_path / "set").mkdir()
    (tmp_path / "set/file.bin.part").write_bytes(CONTENT)
    assert fetch_file(replace(file, bytes=None), tmp_path, silent)
    assert (tmp_path / file.path).read_bytes() == CONTENT


def test_part_of_something_longer_is_removed(host, file, tmp_path):
    (tmp_path / "set").mkdir()
    (tmp_path / "set/file.bin.part").write_bytes(CONTENT + b"more")
    with pytest.raises(FetchError, match="it is removed"):
        fetch_file(file, tmp_path, silent)
    assert fetch_file(file, tmp_path, silent)


@pytest.mark.parametrize("known", ["md5", "sha256"])
def test_wrong_checksum_is_no_data_and_starts_afresh(host, file, tmp_path, known):
    host.files["file.bin"] = b"x" + CONTENT[1:]
    unknown = {"md5": "sha256", "sha256": "md5"}[known]
    file = replace(file, **{unknown: None})
    with pytest.raises(FetchError, match=f"its {known} is"):
        fetch_file(file, tmp_path, silent)
    assert not (tmp_path / file.path).exists()
    assert not (tmp_path / "set/file.bin.part").exists()
    host.files["file.bin"] = CONTENT
    assert fetch_file(file, tmp_path, silent)


def test_file_of_another_length_is_refused_before_its_bytes(host, file, tmp_path):
    host.files["file.bin"] = CONTENT[:-1]
    with pytest.raises(FetchError, match="1,023,999 bytes there, the published file 1,024,000"):
        fetch_file(file, tmp_path, lambda done, total: pytest.fail("bytes were fetched"))


def test_refusal_names_address_answer_and_place(host, file, tmp_path):
    host.status = 403
    with pytest.raises(FetchError) as error:
        fetch_file(file, tmp_path, silent)
    for part in (file.urls[0], "403", str(tmp_path / "set/file.bin")):
        assert part in str(error.value)


@pytest.mark.parametrize("name", DATASETS)
def test_without_network_each_file_is_told_with_address_name_and_place(name, tmp_path, monkeypatch):
    def unreachable(request, timeout):
        raise URLError("Name or service not known")

    monkeypatch.setattr("bench.data.fetch.urlopen", unreachable)
    for file in DATASETS[name].files:
        with pytest.raises(FetchError) as error:
            fetch_file(file, tmp_path, silent)
        told = str(error.value)
        for url in file.urls:
            assert f"{url}: no connection (Name or service not known)" in told
        assert told.startswith(f"{Path(file.path).name} could not be fetched")
        assert f"download the file by hand and put it at {tmp_path / file.path}" in told
        assert not (tmp_path / file.path).exists()


def test_connection_that_breaks_is_not_taken_for_the_disk(host, file, tmp_path, monkeypatch):
    def broken(*arguments):
        raise OSError(errno.EHOSTUNREACH, "No route to host")

    monkeypatch.setattr("http.client.HTTPResponse.read", broken)
    with pytest.raises(FetchError, match=rf"{file.urls[0]}: no connection \(.*No route to host\)"):
        fetch_file(file, tmp_path, silent)


def test_mirror_takes_over(host, file, tmp_path):
    file = replace(file, urls=(f"{host.address}/gone", *file.urls))
    assert fetch_file(file, tmp_path, silent)
    assert [name for name, _ in host.requests] == ["gone", "file.bin"]


def test_web_page_is_no_file(host, file, tmp_path):
    """Hosts that have lost a file, and hotels, answer 200 with a page that explains."""
    host.content_type = "text/html; charset=utf-8"
    with pytest.raises(FetchError, match="answered with a web page"):
        fetch_file(file, tmp_path, lambda done, total: pytest.fail("bytes were fetched"))


def test_length_that_nobody_knows_is_no_way_to_tell_half_a_file(host, file, tmp_path):
    host.says_length, host.cut_after = False, 300_000
    with pytest.raises(FetchError, match="its md5 is"):
        fetch_file(replace(file, bytes=None, sha256=None), tmp_path, silent)
    with pytest.raises(FetchError, match="does not say how long"):
        fetch_file(replace(file, bytes=None, md5=None, sha256=None), tmp_path, silent)
    assert not (tmp_path / file.path).exists()
    assert fetch_file(file, tmp_path, silent)


def test_folder_that_cannot_be_written_is_a_sentence(file, tmp_path):
    (tmp_path / "set").write_text("a file where a folder should be")
    with pytest.raises(FetchError, match=r"set cannot be written \(.*\). Choose another folder"):
        fetch_file(file, tmp_path, silent)


def test_disk_too_small_is_known_beforehand(host, file, tmp_path, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda path: type("Usage", (), {"free": 1000}))
    with pytest.raises(FetchError, match="1,000 bytes free, and 1,024,000 are needed"):
        fetch_file(file, tmp_path, lambda done, total: pytest.fail("bytes were fetched"))


def test_disk_that_fills_up_leaves_a_part_to_go_on_with(host, file, tmp_path):
    """The kernel's limit on a file's length stands in for the full disk: a write fails half-way."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, hard))
    try:
        with pytest.raises(FetchError, match="cannot be written"):
            fetch_file(file, tmp_path, silent)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not (tmp_path / file.path).exists()
    assert fetch_file(file, tmp_path, silent)
    assert host.requests[-1] == ("file.bin", 500_000)


def test_flaw_of_a_file_put_there_by_hand(file, tmp_path):
    path = tmp_path / "file.bin"
    path.write_bytes(CONTENT)
    assert flaw(path, file) is None
    path.write_bytes(CONTENT[:-1])
    assert "1,023,999 bytes" in flaw(path, file)

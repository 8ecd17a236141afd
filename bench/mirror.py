"""Studies in an object store: a folder on this machine stands for one there, and the two are kept alike.

Everything reads and writes plain local files. A committed file never changes, so keeping alike is simple:
what the store has and the folder lacks is fetched, what the folder has and the store lacks is sent, scores
last. The store is the truth. An object appears whole when its upload is complete, so kills leave no halves.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Collection, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit, urlunsplit

from pyarrow import fs

from bench.atomic import whole_file
from bench.data import data_folder
from bench.settings import STUDY_NAME

#: Stores whose objects appear whole or not at all. A file system needs no mirror: its path is given as it is.
SCHEMES = ("s3", "gs", "gcs", "abfs", "abfss")

PLAN = "study.json"
BESIDE = ("models", "curves", "codes", "pictures", "arrays")  # sent before the scores that belong to them
SCORES = "scores"
ATTEMPTS, CHECKPOINTS = "_work/attempts", "_work/checkpoints"
STATE = (PLAN, SCORES, ATTEMPTS)  # what planning and status read
EVERYTHING = (*STATE, *BESIDE, CHECKPOINTS)

CONNECTIONS = 16  # transfers at once: many small files, each mostly waiting


def is_address(results: str | Path) -> bool:
    """Whether `results` is an address (s3://bucket/prefix), not a folder; ValueError for other kinds."""
    scheme, separator, _ = str(results).partition("://")
    if not separator:
        scheme, separator, rest = str(results).partition(":/")
        if separator and scheme in SCHEMES:  # pathlib, too, writes an address with one slash
            raise ValueError(
                f"--results {results} has one slash; did you mean {scheme}://{rest}? "
                f"A folder of that name is ./{results}"
            )
        return False
    if scheme not in SCHEMES:
        raise ValueError(
            f"--results {results}: {scheme}:// is not known; allowed are a folder's path and "
            f"{', '.join(f'{name}://' for name in SCHEMES)} addresses"
        )
    if "@" in urlsplit(str(results)).netloc:
        raise ValueError(
            "--results has credentials in its address, which every file of the study would carry; set "
            "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY instead"
        )
    return True


def local_results(results: str | Path) -> Path:
    """The folder of studies that `results` means here: itself, or the one that stands for an address.

    That one lies in $BENCH_MIRROR, else beside the data sets; it may be deleted at any time.
    """
    if not is_address(results):
        return Path(results)
    place = os.environ.get("BENCH_MIRROR")
    root = Path(place).expanduser() if place else data_folder().with_name("disentanglement-bench-results")
    service = os.environ.get("AWS_ENDPOINT_URL", "")  # two services may have a bucket of one name
    named = f"{service} {str(results).rstrip('/')}"
    return root / hashlib.sha256(named.encode()).hexdigest()[:12]


def mirror_of(results: str | Path, study: str) -> Mirror | None:
    """The mirror of a study in `results`; None where that is a folder."""
    return Mirror(_join(str(results), study), local_results(results) / study) if is_address(results) else None


def pulled_studies(results: str | Path, study: str | None, names: Iterable[str] = STATE) -> Path:
    """The local folder of studies, after fetching `names` of one study, or of all, where that is an address.

    A `study` that is a path, not a name, fetches nothing.
    """
    folder = local_results(results)
    if is_address(results):
        wanted = _studies(str(results)) if study is None else [study]
        for name in wanted:
            if re.fullmatch(STUDY_NAME, name):
                mirror = mirror_of(results, name)
                mirror.follow()
                mirror.pull(*names)
    return folder


def mirror_at(address: str) -> Mirror:
    """The mirror of the study at `address`, on whatever machine asks."""
    return mirror_of(*_split(address))


def pulled_study(address: str, names: Iterable[str] = STATE) -> Path:
    """The local folder of the study at `address`, after fetching `names` of it."""
    results, study = _split(address)
    return pulled_studies(results, study, names) / study


@dataclass(frozen=True)
class Mirror:
    """One study at `address` in a store, and the `folder` on this machine that stands for it."""

    address: str
    folder: Path

    def opened(self) -> tuple[fs.FileSystem, str]:
        """The store's file system, and the study's path in it."""
        return _open(self.address)

    def follow(self) -> None:
        """Rename the folder out of the way where it stands for a study that the store has no more.

        It is gone there, or was begun anew. For whoever begins to plan or to read: never under a run's feet.
        ConnectionError where the store cannot be reached.
        """
        there = self._plan_there()
        if (self.folder / PLAN).is_file() and _began(there) != _began((self.folder / PLAN).read_bytes()):
            replaced = self.folder.parent / "replaced"
            replaced.mkdir(exist_ok=True)
            self.folder.rename(replaced / f"{self.folder.name}-{datetime.now(UTC):%Y%m%dT%H%M%S%f}")

    def pull(self, *names: str, prefix: str = "") -> None:
        """Fetch what the store has of `names` (files, or folders as "scores") and the folder lacks.

        With `prefix` only files whose name begins with it.
        """
        found = [one for name in names for one in self._listed(name) if one.name.startswith(prefix)]
        self._at_once(self._fetch, [one for one in found if one.name == PLAN or not self._is_here(one)])

    def push(self, *paths: Path) -> None:
        """Send files of the folder, replacing what the store has under their names."""
        self._at_once(self._send, list(paths))

    def push_missing(self, prefix: str = "") -> None:
        """Send every result that the store lacks, scores last: whoever sees them finds all that is beside.

        A file that is newer here is sent, too: the curve of a failed cell that was trained again. What was
        sent or fetched has the store's time.
        """
        for names in (BESIDE, (SCORES,)):
            there = {one.path: one.mtime_ns for name in names for one in self._listed(name)}
            here = [path for name in names for path in sorted((self.folder / name).glob(f"{prefix}[!.]*"))]
            self.push(*(path for path in here if path.stat().st_mtime_ns > there.get(self._place(path), -1)))

    def remove(self, *paths: Path) -> None:
        """Delete what stands in the store for files of the folder, here or not; those not there are fine."""
        store, _ = self.opened()
        for path in paths:
            if store.get_file_info(self._place(path)).type == fs.FileType.File:
                store.delete_file(self._place(path))

    def set_aside(self, *paths: Path) -> None:
        """Move what stands in the store for files of the folder to _work/quarantine/ there."""
        store, base = self.opened()
        for path in paths:
            name = path.relative_to(self.folder).as_posix()
            with suppress(FileNotFoundError):  # another run moved it
                store.copy_file(f"{base}/{name}", f"{base}/_work/quarantine/{name}")
                store.delete_file(f"{base}/{name}")

    def _plan_there(self) -> bytes | None:
        """study.json as the store has it, None where it has none: the first question asked of a store."""
        try:
            store, base = self.opened()
            with store.open_input_stream(f"{base}/{PLAN}") as source:
                return source.read()
        except FileNotFoundError:
            _check_bucket(store, base, self.address)
            return None
        except OSError as error:
            raise ConnectionError(f"{self.address} cannot be read ({error})") from error

    def remove_work(self, packs: Collection[str], cells: Collection[str]) -> None:
        """Delete the checkpoints of `packs` and the notes of tries at `cells` from the store."""
        old = [one for one in self._listed(CHECKPOINTS) if one.name.partition("-")[0] in packs]
        old += [one for one in self._listed(ATTEMPTS) if one.name.partition(".")[0] in cells]
        self.remove(*map(self._here, old))

    def _listed(self, name: str) -> Iterator[_Object]:
        """The objects directly in `name`, or itself; hidden ones, `..` among them, are none of ours."""
        store, base = self.opened()
        where = f"{base}/{name}"
        if name == PLAN:
            infos = [store.get_file_info(where)]
        else:
            infos = store.get_file_info(fs.FileSelector(where, allow_not_found=True))
        for info in infos:
            if info.type == fs.FileType.File and not PurePosixPath(info.path).name.startswith("."):
                yield _Object(info.path, info.size, info.mtime_ns or 0)

    def _place(self, path: Path) -> str:
        _, base = self.opened()
        return f"{base}/{path.relative_to(self.folder).as_posix()}"

    def _here(self, one: _Object) -> Path:
        _, base = self.opened()
        return self.folder / PurePosixPath(one.path).relative_to(base)

    def _is_here(self, one: _Object) -> bool:
        path = self._here(one)
        return path.is_file() and (path.stat().st_size, path.stat().st_mtime_ns) == (one.size, one.mtime_ns)

    def _fetch(self, one: _Object) -> None:
        store, _ = self.opened()
        try:
            with store.open_input_stream(one.path) as source:
                content = source.read()
        except FileNotFoundError:
            return  # removed in this moment, after its commit
        with whole_file(self._here(one)) as temporary:
            temporary.write_bytes(content)
            os.utime(temporary, ns=(one.mtime_ns, one.mtime_ns))

    def _send(self, path: Path) -> None:
        store, _ = self.opened()
        content = path.read_bytes()  # whole in memory, so that nothing can end it half way but a kill
        with store.open_output_stream(self._place(path)) as target:
            target.write(content)
        sent = store.get_file_info(self._place(path))
        if sent.size != len(content):
            raise OSError(f"{self._place(path)} has {sent.size:,} bytes there, {len(content):,} were sent")
        os.utime(path, ns=(sent.mtime_ns, sent.mtime_ns))  # the same time on both sides: the same file

    def _at_once(self, act, items: list) -> None:
        try:
            with ThreadPoolExecutor(CONNECTIONS) as pool:
                list(pool.map(act, items))
        except OSError as error:
            if error.errno:  # this machine's disk
                raise
            raise ConnectionError(f"{self.address}: {error}") from error


@dataclass(frozen=True)
class _Object:
    path: str
    size: int
    mtime_ns: int

    @property
    def name(self) -> str:
        return PurePosixPath(self.path).name


@cache
def _open(address: str) -> tuple[fs.FileSystem, str]:
    """The file system of an address, and the path in it."""
    store, path = fs.FileSystem.from_uri(address)
    return store, path.rstrip("/")


def _check_bucket(store: fs.FileSystem, base: str, address: str) -> None:
    """ConnectionError where the bucket of an address is not there: it is never made here."""
    bucket = base.partition("/")[0]
    try:
        is_there = store.get_file_info(bucket).type != fs.FileType.NotFound
    except OSError:  # one may be allowed to use objects and not to ask after the bucket
        return
    if not is_there:
        raise ConnectionError(f"{address}: there is no bucket {bucket!r}; make it, or give another --results")


def _join(address: str, name: str) -> str:
    """The address of `name` below an address, its options (?region=…) kept."""
    parts = urlsplit(address)
    return urlunsplit(parts._replace(path=f"{parts.path.rstrip('/')}/{name}"))


def _split(address: str) -> tuple[str, str]:
    """The address of results, and the name of the study, of a study's address."""
    parts = urlsplit(address)
    above, _, study = parts.path.rstrip("/").rpartition("/")
    return urlunsplit(parts._replace(path=above)), study


def _studies(address: str) -> Iterator[str]:
    """Names of the studies in a store."""
    try:
        store, base = _open(address)
        found = store.get_file_info(fs.FileSelector(base, allow_not_found=True))
    except OSError as error:
        raise ConnectionError(f"{address} cannot be read ({error})") from error
    if not found:
        _check_bucket(store, base, address)
    for info in found:
        if store.get_file_info(f"{info.path}/{PLAN}").type == fs.FileType.File:
            yield PurePosixPath(info.path).name


def _began(plan: bytes | None) -> str | None:
    """Which beginning of a study its study.json tells of; None without one, or where it is damaged."""
    try:
        first = json.loads(plan or b"")["history"][0]
        return f"{first['at']} {first['provenance']['run_id']}"
    except (ValueError, LookupError, TypeError):
        return None

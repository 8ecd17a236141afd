"""Score files: one schema, written whole or not at all, read as one tidy table.

`results/<study>/scores/` holds one flat Parquet file per committed pack and nothing else, so that
`pd.read_parquet("results/<study>/scores")` works with no import of ours. A committed file is never
rewritten or deleted here; bench.reading removes what a race or a re-scoring doubled.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from bench.atomic import whole_file

SCHEMA_VERSION = 1

_NAME = pa.dictionary(pa.int32(), pa.string())

#: One row per number. `value` null: the cell or the metric failed; NaN: the metric itself says NaN.
SCHEMA = pa.schema(
    [
        pa.field("cell_id", pa.string()),
        pa.field("pack_id", _NAME),
        pa.field("study", _NAME),
        pa.field("dataset", _NAME),
        pa.field("source", _NAME),
        pa.field("model", _NAME),
        pa.field("hyperparameter", _NAME),
        pa.field("strength", pa.float64()),
        pa.field("hyperparameters", _NAME),
        pa.field("seed", pa.int64()),
        pa.field("steps", pa.int64()),
        pa.field("precision", _NAME),
        pa.field("images", pa.int64()),
        pa.field("representation", _NAME),
        pa.field("metric", _NAME),
        pa.field("estimator", _NAME),
        pa.field("settings", _NAME),
        pa.field("key", _NAME),
        pa.field("value", pa.float64()),
        pa.field("null", pa.float64()),
        pa.field("interval_low", pa.float64()),
        pa.field("interval_high", pa.float64()),
        pa.field("flags", _NAME),
        pa.field("status", _NAME),
        pa.field("error", pa.string()),
        pa.field("seconds", pa.float64()),
        pa.field("device", _NAME),
        pa.field("pack_width", pa.int32()),
        pa.field("versions", _NAME),
        pa.field("created_at", pa.timestamp("us", tz="UTC")),
    ]
)

#: What makes a score one score (design.md §4); a request to a metric is the same without the key.
REQUEST_KEY = ("cell_id", "representation", "metric", "estimator", "settings", "images")
SCORE_KEY = (*REQUEST_KEY, "key")
SAID = ("status", "value", "error")  # what a row says of its score, whoever made it and when
#: Columns without which a row is nobody's score; the others may be empty.
TOLD = (*SCORE_KEY, "pack_id", "study", "dataset", "source", "model", "status", "created_at")


class DamagedFile(ValueError):
    """A file among the scores that is no score file of this schema."""


class WrongContent(DamagedFile):
    """A score file of the right schema with rows that are no scores; `problem` ends a sentence on it."""

    def __init__(self, path: Path, problem: str):
        super().__init__(
            f"{path} {problem}; the study's `bench run` or `bench verify` moves it to _work/quarantine/"
        )
        self.problem = problem


class OtherVersion(ValueError):
    """A whole score file of a schema that this version of bench does not read: nothing to be moved away."""


def is_damage(error: Exception) -> bool:
    """Whether a reader's error says that a file's content is wrong, not that it could not be read just now.

    Parquet's readers raise OSError for both; what the system refused has an errno.
    """
    return not isinstance(error, MemoryError) and not (isinstance(error, OSError) and error.errno)


def write_scores(folder: Path, pack_id: str, rows: list[Mapping], metadata: Mapping[str, str]) -> Path:
    """Commit `rows` of one pack: one file appears in `folder` in one atomic step.

    The name ends in a hash of the scores inside, so that a re-scoring, or a failed cell tried again, adds a
    file and never replaces one that says something else; what two runs found alike has one name. Returns the
    path; raises ValueError when there is no row.
    """
    if not rows:
        raise ValueError(f"pack {pack_id} has no score to commit")
    said = sorted("\x1f".join(str(row.get(name)) for name in (*SCORE_KEY, *SAID)) for row in rows)
    digest = hashlib.sha256("\n".join(said).encode()).hexdigest()[:8]
    path = Path(folder) / f"{pack_id}-{digest}.parquet"
    table = pa.Table.from_pylist([dict(row) for row in rows], schema=SCHEMA)
    described = {"bench_schema": str(SCHEMA_VERSION), **metadata}
    table = table.replace_schema_metadata({key.encode(): value.encode() for key, value in described.items()})
    with whole_file(path) as temporary:
        pq.write_table(table, temporary, compression="zstd")
    return path


def score_files(folder: Path) -> list[Path]:
    """The committed score files below `folder`, in order of name; hidden temporary files are left out."""
    folder = Path(folder)
    return sorted(path for path in folder.glob("*.parquet") if not path.name.startswith("."))


def open_parquet(path: Path) -> pq.ParquetFile:
    """A Parquet file on this machine.

    Its path is made absolute: pyarrow takes a relative one that begins as run:1/ for a URI.
    """
    return pq.ParquetFile(Path(path).absolute())


def read_files(files: Iterable[Path], columns: list[str] | None = None) -> pa.Table:
    """Read score files into one table of the schema; DamagedFile names the file that cannot be read."""
    schema = SCHEMA if columns is None else pa.schema([SCHEMA.field(name) for name in columns])
    tables = []
    for path in files:
        try:
            # half the time of pq.read_table, which first makes a data set of the one file
            file = open_parquet(path)
            _described(file)  # what it says of itself is read later, by whoever asks where scores come from
            table = file.read(columns=columns).cast(schema)
        except (pa.ArrowException, ValueError, OSError, KeyError) as error:
            if not is_damage(error):
                raise
            written = _schema_version(path)
            if written not in (None, str(SCHEMA_VERSION)):
                raise OtherVersion(
                    f"{path} was written by another version of bench (schema {written}, this one reads "
                    f"{SCHEMA_VERSION}); use that version, or another --results"
                ) from error
            raise DamagedFile(
                f"{path} is not a whole score file of this version ({type(error).__name__}); the study's "
                "`bench run` or `bench verify` moves it to _work/quarantine/"
            ) from error
        if problem := _wrong_content(table):
            raise WrongContent(path, problem)
        tables.append(table)
    return pa.concat_tables(tables) if tables else schema.empty_table()


def _wrong_content(table: pa.Table) -> str:
    """What is wrong with the rows of a score file, as the end of a sentence on it; '' where nothing is."""
    names = table.schema.names
    for name in [name for name in TOLD if name in names]:
        if table[name].null_count:
            return f"has rows without {name}"
    for status in _words(table, "status") - {"ok", "failed"}:
        return f"has the status {status!r}, which is neither ok nor failed"
    for settings in _words(table, "settings") - {""}:
        try:
            told = json.loads(settings)
        except ValueError:
            told = None
        if not isinstance(told, dict):
            return f"has the settings {settings[:40]!r}, which are no JSON object"
    return ""


def _words(table: pa.Table, name: str) -> set[str]:
    """The distinct words of a column that `table` may have."""
    return set(table[name].cast(pa.string()).unique().to_pylist()) if name in table.schema.names else set()


def _schema_version(path: Path) -> str | None:
    """What a score file says of its schema; None where it cannot be read or is none."""
    try:
        return file_metadata(path).get("bench_schema")
    except (pa.ArrowException, ValueError, OSError):
        return None


@dataclass(frozen=True)
class Requests:
    """Requests to metrics (see REQUEST_KEY) that cells have committed."""

    ok: set[tuple]
    failed: set[tuple]  # and not ok in another file

    def settled(self, retry_failed: bool = False) -> set[tuple]:
        """Those that need nothing more; failed ones do where they are to be tried again."""
        return self.ok if retry_failed else self.ok | self.failed


def committed_requests(folder: Path) -> Requests:
    """What the score files of `folder` hold, read once."""
    table = read_files(score_files(folder), [*REQUEST_KEY, "status"]).unify_dictionaries()
    distinct = table.group_by([*REQUEST_KEY, "status"]).aggregate([]).to_pandas()
    keys = distinct[list(REQUEST_KEY)].astype(object)
    is_ok = (distinct["status"] == "ok").to_numpy()
    ok, failed = (set(keys[chosen].itertuples(index=False, name=None)) for chosen in (is_ok, ~is_ok))
    return Requests(ok, failed - ok)


def file_metadata(path: Path) -> dict[str, str]:
    """The provenance written into one score file."""
    return _described(open_parquet(path))


def _described(file: pq.ParquetFile) -> dict[str, str]:
    """The metadata of a score file; UnicodeDecodeError where they are no text."""
    raw = file.metadata.metadata or {}
    return {key.decode(): value.decode() for key, value in raw.items() if not key.startswith(b"ARROW")}


def canonical_json(value: object) -> str:
    """JSON with sorted keys and fixed separators, the form that ids are hashed from; NaN is refused."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)

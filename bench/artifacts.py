"""What lies beside the scores: weights, code tables, curves and arrays; no torch, no pickle.

Every file is named by its pack and a hash of the cells inside, so that two goes at one pack never overwrite
each other, and appears whole or not at all.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from bench.atomic import whole_file
from bench.plan import digest
from bench.store import DamagedFile, is_damage, open_parquet

ARRAYS = pa.schema(
    [
        ("cell_id", pa.string()),
        ("name", pa.string()),
        ("shape", pa.list_(pa.int32())),
        ("values", pa.list_(pa.float32())),
    ]
)


#: One schema for every model: pandas takes the columns of a folder's first file and drops what others add.
#: Losses and their parts are in nats; what a model does not have is null.
CURVES = pa.schema(
    [
        ("cell_id", pa.string()),
        ("step", pa.int64()),
        ("loss", pa.float64()),
        ("reconstruction", pa.float64()),
        ("regularizer", pa.float64()),
        ("kl", pa.float64()),
        ("kl_per_latent", pa.list_(pa.float64())),
        ("mutual_information", pa.float64()),
        ("total_correlation", pa.float64()),
        ("dimension_wise_kl", pa.float64()),
        ("discriminator_loss", pa.float64()),
        ("discriminator_accuracy", pa.float64()),
    ]
)


def file_name(pack_id: str, cell_ids: Sequence[str], suffix: str) -> str:
    """`<pack_id>-<8 hex of the cells inside><suffix>`."""
    return f"{pack_id}-{digest(cell_ids)[:8]}{suffix}"


def write_weights(
    folder: Path,
    pack_id: str,
    cell_ids: Sequence[str],
    tensors: Mapping[str, np.ndarray],
    network: Mapping,
    about: Mapping[str, str],
) -> Path:
    """Final weights of cells, stacked on the leading axis; `network` (plain data) says what they are."""
    named = {name: np.ascontiguousarray(value) for name, value in tensors.items()}
    path = Path(folder) / file_name(pack_id, cell_ids, ".safetensors")
    return _write_tensors(path, named, cell_ids, {**about, "network": json.dumps(network)})


def find_weights(folder: Path, cell_ids: set[str]) -> dict[str, tuple[Path, int]]:
    """Of `cell_ids`, those whose weights lie in `folder`: file and row.

    A damaged file is as none, its cells train again; `bench verify` names it.
    """
    found = {}
    for path in sorted(Path(folder).glob("[!.]*.safetensors")) if cell_ids else ():
        try:
            cells = json.loads(metadata(path)["cells"])
        except (DamagedFile, KeyError, ValueError):
            continue
        found.update({cell_id: (path, row) for row, cell_id in enumerate(cells) if cell_id in cell_ids})
    return found


def metadata(path: Path) -> dict[str, str]:
    """What a safetensors file says of itself; DamagedFile in a sentence where it cannot be read."""
    try:
        with tensor_file(path) as file:
            return file.metadata() or {}
    except FileNotFoundError as error:
        raise DamagedFile(f"{path} is gone") from error


@contextmanager
def tensor_file(path: Path) -> Iterator:
    """A safetensors file, open; DamagedFile in a sentence where what it holds is not what is asked of it."""
    with naming_damage(path), safe_open(path, framework="numpy") as file:
        yield file


@contextmanager
def naming_damage(path: Path) -> Iterator[None]:
    """Make of whatever a reader says of the content of `path` a DamagedFile that names it."""
    try:
        yield
    except FileNotFoundError:
        raise
    except (SafetensorError, pa.ArrowException, OSError, LookupError, TypeError, ValueError) as error:
        if isinstance(error, DamagedFile) or not is_damage(error):
            raise
        raise DamagedFile(
            f"{path} is damaged ({error}); `bench verify` moves such files out of the way"
        ) from error


def read_weights(path: Path, row: int) -> tuple[dict[str, np.ndarray], dict]:
    """One cell's tensors, leading axis of length 1 kept, and what network they are of."""
    with tensor_file(path) as file:
        tensors = {name: file.get_slice(name)[row : row + 1] for name in file.keys()}  # noqa: SIM118
        return tensors, json.loads(file.metadata()["network"])


def checkpoints(folder: Path) -> Iterator[tuple[Path, dict]]:
    """The mid-training checkpoints below `folder`, each with what it says of itself: cells, step.

    Damaged ones are left out: `bench verify` names them, their cells begin anew; or another worker has just
    committed the cells and removed the file.
    """
    for path in sorted(Path(folder).glob("[!.]*.safetensors")):
        try:
            counters = json.loads(metadata(path)["bench"])
        except (DamagedFile, KeyError, ValueError):
            continue
        is_whole = isinstance(counters, dict) and isinstance(counters.get("cells"), list)
        if is_whole and isinstance(counters.get("step"), int):
            yield path, counters


def remove_checkpoints(folder: Path, committed: set[str]) -> list[Path]:
    """Delete the checkpoints below `folder` whose cells are all committed; returns their paths."""
    old = [path for path, counters in checkpoints(folder) if committed.issuperset(counters["cells"])]
    for path in old:
        path.unlink(missing_ok=True)
    return old


def write_codes(path: Path, mean: np.ndarray, log_variance: np.ndarray, index: np.ndarray) -> None:
    """A cell's code table: mean and log-variance (N, d) of the images `index` (N,)."""
    with whole_file(path) as temporary:
        save_file({"mean": mean, "log_variance": log_variance, "index": index}, temporary)


def read_codes(path: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean (N, d), log-variance (N, d) and image indices (N,) of a code table."""
    with tensor_file(path) as file:
        return tuple(file.get_tensor(name) for name in ("mean", "log_variance", "index"))


def write_curves(folder: Path, pack_id: str, rows: list[dict], about: Mapping[str, str]) -> Path:
    """Training curves: one row per cell and logged step."""
    cell_ids = sorted({row["cell_id"] for row in rows})
    path = Path(folder) / file_name(pack_id, cell_ids, ".parquet")
    return _write_rows(path, rows, CURVES, about)


def curve_ends(folder: Path, pack_id: str) -> dict[str, int]:
    """Last logged step of every cell whose curve an earlier try of the pack left below `folder`."""
    ends: dict[str, int] = {}
    for path in sorted(Path(folder).glob(f"{pack_id}-*.parquet")):
        try:
            table = open_parquet(path).read(columns=["cell_id", "step"])
        except (pa.ArrowException, OSError) as error:
            if not is_damage(error):
                raise
            continue  # `bench verify` names it
        ends.update(zip(table["cell_id"].to_pylist(), table["step"].to_pylist(), strict=True))
    return ends


def write_arrays(
    folder: Path, pack_id: str, arrays: Mapping[tuple[str, str], np.ndarray], about: Mapping[str, str]
) -> Path | None:
    """Arrays behind scores, keyed by (cell_id, name); float32. None when there is nothing to write."""
    if not arrays:
        return None
    rows = [
        {"cell_id": cell_id, "name": name, "shape": list(np.shape(value)), "values": np.ravel(value).tolist()}
        for (cell_id, name), value in sorted(arrays.items())
    ]
    path = Path(folder) / file_name(pack_id, [f"{cell_id}/{name}" for cell_id, name in arrays], ".parquet")
    return _write_rows(path, rows, ARRAYS, about)


def write_pictures(
    folder: Path,
    pack_id: str,
    pictures: Mapping[str, Mapping[str, np.ndarray]],
    about: Mapping[str, str],
) -> Path | None:
    """Pictures (uint8) by cell id and name, as tensors `<cell_id>.<name>`; None when there are none."""
    if not pictures:
        return None
    path = Path(folder) / file_name(pack_id, list(pictures), ".safetensors")
    tensors = {
        f"{cell_id}.{name}": np.ascontiguousarray(value)
        for cell_id, named in pictures.items()
        for name, value in named.items()
    }
    return _write_tensors(path, tensors, list(pictures), about)


def read_pictures(folder: Path, cell_id: str) -> dict[str, np.ndarray]:
    """The pictures of a cell by name; empty where none were kept."""
    for path in sorted(Path(folder).glob("[!.]*.safetensors")):
        with tensor_file(path) as file:
            if cell_id in json.loads(file.metadata()["cells"]):
                names = [name for name in file.keys() if name.startswith(f"{cell_id}.")]  # noqa: SIM118
                return {name.partition(".")[2]: file.get_tensor(name) for name in names}
    return {}


def write_stored_codes(
    folder: Path,
    pack_id: str,
    index: np.ndarray,
    codes: Mapping[str, tuple[np.ndarray, np.ndarray]],
    about: Mapping[str, str],
) -> Path:
    """Means (n, d) and KL divergences (d,) of the same few images for every cell, float16, for UDR."""
    path = Path(folder) / file_name(pack_id, list(codes), ".safetensors")
    tensors = {
        "mean": np.stack([mean for mean, _ in codes.values()]).astype(np.float16),
        "kl": np.stack([kl for _, kl in codes.values()]).astype(np.float16),
        "index": index,
    }
    return _write_tensors(path, tensors, list(codes), about)


def _write_tensors(
    path: Path, tensors: dict[str, np.ndarray], cell_ids: Sequence[str], about: Mapping[str, str]
) -> Path:
    with whole_file(path) as temporary:
        save_file(tensors, temporary, {**about, "cells": json.dumps(list(cell_ids))})
    return path


def _write_rows(path: Path, rows: list[dict], schema: pa.Schema, about: Mapping[str, str]) -> Path:
    table = pa.Table.from_pylist(rows, schema=schema).replace_schema_metadata(dict(about))
    with whole_file(path) as temporary:
        pq.write_table(table, temporary, compression="zstd")
    return path

"""All scores of a study and where they come from in one compact Parquet file, to publish or to mail."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from bench.atomic import whole_file
from bench.provenance import COSTS
from bench.reading import is_own, without_doubles
from bench.store import SCHEMA_VERSION, file_metadata, read_files, score_files
from bench.study import own_names, read_study

#: Columns of numbers that hardly repeat: their bytes are split into streams, which compress better.
_STREAMS = ["value", "null", "interval_low", "interval_high"]


def export(folder: Path, out: Path) -> int:
    """Write every score of a study, doubles removed, to the Parquet file `out`; returns the rows.

    The file has the columns of scores/ and loads like it: `pd.read_parquet(out)`, `bench.load_scores(out)`.
    Its metadata hold study.json whole (`study`) and what each run said of itself (`runs`, a JSON list).
    FileNotFoundError where the study has no scores, ValueError where `out` would lie in the study's folder.
    """
    folder, out = Path(folder), Path(out)
    files = score_files(folder / "scores")
    if not files:
        raise FileNotFoundError(f"{folder} has no scores yet; `bench run GRID` makes them")
    if folder.resolve() in out.resolve().parents:
        raise ValueError(f"{out} lies in the study's own folder; use another --out FILE")
    if out.is_dir():
        raise ValueError(f"{out} is a folder; --out takes the name of a file, as {out / 'scores.parquet'}")
    table = whole_table(files, own_names(folder))
    described = {"study": json.dumps(read_study(folder)), "runs": json.dumps(runs(files))}
    table = table.replace_schema_metadata({"bench_schema": str(SCHEMA_VERSION)} | described)
    with whole_file(out) as temporary:
        pq.write_table(
            table,
            temporary,
            compression="zstd",
            row_group_size=len(table),
            use_dictionary=[name for name in table.schema.names if name not in _STREAMS],
            use_byte_stream_split=_STREAMS,
        )
    return len(table)


def whole_table(files: list[Path], names: set[str]) -> pa.Table:
    """What load_scores keeps of the score files of a study of these `names`, as a table.

    A null value (failed) and NaN stay apart.
    """
    table = read_files(files).unify_dictionaries()
    frame = table.to_pandas().assign(_row=np.arange(len(table)))
    frame = frame[is_own(frame, names)]
    # in the order of cells, so that their columns are runs of one word
    return table.take(pa.array(without_doubles(frame)["_row"]))


def runs(files: list[Path]) -> list[dict[str, str]]:
    """The distinct metadata of score files, costs left out: one entry per run, in the order of their ids."""
    described = [
        {name: text for name, text in file_metadata(path).items() if name not in COSTS} for path in files
    ]
    distinct = {json.dumps(about, sort_keys=True): about for about in described}
    return sorted(distinct.values(), key=lambda about: about.get("run_id", ""))

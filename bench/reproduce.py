"""Train and score one committed cell again, alone, and compare every score with the committed one.

A cell's result depends neither on its neighbours nor on interruptions (docs/design.md §4): on the same device
with the same versions every score must come out the same, bit for bit.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd

from bench.committed import Committed, scores_of
from bench.context import Context, Report
from bench.data import prepare
from bench.load import source_hash
from bench.pack import run_pack
from bench.plan import Pack, Work
from bench.provenance import grid_provenance, provenance
from bench.settings import Storage
from bench.store import REQUEST_KEY, SCORE_KEY
from bench.study import cell_label

#: Where the device or the versions differ, so does rounding, and training carries it on. A score is then
#: called reproduced within this share of its value, or this much below 1: a unit of the study's tables, which
#: are in percent.
TOLERANCE = 0.01

#: What has to be the same for bits to agree. A GPU's name says which it is, a CPU is known by its host.
CIRCUMSTANCES = ("device", "versions", "pack_width", "host")


def reproduce(
    committed: Committed,
    data: Path,
    device: str,
    report: Report = lambda event: None,
    on_prepare: Callable[[int, int], None] = lambda done, total: None,
) -> pd.DataFrame:
    """Train and score a committed cell in a temporary folder; the comparison (see `compare`).

    The stack is as wide as the committed one and padded, unless another kind of device forces its own width.
    """
    cell = committed.cell
    for name, code in ((cell.model, cell.code), (cell.dataset, cell.data_code)):
        if ":" in name and source_hash(name) != code:
            raise ValueError(f"{name} has changed since cell {cell.id} was trained: it cannot come out again")
    prepare(cell.dataset, cell.source, data, on_prepare)
    run_id = f"{datetime.now(UTC):%Y%m%dT%H%M%S}-reproduce"
    same_kind = (committed.training["device"] == "cpu") == (device == "cpu")
    with tempfile.TemporaryDirectory(prefix="bench-reproduce-") as folder:
        context = Context(
            study=committed.grid.study,
            folder=folder,
            data=str(data.resolve()),
            device=device,
            evaluation=committed.grid.settings.evaluation,
            storage=Storage(weights=False, codes=0),
            provenance=provenance(run_id) | grid_provenance(committed.grid.raw),
            width=int(committed.training["pack_width"]) if same_kind else None,
            in_driver=True,
        )
        run_pack(Work(Pack((cell,)), {cell.id: committed.requests}), context, report)
        again = scores_of(Path(folder), cell.id)
    return compare(committed, again)


def compare(committed: Committed, again: pd.DataFrame) -> pd.DataFrame:
    """Every score twice: value, again, difference, whether bits must agree (`exact`), and `equal`.

    Committed scores that the grid no longer asks for are left out.
    """
    asked = set(committed.requests)
    keys = committed.scores[list(REQUEST_KEY[1:])].astype(object).itertuples(index=False, name=None)
    first = _plain(committed.scores[[key in asked for key in keys]])
    table = first.merge(_plain(again), on=list(SCORE_KEY[1:]), how="outer", suffixes=("", "_again"))
    table = table.rename(columns={"value_again": "again"})
    table["difference"] = table["again"] - table["value"]
    table["exact"] = ~_differing(table).any(axis=1)
    same_status = table["status"] == table["status_again"]
    same_bits = (table["value"] == table["again"]) | (table["value"].isna() & table["again"].isna())
    near = table["difference"].abs() <= TOLERANCE * table["value"].abs().clip(lower=1.0)
    table["equal"] = same_status & (same_bits | (near & ~table["exact"]))
    return table


def differing_circumstances(table: pd.DataFrame) -> Iterator[str]:
    """What was not as at the commit, in words, so that bits may differ."""
    differing = _differing(table)
    for name in CIRCUMSTANCES:
        if differing[name].any():
            row = table[differing[name]].iloc[0]
            yield f"{name}: {row[name]} then, {row[f'{name}_again']} now"


def begin_line(committed: Committed, device: str) -> str:
    """What is about to be trained again, in a sentence."""
    cell = committed.cell
    return (
        f"{cell_label(cell)} of {committed.folder.name}, source {cell.source}: {cell.training.steps:,} steps "
        f"on {device}, committed on {committed.training['device']}"
    )


def lines(table: pd.DataFrame) -> Iterator[str]:
    """A comparison as text: a line per score, what differs around it, and the outcome."""
    yield f"{'score':<64}{'value':>14}{'again':>14}{'difference':>12}"
    for row in table.itertuples():
        name = f"{row.representation}:{row.metric}@{row.estimator}{row.settings} {row.key}"
        mark = "" if row.equal else "  differs"
        yield f"{name:<64}{row.value:>14.8g}{row.again:>14.8g}{row.difference:>12.2g}{mark}"
        if row.status_again == "failed":
            yield f"  failed: {str(row.error_again).strip().splitlines()[-1]}"
    yield from differing_circumstances(table)
    if table["exact"].all():
        rule = "bit for bit"
    else:
        bits = int((table["difference"] == 0).sum())
        rule = f"within {TOLERANCE:g} of their value (of 1 below 1), {bits} of them bit for bit"
    yield f"{table['equal'].sum()} of {len(table)} scores came out again {rule}."


def _differing(table: pd.DataFrame) -> pd.DataFrame:
    differing = pd.DataFrame({name: table[name] != table[f"{name}_again"] for name in CIRCUMSTANCES})
    differing["host"] &= table["device"] == "cpu"
    return differing


def _plain(scores: pd.DataFrame) -> pd.DataFrame:
    """The columns that are compared, without categories."""
    frame = scores[[*SCORE_KEY[1:], "value", "status", "error", *CIRCUMSTANCES]]
    return frame.astype(dict.fromkeys(frame.columns[frame.dtypes == "category"], object))

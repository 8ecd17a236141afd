"""`bench card`: gather what is kept of one committed cell and write its page."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.compute as pc

from bench.artifacts import find_weights, naming_damage, read_pictures
from bench.atomic import write_text
from bench.cell import Cell
from bench.committed import Committed, find_committed
from bench.data import find_entry
from bench.reading import load_scores
from bench.reporting.card import CellRecord, card_page
from bench.reporting.cells import assemble
from bench.reporting.stored import read_codes
from bench.scoring_against import against
from bench.store import open_parquet


def card(
    results: Path, reports: Path, cell_id: str, data: Path, place: str | Path
) -> tuple[Path, CellRecord]:
    """Write reports/<study>/cards/<cell_id>.html of a committed cell; its path, and what is on it.

    `cell_id` may be the first digits of an id. Pictures are those that training stored; for another cell they
    are drawn from its kept weights with the images in `data`. `place` is what the user calls `results`.
    Raises ValueError for an id that is none.
    """
    committed = find_committed(results, cell_id, place)
    record = gather(committed, data)
    path = Path(reports) / committed.folder.name / "cards" / f"{record.cell_id}.html"
    write_text(path, card_page(record))
    return path, record


def gather(committed: Committed, data: Path) -> CellRecord:
    """Everything that the study's folder keeps of a cell, and why the rest is not there."""
    folder, cell = committed.folder, committed.cell
    curves, arrays = _curves(folder, cell.id), _arrays(folder, cell.id)
    pictures, why = _pictures(folder, cell, data)
    kl, kl_of = _kl(folder, cell.id, pictures, curves)
    row, scores = _beside_the_study(committed)
    absent = {
        "pictures": why,
        "curves": "none were kept; an untrained network has none.",
        "arrays": "no metric of the cell left a matrix of codes and factors (mig and dci do).",
    }
    return CellRecord(
        study=folder.name, cell_id=cell.id, label=row["label"], data=row["data"], source=cell.source,
        model=cell.model, seed=cell.seed, steps=cell.training.steps, settings=_settings(cell), scores=scores,
        factor_names=_factor_names(cell, arrays), pictures=pictures, kl=kl, kl_of=kl_of,
        curves=curves, arrays=arrays, absent=absent,
    )  # fmt: skip


def _factor_names(cell: Cell, arrays: Mapping[str, np.ndarray]) -> tuple[str, ...]:
    """Names of the factors; numbers for a user's own data set, which is not imported to read results."""
    if ":" not in cell.dataset:
        return tuple(find_entry(cell.dataset).factor_names)
    matrices = [array for array in arrays.values() if array.ndim == 2]
    return tuple(f"factor {k + 1}" for k in range(matrices[0].shape[1] if matrices else 0))


def _settings(cell: Cell) -> dict[str, object]:
    training = cell.training.model_dump(exclude_none=True)
    return {"model": cell.model, **cell.settings.model_dump(exclude_none=True), **training}


def _beside_the_study(committed: Committed) -> tuple[pd.Series, pd.DataFrame]:
    """The cell as the report describes it, and its scores with their percentiles on its data set."""
    cell, plan = committed.cell, pd.DataFrame([c.columns() for c in committed.grid.cells])
    study = load_scores(committed.folder)
    planned = assemble(committed.folder.name, study.head(0), plan)
    peers = study[(study["dataset"] == cell.dataset) & (study["source"] == cell.source)]
    peers = peers[peers["cell_id"].isin(plan["cell_id"])]
    return planned.cells.loc[cell.id], against(committed.scores, peers)


def _pictures(folder: Path, cell: Cell, data: Path) -> tuple[dict[str, np.ndarray], str]:
    """Pictures that training stored, else drawn from the weights; without either, why."""
    stored = read_pictures(folder / "pictures", cell.id)
    if stored:
        return stored, ""
    kept = find_weights(folder / "models", {cell.id})
    if not kept:
        return (
            {},
            "training stored none of this cell, nor its weights (`storage: {weights: true}` keeps them).",
        )
    if ":" in cell.dataset:
        return {}, f"training stored none of this cell, and {cell.dataset} is not imported to read results."
    from bench.redraw import redraw  # torch, only where pictures have to be drawn

    try:
        return redraw(*kept[cell.id], cell, data), ""
    except FileNotFoundError as error:
        return {}, f"training stored none of this cell, and {error}"


def _kl(
    folder: Path, cell_id: str, pictures: Mapping[str, np.ndarray], curves: pd.DataFrame | None
) -> tuple[np.ndarray | None, str]:
    """KL of each latent in nats, and in words what it is the mean over."""
    codes = read_codes(folder / "codes", {cell_id})
    if cell_id in codes:
        return codes[cell_id][1].astype(float), f"mean over {len(codes[cell_id][0]):,} images"
    if "kl" in pictures:
        return pictures["kl"].astype(float), "mean over the images that codes are kept of"
    if curves is not None and curves["kl_per_latent"].notna().any():
        last = curves[curves["kl_per_latent"].notna()].sort_values("step").iloc[-1]
        return np.asarray(last["kl_per_latent"], float), f"in the batch of step {last['step']:,}"
    return None, ""


def _curves(folder: Path, cell_id: str) -> pd.DataFrame | None:
    """The training curves of a cell; None where none are kept."""
    return _rows_of(folder / "curves", cell_id)


def _arrays(folder: Path, cell_id: str) -> dict[str, np.ndarray]:
    """The arrays behind a cell's scores by name; the newest where a re-scoring left another."""
    rows = _rows_of(folder / "arrays", cell_id)
    if rows is None:
        return {}
    return {row.name: np.reshape(row.values, row.shape) for row in rows.itertuples(index=False, name="Row")}


def _rows_of(folder: Path, cell_id: str) -> pd.DataFrame | None:
    """Rows of one cell in a folder of Parquet files, oldest file first; None where there is none."""
    files = sorted(folder.glob("[!.]*.parquet"), key=lambda path: path.stat().st_mtime)
    mine = pc.field("cell_id") == cell_id
    found = []
    for path in files:
        with naming_damage(path):
            found.append(open_parquet(path).read().filter(mine).to_pandas())
    found = [rows for rows in found if len(rows)]
    return pd.concat(found, ignore_index=True) if found else None

"""What training stored beside the scores: codes, from which UDR is made here, and pictures."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.random import Generator

from bench.artifacts import read_pictures, tensor_file
from bench.metrics.udr import udr
from bench.reporting.cells import Column, Study

SIMILARITY = "lasso"
#: Seeds compared with each other. All 50 would cost five times the pairs; ten are enough (Duan et al. 2020).
GROUP = 10


def with_udr(study: Study, folder: Path) -> Study:
    """`study` with a column of UDR, over the trained cells whose setting has stored codes of two seeds.

    `folder` is the study's codes/: the mean codes of the same images and their KL for every cell.
    """
    codes = read_codes(folder, set(study.cells.index[study.trained]))
    scores = np.full(len(study.cells), np.nan)
    for _, cells in study.cells[study.trained].groupby("setting", sort=False):
        found = [cell_id for cell_id in cells.index if cell_id in codes]
        for group in np.array_split(found, -(-len(found) // GROUP) or 1):
            if len(group) > 1:
                mean, kl = zip(*(codes[cell_id] for cell_id in group), strict=True)
                scores[study.cells.index.get_indexer(group)] = udr(list(mean), list(kl), SIMILARITY).scores
    if np.isnan(scores).all():
        return study
    column = Column("udr", "udr", SIMILARITY, "", "mean", None)
    values = study.values.assign(**{column.name: scores})
    return replace(study, values=values, columns=(*study.columns, column))


def with_pictures(study: Study, folder: Path, rng: Generator) -> Study:
    """`study` with the pictures of one random trained cell per data set; per objective where there is one
    data set.

    `folder` is the study's own; pictures/ holds those of the first seed of each setting. `kl` (d,) of the
    stored codes comes along where there is one, to sort the latents.
    """
    group = ["data"] if len(study.datasets) > 1 else ["data", "model"]
    pictures = {}
    cells = study.cells[study.trained & study.cells.index.isin(_with_pictures(folder / "pictures"))]
    order = cells.assign(_model=cells["model"].map(study.models().index)).sort_values("_model", kind="stable")
    for _, found in order.groupby(group, sort=False):
        cell_id = found.index[rng.integers(len(found))]
        pictures[cell_id] = read_pictures(folder / "pictures", cell_id)
        codes = read_codes(folder / "codes", {cell_id})
        if cell_id in codes:
            pictures[cell_id]["kl"] = codes[cell_id][1].astype(float)
    return replace(study, pictures=pictures)


def _with_pictures(folder: Path) -> list[str]:
    """Ids of the cells that have pictures."""
    found = []
    for path in sorted(folder.glob("[!.]*.safetensors")):
        with tensor_file(path) as file:
            found += json.loads(file.metadata()["cells"])
    return found


def read_codes(folder: Path, cell_ids: set[str]) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Mean codes (n, d) and KL (d,) of the cells of `cell_ids` that have them, float16 as stored."""
    codes = {}
    for path in sorted(Path(folder).glob("[!.]*.safetensors")):
        with tensor_file(path) as file:
            mean, kl = file.get_tensor("mean"), file.get_tensor("kl")
            listed = json.loads(file.metadata()["cells"])
        codes |= {c: (mean[i], kl[i]) for i, c in enumerate(listed) if c in cell_ids}
    return codes

"""Whether a study can stand beside the paper at all, and beside the numbers over its whole grid."""

from __future__ import annotations

import json

import numpy as np

from bench.reporting.cells import Study
from bench.reporting.claims.evidence import of_paper
from bench.reporting.claims.support import ENOUGH
from bench.reporting.names import PAPER_DATASETS, count, model_name
from bench.settings import MODEL_SETTINGS, Training

MIN_SEEDS, MIN_VALUES, MIN_OBJECTIVES, MIN_STEPS = 5, 3, 3, 100_000

#: The six values of each objective (locatello2019.md §1.1).
PAPER_VALUES: dict[str, tuple[float, ...]] = {
    "beta_vae": (1, 2, 4, 6, 8, 16),
    "factor_vae": (10, 20, 30, 40, 50, 100),
    "beta_tc_vae": (1, 2, 4, 6, 8, 10),
    "dip_vae_i": (1, 2, 5, 10, 20, 50),
    "dip_vae_ii": (1, 2, 5, 10, 20, 50),
    "annealed_vae": (5, 10, 25, 50, 75, 100),
}
PAPER_SETTINGS = {(model, value) for model, values in PAPER_VALUES.items() for value in values}

#: The released network and that of the paper's Table 2 (docs/deviations.md).
PAPER_NETWORKS = ("conv_64", "conv_64_4x4")


def shortfall(study: Study) -> str:
    """Why no verdict at all can be given on this study, in a few words; '' where nothing stands in the way.

    What single findings lack, they say themselves.
    """
    part = of_paper(study)
    cells = part.cells[part.cells["state"] == "scored"]
    if part.cells.empty:
        return "it has none of the paper’s objectives"
    if set(part.cells["source"]) != {"real"}:
        return "the images are rendered, not the published files"
    if not part.cells["dataset"].isin(PAPER_DATASETS).all():
        return "it has none of the paper’s data sets"
    if cells.empty:
        return "no trained cell is scored"
    if len(cells) < ENOUGH * len(part.cells):
        return f"{len(cells):,} of {count(len(part.cells), 'trained cell')} are scored"
    if cells["steps"].min() < MIN_STEPS:
        return f"cells were trained for {cells['steps'].min():,} steps, most of the paper’s for 300,000"
    if other := other_training(part):
        return other
    if cells["model"].nunique() < MIN_OBJECTIVES:
        return f"it has {count(cells['model'].nunique(), 'objective')}, the paper has six"
    if cells.groupby("model")["choice"].nunique().median() < MIN_VALUES:
        return f"it has fewer than {MIN_VALUES} values per objective, the paper has six"
    if cells.groupby("setting")["seed"].nunique().median() < MIN_SEEDS:
        return f"it has fewer than {MIN_SEEDS} seeds per setting, the paper has 50"
    if len(part.metrics()) < 2:
        return "it has fewer than two of the paper’s metrics"
    return ""


def other_training(part: Study) -> str:
    """What of the paper's training (§1.3) and of its fixed companions (§1.1) some cells change; '' if none.

    Steps have a rule of their own (MIN_STEPS). Another precision is arithmetic, not another network.
    """
    # The defaults of bench.settings are the study's.
    usual = Training().model_dump(mode="json", exclude={"architecture", "steps", "precision"})
    for given in map(json.loads, part.cells["training"].unique()):
        if given["architecture"] not in PAPER_NETWORKS:
            return f"the networks are {given['architecture']}, the paper’s {PAPER_NETWORKS[0]}"
        for name, value in usual.items():
            if given[name] != value:
                return f"{name} is {_said(given[name])}, the paper’s {_said(value)}"
    for model, hyperparameters in part.cells.groupby("model")["hyperparameters"]:
        swept = MODEL_SETTINGS[model].hyperparameter
        companions = MODEL_SETTINGS[model](**{swept: 1.0}).model_dump(mode="json", exclude={swept})
        for given in map(json.loads, hyperparameters.unique()):
            for name, value in companions.items():
                if given[name] != value:
                    of = model_name(model)
                    return f"{name} of {of} is {_said(given[name])}, the paper’s {_said(value)}"
    return ""


def part_of_grid(part: Study) -> str:
    """Why no number over six objectives × six values can stand beside this study; '' if it can.

    Every setting has to be planned and to have a score of each metric that the study has, on every data set.
    """
    for data, cells in part.cells[part.trained].groupby("data"):
        found = set(zip(cells["model"], cells["strength"], strict=True))
        if found != PAPER_SETTINGS:
            others = len(found - PAPER_SETTINGS)
            has = f"{len(found & PAPER_SETTINGS)} of the paper’s {len(PAPER_SETTINGS)} settings"
            return f"it has {has}" + (f" and {count(others, 'other')}" if others else "") + f" on {data}"
        for metric in part.metrics():  # a setting without a score is no part of a number either
            there = cells[np.isfinite(part.values.loc[cells.index, metric.name])]
            found, of = len(there.drop_duplicates("setting")), len(PAPER_SETTINGS)
            if found < of:
                return f"{metric.label} is there for {found} of the paper’s {of} settings on {data}"
    return ""


def _said(value: object) -> str:
    return "none" if value is None else f"{value:g}" if isinstance(value, float) else str(value)

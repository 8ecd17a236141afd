"""Two studies cell by cell: one seed of one setting under another precision, machine or training."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from scipy import stats

from bench.reporting.beside import common_columns, namesakes, not_compared, of_other_images
from bench.reporting.cells import Column, Study
from bench.reporting.exhibit import Exhibit, bracket, completeness, too_little
from bench.reporting.names import count, model_name
from bench.reporting.statistics import LEVEL, Estimate, pooled_deviation

WITHIN, BEYOND, TOO_LITTLE = "within seed noise", "beyond seed noise", "too little data"

#: What a mean difference may be, in standard deviations over seeds. Two runs that differ in their seed alone
#: lie 1.13 of them apart on average; shifted by half of one, a run wins against the other study's in 64 % of
#: the pairs instead of 50 %.
NOISE_SHARE = 0.5

FEWEST = 10  # pairs below which there is no verdict, and an objective no row of its own

#: What two cells of one pair share; all of the training may differ.
PAIR = ["dataset", "source", "model", "hyperparameters", "seed"]

ALL = "all"  # the objectives together


def cell_by_cell(study: Study, other: Study, differ: str = "") -> Exhibit:
    """The difference of every score over the cells that both studies have: mean, seed noise and verdict.

    Cells are paired by data set with its source, model with its hyperparameters, and seed; one that a study
    holds twice (with two numbers of steps) has no partner. Columns that both have are compared, each data set
    by itself, all objectives together and each one that has FEWEST pairs. `differ` is what told_apart says.
    """
    title = f"{study.name} beside {other.name}, cell by cell"
    columns = common_columns(study, other)
    pairs = _pairs(study, other)
    found = list(_rows(study, other, columns, pairs))
    if not found:
        return too_little(title, "", "the two studies share no scored seed of one setting.")
    table = pd.DataFrame(found)
    headlines = [column for column in columns if column.headline]
    shown = table[table["score"].isin([column.label for column in headlines])].copy()
    shown["difference"] = [bracket(*row, digits=3) for row in shown[["difference", "low", "high"]].to_numpy()]
    shown["seed noise"] = [bracket(noise, np.nan, np.nan, digits=3) for noise in shown["seed noise"]]
    shown = shown.drop(columns=["low", "high", "noise_low", "noise_high"])
    done = {(row["data set"], row["score"]) for row in found}
    return Exhibit(
        title, "",
        f"Difference = {study.name} − {other.name} of the same seed of the same setting; its mean with 95 % "
        "interval (Student's, over pairs), and the standard deviation over seeds within settings, the "
        f"smaller of the two studies'. “{WITHIN}”: the whole interval lies within ±{NOISE_SHARE:g} of that "
        f"standard deviation; “{BEYOND}”: all of it lies outside; else, and below {FEWEST} pairs, "
        f"“{TOO_LITTLE}”. For this the standard deviation stands at the lower or upper end of its own 95 % "
        f"interval, whichever makes the verdict harder. Each row is judged by itself.{differ}"
        f"{_without_partner(study, pairs['cell'])}{_without_partner(other, pairs['cell_other'])}"
        f"{of_other_images(study, other, columns)}{not_compared(study, other, columns, done)}",
        f"{completeness(study, headlines)} {other.name}: {completeness(other, namesakes(other, headlines))}",
        numbers=table, table=shown, text=tuple(_told(shown)),
    )  # fmt: skip


def mean_difference(value: np.ndarray, other: np.ndarray) -> Estimate:
    """Mean of value − other over pairs (n,) with Student's 95 % interval, NaN for a single pair.

    Where settings react differently, their spread widens the interval: conservative for these settings.
    """
    gap, n = value - other, len(value)
    half = np.nan
    if n > 1:
        half = float(stats.t.ppf((1 + LEVEL) / 2, n - 1) * gap.std(ddof=1) / np.sqrt(n))
    return Estimate(float(gap.mean()), float(gap.mean()) - half, float(gap.mean()) + half, n)


def seed_noise(value: np.ndarray, other: np.ndarray, setting: np.ndarray) -> Estimate:
    """Standard deviation over seeds within settings, pooled: that of value or other (n,), the smaller one.

    The smaller, so that runs which scatter more do not excuse their own shift.
    """
    order = np.argsort(setting, kind="stable")
    ends = np.flatnonzero(np.diff(setting[order])) + 1
    both = [pooled_deviation(np.split(x[order], ends)) for x in (value, other)]
    return min(both, key=lambda noise: noise.value)


def verdict(difference: Estimate, noise: Estimate) -> str:
    """Whether a mean difference is within NOISE_SHARE of the seed noise, beyond it, or not decided.

    Not merely whether its interval holds 0: few pairs always do. Where the true shift is the limit itself,
    either verdict is wrong in at most 2.5 % of the studies (normal scores).
    """
    if difference.n < FEWEST:
        return TOO_LITTLE
    farthest = max(-difference.low, difference.high)
    nearest = max(difference.low, -difference.high)
    if farthest <= NOISE_SHARE * noise.low:
        return WITHIN
    return BEYOND if nearest > NOISE_SHARE * noise.high else TOO_LITTLE


def _pairs(study: Study, other: Study) -> pd.DataFrame:
    """One row per pair of trained cells: `data`, `model`, `setting` (a number), `cell`, `cell_other`."""
    sides = []
    for one in (study, other):
        cells = one.cells[one.trained].drop_duplicates(PAIR, keep=False)
        sides.append(cells[[*PAIR, "data"]].astype({"seed": int}).assign(cell=cells.index))
    pairs = sides[0].merge(sides[1].drop(columns="data"), on=PAIR, suffixes=("", "_other"))
    return pairs.assign(setting=pairs.groupby(PAIR[:-1]).ngroup())


def _rows(
    study: Study, other: Study, columns: list[Column], pairs: pd.DataFrame
) -> Iterator[dict[str, object]]:
    """A row per data set and column for the objectives together, then for each one."""
    models = study.models()
    for model in [ALL, *(models if len(models) > 1 else ())]:
        of_model = pairs if model == ALL else pairs[pairs["model"] == model]
        for data in study.datasets:
            part = of_model[of_model["data"] == data]
            for column in columns:
                value, theirs = (
                    one.values[column.name].reindex(part[cell]).to_numpy()
                    for one, cell in ((study, "cell"), (other, "cell_other"))
                )
                both = np.isfinite(value) & np.isfinite(theirs)
                if both.sum() >= (1 if model == ALL else FEWEST):
                    found = value[both], theirs[both]
                    numbers = _judged(*found, part["setting"].to_numpy()[both])
                    objective = ALL if model == ALL else model_name(model)
                    yield {"data set": data, "objective": objective, "score": column.label} | numbers


def _judged(value: np.ndarray, other: np.ndarray, setting: np.ndarray) -> dict[str, object]:
    difference, noise = mean_difference(value, other), seed_noise(value, other, setting)
    return {
        "verdict": verdict(difference, noise),
        "difference": difference.value, "low": difference.low, "high": difference.high,
        "seed noise": noise.value, "noise_low": noise.low, "noise_high": noise.high, "pairs": difference.n,
    }  # fmt: skip


def _without_partner(study: Study, paired: pd.Series) -> str:
    """How many scored cells stand alone."""
    scored = study.cells.index[study.trained & (study.cells["state"] == "scored")]
    alone = len(scored.difference(pd.Index(paired)))
    return f" Without a partner: {count(alone, 'cell')} of {study.name}." if alone else ""


def _told(shown: pd.DataFrame) -> Iterator[str]:
    """A sentence per data set on the mean over all objectives, and on those that are beyond by themselves.

    Differences of opposite sign cancel in that mean: it alone would call two unlike studies alike.
    """
    for data, part in shown.groupby("data set", sort=False):
        together = part[part["objective"] == ALL]
        said = [
            f"{', '.join(rows['score'])}: {word}."
            for word in (WITHIN, BEYOND, TOO_LITTLE)
            if len(rows := together[together["verdict"] == word])
        ]
        alone = part[(part["objective"] != ALL) & (part["verdict"] == BEYOND)]
        named = [
            f"{model} ({', '.join(rows['score'])})" for model, rows in alone.groupby("objective", sort=False)
        ]
        beyond = f" By themselves {BEYOND}: {', '.join(named)}." if named else ""
        yield f"{data}, mean over all objectives. {' '.join(said)}{beyond}"

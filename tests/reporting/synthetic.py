"""A made-up study with known effects of objective, strength and seed, in the schema of bench.store.

Every cell has a hidden quality = objective + strength + seed, in the shares of variance of `Effects`. Scores
follow the quality or are independent of it, as the field `FOLLOWS` says, so that a test knows what an exhibit
must find.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from bench.cell import Cell
from bench.grid import grid_from
from bench.metrics import CHEAP, METRICS
from bench.settings import MODEL_SETTINGS, Training
from bench.store import SCHEMA, write_scores
from bench.study import planned_row, record_plan

STRENGTHS = {
    "beta_vae": [1, 2, 4, 6, 8, 16],
    "factor_vae": [10, 20, 30, 40, 50, 100],
    "beta_tc_vae": [1, 2, 4, 6, 8, 10],
    "dip_vae_i": [1, 2, 5, 10, 20, 50],
    "dip_vae_ii": [1, 2, 5, 10, 20, 50],
    "annealed_vae": [5, 10, 25, 50, 75, 100],
}
QUICKSTART_STRENGTHS = {
    "beta_vae": [1, 4], "annealed_vae": [2.5, 10], "factor_vae": [6, 20], "beta_tc_vae": [2, 6],
    "dip_vae_i": [1, 20], "dip_vae_ii": [1, 20],
}  # fmt: skip
DATASETS = (
    "dsprites",
    "color_dsprites",
    "noisy_dsprites",
    "scream_dsprites",
    "smallnorb",
    "cars3d",
    "shapes3d",
)

#: metric -> (estimator, headline key, correlation with the hidden quality)
FOLLOWS = {
    "beta_vae": ("study", "eval_accuracy", 0.8),
    "factor_vae": ("study", "eval_accuracy", 0.85),
    "mig": ("study", "mig", 0.97),
    "dci": ("lightgbm", "disentanglement", 0.97),
    "modularity": ("study", "modularity", 0.0),
    "sap": ("study", "sap", 0.7),
}


@dataclass(frozen=True)
class Effects:
    """Shares of the variance of the hidden quality; they sum to 1."""

    objective: float = 0.4
    strength: float = 0.25
    seed: float = 0.35


def make_grid(
    study="synthetic", datasets=DATASETS, strengths=STRENGTHS, seeds=50, untrained=False, steps=300_000,
    metrics=(*FOLLOWS, "unsupervised", "downstream"),
) -> dict:  # fmt: skip
    """A grid as YAML gives it: every model of `strengths` with its values."""
    swept = {model: MODEL_SETTINGS[model].hyperparameter for model in strengths}
    models = {model: {swept[model]: list(values)} for model, values in strengths.items()}
    models |= {"untrained": None} if untrained else {}
    return {
        "study": study, "datasets": list(datasets), "models": models, "seeds": seeds,
        "training": {"steps": steps}, "evaluation": {"metrics": list(metrics)},
    }  # fmt: skip


def make_plan(
    datasets=DATASETS, strengths=STRENGTHS, seeds=50, source="real", untrained=False, steps=300_000
) -> pd.DataFrame:
    """The planned cells, one row each, as bench.study.planned_cells gives them for make_grid of the same."""
    settings = [
        (model, MODEL_SETTINGS[model](**{MODEL_SETTINGS[model].hyperparameter: float(value)}), steps)
        for model, values in strengths.items()
        for value in values
    ]
    settings += [("untrained", MODEL_SETTINGS["untrained"](), 0)] if untrained else []
    cells = [
        Cell(dataset, source, model, values, seed, Training().model_copy(update={"steps": count}))
        for dataset in datasets
        for model, values, count in settings
        for seed in range(seeds)
    ]
    return pd.DataFrame([planned_row(cell) for cell in cells])


def write_study(folder: Path, scores: pd.DataFrame, source="real", **grid) -> Path:
    """A study's folder, study.json and one file of scores, as `bench run` leaves it."""
    raw = make_grid(study=folder.name, **grid)
    loaded = grid_from(raw, "synthetic", sources=dict.fromkeys(raw["datasets"], source))
    record_plan(folder, loaded, {"version": "test"})
    rows = as_schema(pd.concat([scores, companions(scores)])).assign(study=folder.name).astype(object)
    write_scores(folder / "scores", "synthetic", rows.where(rows.notna(), None).to_dict("records"), {})
    return folder


def companions(scores: pd.DataFrame) -> pd.DataFrame:
    """The `corrected` rows that every plan has beside the study's way, with the same values."""
    with_companion = [m for m in CHEAP if "corrected" in METRICS[m]]
    return scores[scores["metric"].isin(with_companion)].assign(estimator="corrected")


def hidden_quality(plan: pd.DataFrame, effects: Effects, rng: np.random.Generator) -> pd.Series:
    """Quality of each cell: standard normal per data set; untrained networks lie three below the mean."""
    quality = pd.Series(0.0, index=plan.index)
    for _, cells in plan[plan["model"] != "untrained"].groupby("dataset"):
        for share, keys in (
            (effects.objective, ["model"]), (effects.strength, ["model", "strength"]),
            (effects.seed, ["cell_id"]),
        ):  # fmt: skip
            group = cells.groupby(keys, sort=False).ngroup()
            drawn = rng.standard_normal(group.max() + 1)
            levels = (drawn - drawn.mean())[group]
            if len(keys) == 2:  # strengths differ around their own objective's mean
                levels = (
                    levels - pd.Series(levels).groupby(cells["model"].to_numpy()).transform("mean").to_numpy()
                )
            spread = levels.std()
            quality[cells.index] += np.sqrt(share) * levels / spread if spread else 0.0
    quality[plan["model"] == "untrained"] = -3.0
    return quality


def make_scores(
    plan: pd.DataFrame, effects: Effects = Effects(), seed: int = 0, follows=FOLLOWS, downstream: bool = True
) -> pd.DataFrame:  # fmt: skip
    """Tidy scores of every cell of `plan`."""
    rng = np.random.default_rng(seed)
    quality = hidden_quality(plan, effects, rng)

    def following(rho: float) -> np.ndarray:
        return rho * quality + np.sqrt(1 - rho**2) * rng.standard_normal(len(plan))

    parts = []

    def add(metric, estimator, key, value, representation="mean", images=0):
        parts.append(plan.assign(metric=metric, estimator=estimator, key=key, value=np.asarray(value, float),
                                 representation=representation, images=images))  # fmt: skip

    for metric, (estimator, key, rho) in follows.items():
        add(metric, estimator, key, 0.4 + 0.08 * following(rho))
    rank = plan.groupby("model")["strength"].rank(method="dense").fillna(1)
    noise = rng.standard_normal((4, len(plan)))
    add(
        "unsupervised",
        "study",
        "gaussian_total_correlation",
        np.exp(1.0 - 0.3 * rank + 0.1 * noise[0]),
        "sampled",
    )
    up = np.where(plan["model"] == "dip_vae_i", -0.2, 0.25)
    add(
        "unsupervised",
        "study",
        "gaussian_total_correlation",
        np.exp(0.8 + up * rank + 0.1 * noise[1]),
        "mean",
    )
    add("unsupervised", "study", "mutual_info_score", 0.3 - 0.03 * rank + 0.01 * noise[2], "sampled")
    add("unsupervised", "study", "mutual_info_score", 0.1 + 0.03 * rank + 0.01 * noise[3], "mean")
    trained = ("training", "study")
    reconstruction, kl = 60 + 5 * rank + following(0.0), 20 - 2 * rank + 0.5 * following(0.0)
    for key, value in (("reconstruction", reconstruction), ("kl", kl), ("elbo", -reconstruction - kl)):
        add(*trained, key, value, "none", 64_000)
    for learner in ("logistic_regression", "trees") if downstream else ():
        for size, level in ((10, 0.3), (100, 0.45), (1000, 0.6), (10_000, 0.7)):
            value = level + 0.05 * following(0.8 if learner == "trees" else 0.6)
            add("downstream", "lightgbm", f"{learner}/{size}/mean_test_accuracy", value)
        add("downstream", "lightgbm", f"{learner}/efficiency", 0.65 + 0.03 * following(0.0))
    return as_schema(pd.concat(parts, ignore_index=True))


def as_schema(rows: pd.DataFrame) -> pd.DataFrame:
    """Fill the columns of bench.store.SCHEMA that the report does not depend on, in its order."""
    filled = {"pack_id": "pack", "study": "synthetic", "settings": "", "null": np.nan, "interval_low": np.nan,
              "interval_high": np.nan, "flags": "", "status": "ok", "error": None, "seconds": 1.0,
              "device": "cpu", "pack_width": 1, "versions": "{}", "created_at": pd.Timestamp("2026-01-01",
              tz="UTC")}  # fmt: skip
    missing = {name: value for name, value in filled.items() if name not in rows}
    return rows.assign(**missing)[SCHEMA.names]


QUICKSTART = {
    "source": "rendered:1", "datasets": ("dsprites_quick",), "strengths": QUICKSTART_STRENGTHS, "seeds": 4,
    "untrained": True, "steps": 8000,
}  # fmt: skip
#: The same with what it is scored with, as write_study takes it.
QUICKSTART_GRID = QUICKSTART | {
    "metrics": ("factor_vae", "mig", "dci@forest", "modularity", "sap", "unsupervised", "downstream")
}


def quickstart() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Plan and scores of a study like the quick start's: 12 settings, rendered data, an untrained floor."""
    plan = make_plan(**QUICKSTART)
    follows = {
        m: ("forest" if m == "dci" else e, k, r) for m, (e, k, r) in FOLLOWS.items() if m != "beta_vae"
    }
    return plan, make_scores(plan, Effects(0.6, 0.25, 0.15), follows=follows)

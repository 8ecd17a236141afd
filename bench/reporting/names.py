"""How the report writes the names of models, data sets and metrics, in the paper's words and order."""

from __future__ import annotations

from collections.abc import Iterable

#: The order of the paper's legends (locatello2019.md §1.2), then what this project adds.
MODEL_NAMES: dict[str, str] = {
    "beta_vae": "β-VAE",
    "factor_vae": "FactorVAE",
    "beta_tc_vae": "β-TCVAE",
    "dip_vae_i": "DIP-VAE-I",
    "dip_vae_ii": "DIP-VAE-II",
    "annealed_vae": "AnnealedVAE",
    "vae": "VAE",
}

#: The floor: a network at its initial weights, drawn last and in grey, part of no analysis.
REFERENCE = "untrained"

HYPERPARAMETER_NAMES: dict[str, str] = {
    "beta": "β",
    "gamma": "γ",
    "lambda_od": "λ_od",
    "lambda_d_factor": "λ_d/λ_od",
    "c_max": "c_max",
}

#: The names of the paper's tables, in the order of its sweep.
DATASET_NAMES: dict[str, str] = {
    "dsprites": "dSprites",
    "color_dsprites": "Color-dSprites",
    "noisy_dsprites": "Noisy-dSprites",
    "scream_dsprites": "Scream-dSprites",
    "smallnorb": "SmallNORB",
    "cars3d": "Cars3D",
    "shapes3d": "Shapes3D",
    "dsprites_quick": "dSprites-quick",
}

#: The paper's six scores A–F in its order, then the further supervised ones.
METRIC_NAMES: dict[str, str] = {
    "beta_vae": "BetaVAE score",
    "factor_vae": "FactorVAE score",
    "mig": "MIG",
    "dci": "DCI",
    "modularity": "Modularity",
    "sap": "SAP",
    "irs": "IRS",
    "explicitness": "Explicitness",
}

#: The downstream task's learners, by the first part of a key.
LEARNERS: dict[str, str] = {"logistic_regression": "LR", "trees": "GBT"}

#: What the paper’s numbers are over: 7 data sets, 6 objectives, 6 metrics, 50 seeds (locatello2019.md §1, 7).
PAPER_METRICS = ("beta_vae", "factor_vae", "mig", "dci", "modularity", "sap")
PAPER_MODELS = ("beta_vae", "factor_vae", "beta_tc_vae", "dip_vae_i", "dip_vae_ii", "annealed_vae")
PAPER_DATASETS = (
    "dsprites", "color_dsprites", "noisy_dsprites", "scream_dsprites", "smallnorb", "cars3d", "shapes3d",
)  # fmt: skip
PAPER_SEEDS = 50

#: Metrics that see no ground-truth factors, or are no score of disentanglement: they have exhibits of their
#: own.
OTHER_METRICS = ("unsupervised", "training", "downstream", "udr")


def model_name(model: str) -> str:
    """The printed name of a model; a user's `package.module:NAME` is shown whole.

    So are a user's data sets and metrics: NAME alone may be a name of the paper's, or of another of theirs,
    and what shares a printed name would be taken together.
    """
    return MODEL_NAMES.get(model, model)


def dataset_name(dataset: str, source: str) -> str:
    """The printed name of a data set; anything but the published files says `rendered`."""
    name = DATASET_NAMES.get(dataset, dataset)
    return name if source == "real" else f"{name} (rendered)"


def metric_name(metric: str) -> str:
    """The printed name of a metric; a user's `package.module:NAME` is shown whole."""
    return METRIC_NAMES.get(metric, metric)


def downstream_name(key: str) -> str:
    """`LR 10`, `GBT 10,000`, `GBT 100 (worst factor)`, `LR efficiency`: a key of the metric downstream."""
    learner, _, rest = key.partition("/")
    size, _, kind = rest.partition("/")
    learner = LEARNERS.get(learner, learner.replace("_", " "))
    if not size.isdecimal():
        return f"{learner} {size}"
    return f"{learner} {int(size):,}" + (" (worst factor)" if kind.startswith("min") else "")


def in_order(names: Iterable[str], order: Iterable[str]) -> list[str]:
    """The distinct `names`: those of `order` first and in its order, the others after them by name."""
    names, order = set(names), list(order)
    return [name for name in order if name in names] + sorted(names - set(order))


def models_in_order(models: Iterable[str]) -> list[str]:
    """Models in the paper's order, other models after them, the untrained reference last."""
    ordered = in_order(models, MODEL_NAMES)
    return [m for m in ordered if m != REFERENCE] + [m for m in ordered if m == REFERENCE]


def image_count(n: int) -> str:
    """`500 images`; a score on 0 of them is one on the whole data set (`evaluation: images` left out)."""
    return count(n, "image") if n else "all images"


def number(value: float) -> str:
    """A hyperparameter's value as people write it: 4, 0.5, 1e-05."""
    return f"{value:g}"


def count(n: int, noun: str) -> str:
    """`1 cell`, `36 cells`, `12,600 cells`."""
    return f"{n:,} {noun}" if n == 1 else f"{n:,} {noun}s"

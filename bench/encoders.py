"""Any function from images to codes, scored on one of bench's data sets."""

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np

from bench.data import data_folder, open_dataset, resolve_source
from bench.metrics import parse_requests
from bench.rows import evaluation_images, evaluation_rng
from bench.scoring import COLUMNS, named, score_table

BATCH = 512


def score_encoder(
    encoder: Callable,
    dataset: str = "dsprites",
    metrics=("all",),
    images: int | None = None,
    source: str = "auto",
    data: str | Path | None = None,
):
    """Scores of an encoder on a prepared data set, as a DataFrame with the score columns of a study.

    encoder: images (n, H, W, C), float32 in [0, 1], to codes (n, d), or to the pair (mean, log_variance). It
    sees batches of 512. images: how many to encode, as in a grid's `evaluation.images`; all of them without.
    Rows and interventions are exactly those of a study's cells. ValueError for codes that are no numbers.
    """
    import pandas as pd

    folder = data_folder(data)
    opened = open_dataset(dataset, resolve_source(dataset, source, folder), folder)
    index = None if images is None else evaluation_images(opened, images)
    mean, log_variance = encode(encoder, opened, np.arange(opened.size) if index is None else index)
    rows, _ = score_table(mean, log_variance, index, opened, parse_requests(named(metrics)), ["mean"])
    return pd.DataFrame(rows, columns=list(COLUMNS))


def encode(encoder: Callable, dataset, index: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
    """Mean and log-variance (n, d) of the images `index` (n,); None where only codes are given."""
    nuisance = evaluation_rng(dataset.name, "nuisance", "0")
    means, log_variances = [], []
    for batch in np.array_split(index, math.ceil(len(index) / BATCH)):
        pixels = dataset.images(batch, nuisance).astype(np.float32) / 255
        codes = encoder(pixels)
        mean, log_variance = codes if isinstance(codes, tuple) else (codes, None)
        means.append(_checked(mean, len(batch)))
        log_variances.append(None if log_variance is None else _checked(log_variance, len(batch)))
    return np.concatenate(means), None if log_variances[0] is None else np.concatenate(log_variances)


def _checked(codes, n: int) -> np.ndarray:
    """Codes (n, d) float32; ValueError if the encoder gave anything else."""
    codes = np.asarray(codes)
    if codes.ndim != 2 or len(codes) != n or codes.dtype.kind not in "fiu" or not np.isfinite(codes).all():
        raise ValueError(
            f"The encoder made {codes.dtype} of shape {codes.shape} of {n} images; "
            f"it must make finite numbers of shape ({n}, d)."
        )
    return codes.astype(np.float32)

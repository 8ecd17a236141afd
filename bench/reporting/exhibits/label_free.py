"""Can models be chosen without labels? Unsupervised scores against metrics and downstream accuracy."""

from __future__ import annotations

from numpy.random import Generator

from bench.reporting.cells import Column, Study
from bench.reporting.exhibit import Exhibit, completeness, too_little
from bench.reporting.exhibits.correlations import correlations, draw, readable
from bench.reporting.exhibits.downstream import downstream_columns


def unsupervised_columns(study: Study, representations: tuple[str, ...] = ("sampled",)) -> list[Column]:
    """Reconstruction loss, TC, KL and ELBO, the rows of Figures 4 and 16, and UDR: raw quantities.

    Reconstruction is a loss (smaller is better), ELBO a bound (larger is better): the sign of a row says so.
    """
    tc = [study.column("unsupervised", "gaussian_total_correlation", where) for where in representations]
    training = {key: study.column("training", key, "none") for key in ("reconstruction", "kl", "elbo")}
    udr = study.column("udr", "udr")  # not in the paper (Duan et al. 2020); made from stored codes
    found = [training["reconstruction"], *tc, training["kl"], training["elbo"], udr]
    return [column for column in found if column is not None]


def label_free_selection(study: Study, rng: Generator) -> Exhibit:
    """Spearman of the unsupervised scores with the metrics (Figures 4 centre, 16)."""
    title, of_paper = "Choosing models without labels", "Figures 4 (centre), 16"
    rows, metrics = unsupervised_columns(study), study.metrics()
    if not rows or not metrics:
        return too_little(title, of_paper, "the metric `unsupervised` or the training scores are missing.")
    numbers = correlations(study, rows, metrics, rng)
    return _heatmaps(
        study, numbers, rows, metrics, title, of_paper, "label_free_selection",
        "Spearman × 100 between scores that need no labels and the metrics, over all trained models. A "
        "useful selector would have one sign, and a strong one, in all rows of its name. Reconstruction "
        "is a loss, so a negative number favours good reconstructions; the ELBO is larger for better "
        "models.",
    )  # fmt: skip


def label_free_downstream(study: Study, rng: Generator) -> Exhibit:
    """Spearman of the unsupervised scores with downstream accuracy (Figure 24)."""
    title, of_paper = "Unsupervised scores and downstream accuracy", "Figure 24"
    rows, tasks = unsupervised_columns(study, ("sampled", "mean")), downstream_columns(study)
    if not rows or not tasks:
        return too_little(title, of_paper, "the metrics `unsupervised` and `downstream` are needed.")
    numbers = correlations(study, rows, tasks, rng)
    return _heatmaps(
        study, numbers, rows, tasks, title, of_paper, "label_free_downstream",
        "Spearman × 100 over all trained models. The paper finds mildly negative to mildly positive "
        "numbers: a lower total correlation does not help downstream.",
    )  # fmt: skip


def _heatmaps(study, numbers, rows, columns, title, of_paper, name, caption) -> Exhibit:
    if numbers["spearman"].isna().all():
        return too_little(title, of_paper, "no data set has three trained cells whose scores differ.")
    left, top = [c.label for c in rows], [c.label for c in columns]
    return Exhibit(
        title, of_paper, caption, completeness(study, [*rows, *columns]), draw(numbers, left, top, name),
        numbers,
        readable(numbers, left, top),
    )  # fmt: skip

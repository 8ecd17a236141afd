"""Are the codes' dimensions uncorrelated? Total correlation and mutual information of mean and samples."""

from __future__ import annotations

import pandas as pd
from numpy.random import Generator

from bench.reporting.cells import Column, Study
from bench.reporting.exhibit import Exhibit, bracket, completeness, numbered, slug, too_little
from bench.reporting.exhibits.strength import draw_lines, floor, intervals, setting_medians, strengths
from bench.reporting.names import REFERENCE, count
from bench.reporting.plots import scatter
from bench.reporting.statistics import share
from bench.reporting.style import PANEL_WIDTH, Drawing, figure, finish

NEEDS = "the metric `unsupervised` is not there on the mean and the sampled representation."
TC, MI = "gaussian_total_correlation", "mutual_info_score"


def total_correlation(study: Study, rng: Generator) -> Exhibit:
    """Gaussian TC of samples and mean against strength, without AnnealedVAE, as Figures 1, 8 and 9."""
    models = [m for m in study.models() if m != "annealed_vae"]
    return _against_strength(
        study, models, TC, "total_correlation", "Total correlation against strength", "Figures 1, 8, 9",
        "Total correlation (TC) of a Gaussian with the codes’ covariance, in nats: of samples of the "
        "posterior (left) and of its mean (right). The paper: TC of samples falls with strength while TC "
        "of the mean rises.",
        rng,
    )  # fmt: skip


def total_correlation_annealed(study: Study, rng: Generator) -> Exhibit:
    """The same with AnnealedVAE, whose values hide the others (Figures 25, 26)."""
    models = study.models() if "annealed_vae" in study.models() else []
    return _against_strength(
        study, models, TC, "total_correlation_annealed", "Total correlation with AnnealedVAE",
        "Figures 25, 26",
        "As above with AnnealedVAE, which the paper finds far more sensitive, its mean’s TC very high.", rng,
    )  # fmt: skip


def pairwise_information(study: Study, rng: Generator) -> Exhibit:
    """Mean mutual information between two codes against strength (Figures 27, 28)."""
    models = [m for m in study.models() if m != "annealed_vae"]
    return _against_strength(
        study, models, MI, "pairwise_information", "Mutual information between codes", "Figures 27, 28",
        "Mean over all pairs of codes of their mutual information, 20 bins, in nats. The paper: of "
        "samples it "
        "falls with strength except for DIP-VAE-I, of the mean it rises.", rng,
    )  # fmt: skip


def _against_strength(
    study: Study, models: list[str], key: str, name: str, title: str, of_paper: str, caption: str,
    rng: Generator
) -> Exhibit:  # fmt: skip
    columns = both_representations(study, key)
    if not columns or not models:
        return too_little(title, of_paper, NEEDS if models else "the study has no such model.")
    numbers = setting_medians(study, columns, models)
    if numbers.empty:
        return too_little(title, of_paper, "no trained cell has such a score.")
    return Exhibit(
        title, of_paper,
        f"{caption} Medians over seeds; values: {strengths(study, models)}. "
        f"{intervals(numbers['n'])}{floor(study)}",
        completeness(study, columns, models=[*models, REFERENCE]),
        tuple(draw_lines(study, columns, models, numbers, name)), numbers,
    )  # fmt: skip


def both_representations(study: Study, key: str) -> list[Column]:
    """The column of one unsupervised number on samples and on the mean; empty if either is missing."""
    found = [study.column("unsupervised", key, where) for where in ("sampled", "mean")]
    return [] if None in found else found


def mean_against_sampled(study: Study, rng: Generator) -> Exhibit:
    """TC of the mean against TC of samples, one point per model, logarithmic (Figure 10)."""
    title, of_paper = "Total correlation: mean against samples", "Figure 10"
    columns = both_representations(study, TC)
    if not columns:
        return too_little(title, of_paper, NEEDS)
    values = study.values.loc[study.trained, [c.name for c in columns]].dropna()
    values.columns = ["sampled", "mean"]
    drawable = (values > 0).all(axis=1)  # the axes are logarithmic
    if not drawable.any():
        return too_little(title, of_paper, "no trained cell has a positive total correlation of both.")
    numbers = study.cells.loc[values.index, ["data", "model", "label", "seed"]].join(values)
    left_out, shares = int((~drawable).sum()), _shares_above(study, numbers, rng)
    return Exhibit(
        title, of_paper,
        "One point per trained model, in nats; on the line both are equal. The paper: for many models "
        "the mean’s TC is much larger."
        + (f" Not drawn, but counted: {count(left_out, 'model')} without a positive TC." if left_out else ""),
        completeness(study, columns),
        tuple(_mean_sampled(part, data, study.models()) for data in study.datasets
              if len(part := numbers[drawable & (numbers["data"] == data)])),
        numbers.reset_index(drop=True), _readable(shares), shares,
    )  # fmt: skip


def _shares_above(study: Study, numbers: pd.DataFrame, rng: Generator) -> pd.DataFrame:
    """Per data set the share of models whose mean has the higher TC, with its interval."""
    rows = []
    for data, part in numbers.groupby("data", sort=False):
        above = (part["mean"] > part["sampled"]).to_numpy()
        found = share(above, numbered(study.cells.loc[part.index, "setting"]), rng)
        rows.append({"data": data, "n": found.n, "share": found.value, "low": found.low, "high": found.high})
    return pd.DataFrame(rows)


def _readable(shares: pd.DataFrame) -> pd.DataFrame:
    shown = [bracket(*row) for row in shares[["share", "low", "high"]].to_numpy()]
    return pd.DataFrame(
        {"data set": shares["data"], "models": shares["n"], "share with TC(mean) > TC(samples)": shown}
    )


def _mean_sampled(numbers: pd.DataFrame, data: str, models: list[str]) -> Drawing:
    with figure(PANEL_WIDTH, 2.6, left=0.2, right=0.72, top=0.9, bottom=0.17) as (drawn, axes):
        ax = axes[0, 0]
        own = {m: numbers[numbers["model"] == m] for m in models}
        points = {
            m: (part["sampled"].to_numpy(), part["mean"].to_numpy()) for m, part in own.items() if len(part)
        }
        ax.set_xscale("log")
        ax.set_yscale("log")
        scatter(ax, points)
        low, high = (
            numbers[["sampled", "mean"]].to_numpy().min(),
            numbers[["sampled", "mean"]].to_numpy().max(),
        )
        ax.plot([low, high], [low, high], color="#64646d", linewidth=0.8)
        ax.set_title(data)
        ax.set_xlabel("TC of samples")
        ax.set_ylabel("TC of the mean")
        alt = f"TC of the mean against TC of samples on {data}, one point per model"
        return finish(drawn, f"mean_against_sampled-{slug(data)}", alt)

"""`bench score`: any representation, by every metric."""

from __future__ import annotations

from pathlib import Path

import click

from bench.cli.common import examples


@click.command(
    help="Score a representation: an .npz with the arrays codes (n, d) and factors (n, K), optionally "
    "factor_names and log_variance."
    + examples(
        "bench score codes.npz", "bench score codes.npz --metrics mig,dci@study --against results/quickstart"
    )
)
@click.argument("codes", type=click.Path(path_type=Path))
@click.option("--metrics", default="all", show_default=True, help="Names as in a grid, separated by commas.")
@click.option(
    "--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of the evaluation draws."
)
@click.option("--against", type=click.Path(path_type=Path), help="A study: adds percentiles within it.")
@click.option("--out", type=click.Path(path_type=Path), help="Also write the scores to this Parquet file.")
def score(codes, metrics, seed, against, out):
    from bench.reading import load_scores
    from bench.scoring import score as score_rows
    from bench.scoring_against import against as beside
    from bench.scoring_inputs import read_representation

    study = None if against is None else load_scores(against)
    given = read_representation(codes)
    scores = score_rows(
        given.codes,
        given.factors,
        metrics=[name.strip() for name in metrics.split(",")],
        seed=seed,
        factor_names=given.factor_names,
        log_variance=given.log_variance,
    )
    scores = scores if study is None else beside(scores, study)
    if out is not None:
        _write(scores, out)
    for line in _table(scores):
        click.echo(line)


def _write(scores, out: Path) -> None:
    from bench.atomic import whole_file

    with whole_file(out) as temporary:
        scores.to_parquet(temporary, index=False)


def _table(scores):
    """One line per number: what it is, its value, chance level, interval and flags."""
    yield f"{'score':<58}{'value':>10}{'chance':>10}  {'95 % interval':<20}" + (
        f"{'percentile':>11}" if "percentile" in scores else ""
    )
    for row in scores.to_dict("records"):
        name = f"{row['metric']}@{row['estimator']}{row['settings']} {row['key']}"
        if row["representation"] != "mean":
            name = f"{row['representation']}: {name}"
        reach = ""
        if row["interval_low"] == row["interval_low"] and row["interval_low"] is not None:
            reach = f"{row['interval_low']:.4f} … {row['interval_high']:.4f}"
        line = f"{name:<58}{_number(row['value']):>10}{_number(row['null']):>10}  {reach:<20}"
        if "percentile" in row:
            line += f"{_number(row['percentile'], 1):>11}"
        error = (row["error"] or "").strip().rpartition("\n")[2]  # the last line of a traceback
        yield f"{line}  {row['flags'] or ''}{error}".rstrip()


def _number(value: float | None, digits: int = 4) -> str:
    return "–" if value is None or value != value else f"{value:.{digits}f}"

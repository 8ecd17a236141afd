"""The figure and tables of docs/estimators.md.

PYTHONPATH=docs/figures bench run docs/figures/estimators.yaml
PYTHONPATH=docs/figures python docs/figures/estimators.py results/estimators    # measures, writes the CSV
python docs/figures/estimators.py                                               # draws from the CSV
"""

import json
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from scipy.stats import spearmanr

HERE = Path(__file__).parent
CASES = HERE.parents[1] / "tests" / "metrics" / "reference"
NAMES = {"study": "study", "lightgbm": "lightgbm", "user": "plain LightGBM, gain", "forest": "forest"}
COLORS = {
    "lightgbm": "#0072B2",
    "every threshold": "#009E73",
    "plain LightGBM, gain": "#D55E00",
    "forest": "#999999",
}
ROWS = ((1_000, 500), (10_000, 5_000))


def of_models(folder: str) -> pd.DataFrame:
    """DCI of the trained models of a study, one row per model, rows and estimator."""
    import bench

    scores = bench.load_scores(folder)
    scores = scores[scores["estimator"].isin(NAMES) & scores["key"].isin(["disentanglement", "completeness"])]
    rows = scores["settings"].map(lambda text: json.loads(text or "{}").get("train_rows", 10_000))
    table = scores.assign(
        rows=rows, estimator=scores["estimator"].map(NAMES), kind="model", name=scores["cell_id"]
    )
    return _wide(table)


def of_cases() -> pd.DataFrame:
    """DCI of the reference cases."""
    import bench

    parts = []
    for path in sorted(CASES.glob("*.npz")):
        with np.load(path) as a:
            train, test = ((a[f"codes_{part}"], a[f"factors_{part}"]) for part in ("train", "test"))
            for n, m in ROWS:
                size = {"train_rows": n, "test_rows": m}
                named = {
                    "lightgbm": {"dci": size},
                    "study": {"dci@study": size},
                    "every threshold": {"dci": size | {"bins": n}},
                    "plain LightGBM, gain": {"plain_lightgbm:gain": size},
                    "forest": "dci@forest",
                }
                for estimator, request in named.items():
                    scores = bench.score(*train, [request], test=test)
                    parts.append(scores.assign(rows=n, estimator=estimator, kind="case", name=path.stem))
    return _wide(pd.concat(parts))


def _wide(table: pd.DataFrame) -> pd.DataFrame:
    """One row per representation, rows and estimator."""
    index = ["kind", "name", "rows", "estimator", "seconds"]
    values = table.pivot_table(index=index, columns="key", values="value", observed=True)
    return values[["disentanglement", "completeness"]].reset_index()


def beside_study(frame: pd.DataFrame, rows: int) -> pd.DataFrame:
    """Every estimator's scores beside the study's on the same representation."""
    study = frame[(frame["estimator"] == "study") & (frame["rows"] == rows)]
    others = frame[
        (frame["estimator"] != "study") & ((frame["rows"] == rows) | (frame["estimator"] == "forest"))
    ]
    others = others.drop_duplicates(["kind", "name", "estimator"])
    return others.merge(study, on=["kind", "name"], suffixes=("", "_study"))


def agreement(frame: pd.DataFrame) -> pd.DataFrame:
    """Rank correlation, bias and mean absolute difference against the study, by rows, kind and estimator."""
    found = []
    for rows, _ in ROWS:
        for (kind, estimator), pairs in beside_study(frame, rows).groupby(["kind", "estimator"]):
            entry = {"rows": rows, "kind": kind, "estimator": estimator, "n": len(pairs)}
            for key in ("disentanglement", "completeness"):
                ours, study = pairs[key], pairs[f"{key}_study"]
                apart = ours - study
                entry[f"{key} rho"] = spearmanr(ours, study)[0]
                entry[f"{key} bias"], entry[f"{key} mad"] = apart.mean(), apart.abs().mean()
                entry[f"{key} max"] = apart.abs().max()
            found.append(entry | {"times faster": (pairs["seconds_study"] / pairs["seconds"]).median()})
    return pd.DataFrame(found)


def figure(frame: pd.DataFrame) -> plt.Figure:
    """How far each estimator's scores are from the study's; circles are trained models, crosses cases."""
    drawn, axes = plt.subplots(2, 2, figsize=(7, 5.6), sharex=True, sharey=True, layout="constrained")
    for row, (rows, _) in enumerate(ROWS):
        pairs = beside_study(frame, rows)
        for axis, key in zip(axes[row], ("disentanglement", "completeness"), strict=True):
            axis.axhline(0, color="0.8", linewidth=1, zorder=0)
            for estimator, color in COLORS.items():
                for kind, marker in (("model", "o"), ("case", "x")):
                    chosen = pairs[(pairs["estimator"] == estimator) & (pairs["kind"] == kind)]
                    apart = chosen[key] - chosen[f"{key}_study"]
                    style = {"facecolors": "none", "edgecolors": color} if marker == "o" else {"color": color}
                    label = estimator if kind == "case" else None
                    axis.scatter(
                        chosen[f"{key}_study"], apart, 20, marker=marker, linewidth=1, label=label, **style
                    )
            axis.set_title(f"{key}, {rows:,} training rows", fontsize=9)
    axes[0, 0].legend(frameon=False, fontsize=8, loc="lower right", ncols=2)
    drawn.supxlabel("dci@study (scikit-learn)", fontsize=9)
    drawn.supylabel("other estimator minus dci@study", fontsize=9)
    return drawn


def main() -> None:
    if len(sys.argv) > 1:
        pd.concat([of_models(sys.argv[1]), of_cases()]).round(5).to_csv(HERE / "estimators.csv", index=False)
    frame = pd.read_csv(HERE / "estimators.csv")
    print(agreement(frame).round(3).to_string(index=False))
    drawn = figure(frame)
    for suffix in ("svg", "png"):
        drawn.savefig(HERE / f"estimators.{suffix}", dpi=150)


if __name__ == "__main__":
    main()

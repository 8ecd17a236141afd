"""One cell on a page: what it draws, how it was trained, what its latents know, where its scores stand."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from bench.reporting import names
from bench.reporting.columns import Column
from bench.reporting.exhibit import Exhibit
from bench.reporting.exhibits.pictures import DEAD, sheet
from bench.reporting.page import rendered
from bench.reporting.planned import leading_keys
from bench.reporting.plots import heatmap
from bench.reporting.style import MUTED, PANEL_WIDTH, Drawing, colour, figure, finish, quiet_axis

#: Training curves worth a panel, with what the panel is called; all in nats but the last.
CURVES: dict[str, str] = {
    "loss": "loss", "reconstruction": "reconstruction loss", "kl": "KL", "regularizer": "regulariser",
    "total_correlation": "total correlation", "mutual_information": "index-code mutual information",
    "dimension_wise_kl": "dimension-wise KL", "discriminator_accuracy": "discriminator’s accuracy",
}  # fmt: skip
#: The first part of training, whose losses are so large that they would flatten the rest of a panel.
WARM_UP = 0.05

#: End of an array's name -> what the matrix (codes, factors) holds.
MATRICES: dict[str, str] = {
    "mutual_information": "information",
    "importance": "importance",
}


@dataclass(frozen=True)
class CellRecord:
    """Everything that is known of one cell.

    `scores`: its tidy rows with `percentile` and `models` (bench.scoring_against) among the study's cells of
    the same data set. `pictures`: see exhibits.pictures.sheet; empty where there are none. `kl` (d,) in nats
    and, in words, what it is `kl_of`; None where nothing says. `curves`: one row per logged step.
    `arrays`: name -> matrix (codes, factors). `absent`: part -> why it is not here, a sentence.
    """

    study: str
    cell_id: str
    label: str
    data: str
    source: str
    model: str
    seed: int
    steps: int
    settings: dict[str, object]
    scores: pd.DataFrame
    factor_names: tuple[str, ...]
    pictures: dict[str, np.ndarray] = field(default_factory=dict)
    kl: np.ndarray | None = None
    kl_of: str = ""
    curves: pd.DataFrame | None = None
    arrays: dict[str, np.ndarray] = field(default_factory=dict)
    absent: dict[str, str] = field(default_factory=dict)

    @property
    def rendered(self) -> bool:
        """Whether the images are not the published file."""
        return self.source != "real"

    @property
    def failures(self) -> list[dict]:
        """Failed metrics, or the failed training, with the last line of the error."""
        failed = self.scores[self.scores["status"].astype(str) != "ok"].astype(object)
        failed = failed.drop_duplicates(["metric", "estimator", "representation"])
        return [
            row | {"error": (row["error"] or "").strip().rpartition("\n")[2]}
            for row in failed[["metric", "estimator", "representation", "error"]].to_dict("records")
        ]

    @property
    def rests_on(self) -> str:
        """What every caption ends with."""
        text = f"One cell, {self.label}, seed {self.seed}, on {self.data}."
        return f"{text} The data are rendered, not the published files." if self.rendered else text

    @property
    def order(self) -> np.ndarray | None:
        """Latents by falling KL."""
        return None if self.kl is None else np.argsort(-self.kl, kind="stable")

    def latent(self, i: int) -> str:
        """`code 3`, `code 3 (dead)`."""
        return f"code {i} (dead)" if self.kl is not None and self.kl[i] < DEAD else f"code {i}"

    @property
    def dead_rule(self) -> str:
        """Which latents count as dead, in a sentence."""
        if self.kl is None:
            return "Nothing says which latents are dead: neither codes nor curves of the cell are kept."
        dead = int((self.kl < DEAD).sum())
        rule = f"Dead: a KL below {DEAD} nats, {self.kl_of} (Duan et al. 2020)"
        return f"{rule}; {dead} of {len(self.kl)} latents are."


def card_page(record: CellRecord) -> str:
    """The card as one self-contained HTML page."""
    return rendered(
        "card.html.jinja", card_exhibits(record), name=record.cell_id, files=False, record=record,
        verb=f"bench card {record.cell_id}", absent_title="What is not here",
    )  # fmt: skip


def card_exhibits(record: CellRecord) -> dict[str, Exhibit]:
    """The parts of a card by name, in reading order; a part without data says why."""
    return {part: make(record) for part, make in PARTS.items()}


def _scores(record: CellRecord) -> Exhibit:
    rows = record.scores.astype(object)
    leading = leading_keys(rows, ())
    columns = [
        Column(r.metric, r.key, r.estimator, r.settings, r.representation, None,
               leads=leading[r.metric, r.estimator, r.settings] == r.key)
        for r in rows.itertuples()
    ]  # fmt: skip
    numbers = pd.DataFrame(
        {"score": [c.label for c in columns], "value": rows["value"].astype(float),
         "chance level": rows["null"].astype(float), "low": rows["interval_low"].astype(float),
         "high": rows["interval_high"].astype(float), "percentile": rows["percentile"].astype(float),
         "cells compared": rows["models"], "flags": rows["flags"].fillna("")}
    )  # fmt: skip
    in_order = list(names.METRIC_NAMES)
    place = [in_order.index(m) if m in in_order else len(in_order) for m in rows["metric"]]
    numbers = numbers.iloc[np.argsort(place, kind="stable")]
    headline = {c.label for c in columns if c.headline}
    table = numbers[numbers["score"].isin(headline)]
    table = table.assign(percentile=[_percentile(p) for p in table["percentile"]])
    empty = [c for c in ("low", "high", "flags") if not (table[c].notna() & (table[c] != "")).any()]
    table = table.drop(columns=empty)
    return Exhibit(
        "Scores", "",
        f"Percentile: share of the study’s cells on {record.data}, over all objectives, values and seeds, "
        "that score less, ties counting half. Chance level: the same metric after the codes were shuffled "
        "against the factors; – : it has none. Low and high: where the metric draws, the 95 % interval of "
        "its value over other draws on this model.",
        record.rests_on, numbers=numbers, table=table,
    )  # fmt: skip


def _percentile(value: float) -> str:
    return "–" if pd.isna(value) else f"{value:.0f} %"


def _pictures(record: CellRecord) -> Exhibit:
    if not record.pictures:
        return _absent("Reconstructions and traversals", record, "pictures")
    found = {k: v for k, v in record.pictures.items() if k != "kl"}
    if record.kl is not None:
        found["kl"] = record.kl
    alt = f"Reconstructions and traversals of {record.label} on {record.data}"
    return Exhibit(
        "Reconstructions and traversals", "",
        "Above: images and their reconstructions. Below: the first image’s mean code with one latent moved "
        f"from −2 to 2, the latent with the largest KL (in nats) on top. {record.dead_rule}",
        record.rests_on, (sheet(found, f"{record.label}, seed {record.seed}", alt, "pictures"),),
    )  # fmt: skip


def _curves(record: CellRecord) -> Exhibit:
    if record.curves is None or record.curves.empty:
        return _absent("Training curves", record, "curves")
    curves = record.curves.sort_values("step", ignore_index=True)
    there = [name for name in CURVES if curves[name].notna().any()]
    drawings = [_curve(curves, name, record) for name in there]
    if curves["kl_per_latent"].notna().any():
        drawings.append(_latent_curves(curves, record))
    return Exhibit(
        "Training curves", "",
        "Values of single batches, in nats but for accuracies. The first twentieth of the training may leave "
        f"a panel. {record.dead_rule}",
        record.rests_on, tuple(drawings), curves[["step", *there]],
    )  # fmt: skip


def _curve(curves: pd.DataFrame, name: str, record: CellRecord) -> Drawing:
    with figure(PANEL_WIDTH, 1.9, left=0.17, right=0.96, top=0.87, bottom=0.22) as (drawn, axes):
        ax = axes[0, 0]
        quiet_axis(ax, "y")
        ax.plot(curves["step"], curves[name], color=colour(record.model), linewidth=1)
        _past_warm_up(ax, curves["step"], curves[[name]].to_numpy(float))
        ax.set_title(CURVES[name])
        ax.set_xlabel("step")
        return finish(drawn, f"curve-{name}", f"{CURVES[name]} against training steps of {record.label}")


def _latent_curves(curves: pd.DataFrame, record: CellRecord) -> Drawing:
    logged = curves[curves["kl_per_latent"].notna()]
    kl = np.stack(logged["kl_per_latent"].to_numpy()).astype(float)
    alive = np.ones(kl.shape[1], bool) if record.kl is None else record.kl >= DEAD
    with figure(PANEL_WIDTH, 1.9, left=0.17, right=0.96, top=0.87, bottom=0.22) as (drawn, axes):
        ax = axes[0, 0]
        quiet_axis(ax, "y")
        for i in range(kl.shape[1]):
            ink = colour(record.model) if alive[i] else MUTED
            ax.plot(logged["step"], kl[:, i], color=ink, linewidth=0.9)
        _past_warm_up(ax, logged["step"], kl)
        ax.set_title("KL of each latent; grey: dead")
        ax.set_xlabel("step")
        alt = f"KL of every latent against training steps of {record.label}"
        return finish(drawn, "curve-kl_per_latent", alt)


def _past_warm_up(ax, step: pd.Series, values: np.ndarray) -> None:
    """Vertical limits from what comes after the first twentieth of the training."""
    late = values[(step >= WARM_UP * step.max()).to_numpy()]
    late = late[np.isfinite(late)]
    if len(late) and np.ptp(late):
        margin = 0.08 * np.ptp(late)
        ax.set_ylim(late.min() - margin, late.max() + margin)


def _matrices(record: CellRecord) -> Exhibit:
    title = "What the codes know about the factors"
    found = {
        name: matrix
        for name, matrix in record.arrays.items()
        if name.rpartition("/")[2] in MATRICES
        and matrix.ndim == 2
        and not name.partition("/")[2].startswith("unsupervised")  # codes with codes
    }
    if not found:
        return _absent(title, record, "arrays")
    rows = [
        {"matrix": name, "code": i, "factor": factor, "value": matrix[i, k],
         "kl": np.nan if record.kl is None else record.kl[i],
         "dead": None if record.kl is None else bool(record.kl[i] < DEAD)}
        for name, matrix in found.items() for i in range(len(matrix))
        for k, factor in enumerate(record.factor_names)
    ]  # fmt: skip
    return Exhibit(
        title, "",
        "Rows are codes, the largest KL on top, columns are factors; the deeper the orange, the more: mutual "
        "information in nats, importance for the trees. One dark cell in a row and in its column is what "
        f"disentanglement means. {record.dead_rule}",
        record.rests_on, tuple(_matrix(name, matrix, record) for name, matrix in found.items()),
        pd.DataFrame(rows),
    )  # fmt: skip


def _matrix(name: str, matrix: np.ndarray, record: CellRecord) -> Drawing:
    where, label, kind = name.split("/")
    order = np.arange(len(matrix)) if record.order is None else record.order
    rows = [record.latent(i) for i in order]
    cell, left, bottom = min(0.42, 2.2 / matrix.shape[1]), 1.05, 0.85
    width, height = left + cell * matrix.shape[1] + 0.1, bottom + 0.3 + 0.24 * len(rows)
    margins = {"left": left / width, "right": 1 - 0.1 / width, "top": 1 - 0.28 / height}
    with figure(max(width, PANEL_WIDTH), height, **margins, bottom=bottom / height) as (drawn, axes):
        largest = float(np.nanmax(np.abs(matrix))) or 1.0
        ax, factors = axes[0, 0], record.factor_names
        heatmap(ax, matrix[order], rows, factors, fontsize=6.5, scale=1, limit=largest, digits=2)
        ax.set_title(f"{label}: {MATRICES[kind]}{'' if where == 'mean' else f' ({where})'}")
        alt = f"{MATRICES[kind]} by {label}: {len(rows)} codes by {', '.join(factors)}"
        return finish(drawn, f"matrix-{name.replace('/', '-')}", alt)


def _absent(title: str, record: CellRecord, part: str) -> Exhibit:
    return Exhibit(title, missing=record.absent.get(part, "nothing is kept of it."))


PARTS = {"scores": _scores, "pictures": _pictures, "knowledge": _matrices, "curves": _curves}

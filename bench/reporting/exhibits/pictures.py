"""What the models see: reconstructions and traversals of random models (the paper's Figure 7)."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from numpy.random import Generator

from bench.reporting.cells import Study
from bench.reporting.exhibit import Exhibit, completeness, slug, too_little
from bench.reporting.style import PANEL_WIDTH, Drawing, figure, finish

#: KL in nats below which a latent carries nothing (Duan et al. 2020 take the same).
DEAD = 0.01


def reconstructions(study: Study, rng: Generator) -> Exhibit:
    """Eight images, their reconstructions and traversals of every latent, for study.pictures."""
    title, of_paper = "Reconstructions and traversals", "Figure 7"
    if not study.pictures:
        return too_little(title, of_paper, "no trained cell kept pictures.")
    rows = []
    for cell_id, found in study.pictures.items():
        order = _by_kl(found)
        kl = found.get("kl", np.full(len(found["traversals"]), np.nan))
        cell = study.cells.loc[cell_id]
        rows += [
            {"data": cell["data"], "setting": cell["label"], "seed": cell["seed"], "cell_id": cell_id,
             "latent": i,
             "kl": kl[i], "dead": bool(kl[i] < DEAD)}
            for i in order
        ]  # fmt: skip
    return Exhibit(
        title, of_paper,
        "Random models, one per data set (per objective where there is one data set). Above: images and "
        "their reconstructions. Below: the first image’s mean code with one latent moved from −2 to 2, "
        f"the latent with the largest KL on top; below {DEAD} nats a latent is dead. Pictures show what a "
        "model does with a few images, not how good it is.",
        completeness(study), tuple(_drawing(study, c, found) for c, found in study.pictures.items()),
        pd.DataFrame(rows),
    )  # fmt: skip


def _by_kl(found: dict[str, np.ndarray]) -> np.ndarray:
    """Latents by falling KL; in their own order where none is stored."""
    latents = np.arange(len(found["traversals"]))
    return np.argsort(-found["kl"], kind="stable") if "kl" in found else latents


def _drawing(study: Study, cell_id: str, found: dict[str, np.ndarray]) -> Drawing:
    cell, order = study.cells.loc[cell_id], _by_kl(found)
    pairs = np.stack([found["images"], found["reconstructions"]])
    height = 0.47 + 0.92 + 0.27 * len(order)
    with figure(
        PANEL_WIDTH, height, 2, 1, left=0.15, right=0.99, top=1 - 0.37 / height, bottom=0.02, hspace=0.06
    ) as (drawn, axes):
        grid = axes[0, 0].get_gridspec()
        grid.set_height_ratios([0.85, 0.27 * len(order)])
        _tiles(axes[0, 0], pairs, ["image", "reconstr."])
        labels = [f"KL {found['kl'][i]:.2f}" if "kl" in found else f"code {i}" for i in order]
        _tiles(axes[1, 0], found["traversals"][order], labels)
        axes[0, 0].set_title(f"{cell['label']}, seed {cell['seed']}\n{cell['data']}", fontsize=7)
        alt = f"Reconstructions and traversals of {cell['label']} on {cell['data']}"
        return finish(drawn, f"reconstructions-{slug(cell['data'])}-{cell_id}", alt)


def _tiles(ax: Axes, images: np.ndarray, labels: list[str]) -> None:
    """Images (rows, columns, H, W, C) uint8 as one picture with thin gaps, a label per row."""
    rows, columns, height, width, channels = images.shape
    gap = max(1, height // 16)
    sheet = np.full((rows, height + gap, columns, width + gap, channels), 128, dtype=np.uint8)
    sheet[:, :height, :, :width] = images.transpose(0, 2, 1, 3, 4)
    sheet = sheet.reshape(rows * (height + gap), columns * (width + gap), channels)[:-gap, :-gap]
    ax.imshow(np.broadcast_to(sheet, (*sheet.shape[:2], 3)), aspect="auto", interpolation="nearest")
    ax.set_yticks((np.arange(rows) + 0.5) * (height + gap) - gap / 2, labels)
    ax.set_xticks([])
    ax.tick_params(length=0, labelsize=6)
    for side in ax.spines.values():
        side.set_visible(False)

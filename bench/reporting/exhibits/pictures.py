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
        f"the latent with the largest KL (in nats) on top; below {DEAD} nats a latent is dead. Pictures show "
        "what a model does with a few images, not how good it is.",
        completeness(study), tuple(_drawing(study, c, found) for c, found in study.pictures.items()),
        pd.DataFrame(rows),
    )  # fmt: skip


def _by_kl(found: dict[str, np.ndarray]) -> np.ndarray:
    """Latents by falling KL; in their own order where none is stored."""
    latents = np.arange(len(found["traversals"]))
    return np.argsort(-found["kl"], kind="stable") if "kl" in found else latents


def _drawing(study: Study, cell_id: str, found: dict[str, np.ndarray]) -> Drawing:
    cell = study.cells.loc[cell_id]
    title = f"{cell['label']}, seed {cell['seed']}\n{cell['data']}"
    alt = f"Reconstructions and traversals of {cell['label']} on {cell['data']}"
    return sheet(found, title, alt, f"reconstructions-{slug(cell['data'])}-{cell_id}")


def sheet(found: dict[str, np.ndarray], title: str, alt: str, name: str) -> Drawing:
    """Images above their reconstructions, below them a traversal per latent; square pixels.

    `found`: `images`, `reconstructions` (8, H, W, C) and `traversals` (d, 11, H, W, C), uint8; `kl` (d,),
    where there is one, sorts the latents and marks the dead.
    """
    pairs, order = np.stack([found["images"], found["reconstructions"]]), _by_kl(found)
    left, above, gap, width = 0.62, 0.4, 0.08, PANEL_WIDTH - 0.64  # inches
    heights = [width * rows / columns for rows, columns in (pairs.shape[:2], found["traversals"].shape[:2])]
    height = above + gap + sum(heights) + 0.03
    margins = {"left": left / PANEL_WIDTH, "right": (left + width) / PANEL_WIDTH, "top": 1 - above / height}
    with figure(PANEL_WIDTH, height, 2, 1, **margins, bottom=0.03 / height) as (drawn, axes):
        axes[0, 0].get_gridspec().set_height_ratios(heights)
        drawn.subplots_adjust(hspace=gap / np.mean(heights))
        _tiles(axes[0, 0], pairs, ["image", "reconstr."])
        _tiles(axes[1, 0], found["traversals"][order], [_latent(i, found.get("kl")) for i in order])
        axes[0, 0].set_title(title, fontsize=7)
        return finish(drawn, name, alt)


def _latent(i: int, kl: np.ndarray | None) -> str:
    if kl is None:
        return f"code {i}"
    return f"KL {kl[i]:.2f}" if kl[i] >= DEAD else "dead"


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

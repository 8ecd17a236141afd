"""Marks that several exhibits share, each drawn on given axes: violins, lines, heat maps."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from scipy.ndimage import gaussian_filter1d

from bench.reporting.names import model_name
from bench.reporting.style import CELL_INK, DASHES, DIVERGING, INK, MARKERS, MUTED, RULE, colour

POINTS_UP_TO = 24  # above, single points hide each other and only the violin is drawn


def violin(
    ax: Axes, x: np.ndarray, at: float, model: str, rng: np.random.Generator, points: bool = True
) -> None:
    """Distribution of the scores `x` along the horizontal axis at height `at`: density, quartiles, points."""
    ink = colour(model)
    if len(x) >= 10 and np.ptp(x) > 0:
        grid, height = _density(x)
        ax.fill_between(grid, at - 0.4 * height, at + 0.4 * height, color=ink, alpha=0.35, linewidth=0)
    if points and len(x) <= POINTS_UP_TO:
        spread = 0.22 * rng.uniform(-1, 1, len(x)) if len(x) > 3 else np.linspace(-0.12, 0.12, len(x))
        ax.plot(
            x, at + spread, MARKERS.get(model, "o"), color=ink, markersize=3.2, alpha=0.8, markeredgewidth=0
        )
    if len(x):
        low, middle, high = np.quantile(x, [0.25, 0.5, 0.75])
        if len(x) >= 5:
            ax.plot([low, high], [at, at], color=INK, linewidth=0.8, solid_capstyle="butt", zorder=3)
        ax.plot([middle, middle], [at - 0.28, at + 0.28], color=INK, linewidth=1.6, zorder=4)


def _density(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A kernel density (Scott's bandwidth), cut at the range of the data, highest value 1.

    The paper's violins run beyond 0 and 1 because their kernels do (locatello2019.md §9.3); these do not.
    """
    bins = 64
    counts, edges = np.histogram(x, bins=bins)
    width = x.std(ddof=1) * len(x) ** -0.2 / (edges[1] - edges[0])
    smooth = gaussian_filter1d(counts.astype(float), max(width, 0.5), mode="constant")
    return np.concatenate([[edges[0]], (edges[:-1] + edges[1:]) / 2, [edges[-1]]]), np.pad(
        smooth, 1, mode="edge"
    ) / smooth.max()


def line(ax: Axes, x: np.ndarray, y: np.ndarray, low: np.ndarray, high: np.ndarray, model: str) -> None:
    """Medians against strength with their intervals as thin bars."""
    ink = colour(model)
    ax.vlines(x, low, high, color=ink, linewidth=0.9, alpha=0.65)
    ax.plot(
        x, y, color=ink, linestyle=DASHES.get(model, "-"), marker=MARKERS.get(model, "o"),
        markeredgecolor="white", markeredgewidth=0.4, clip_on=False,
    )  # fmt: skip


def label_ends(
    ax: Axes, ends: Sequence[tuple[str, float, float, str]], edge: float, fontsize: float = 7
) -> None:
    """Write lines' names, (model, x and y of the end, text), right of `edge`, apart where they collide."""
    low, high = ax.get_ylim()
    left, right = ax.get_xlim()
    gap = (high - low) * _line_height(ax, fontsize)
    wanted = sorted(ends, key=lambda end: end[2])
    slack = max(0.0, gap * (len(wanted) - 1) - (high - low)) / 2  # more names than room: beyond the axes
    heights = spread([y for _, _, y, _ in wanted], gap, low - slack, high + slack)
    for (model, x, y, text), placed in zip(wanted, heights, strict=True):
        ax.annotate(
            text, (x, y), (edge + 0.08 * (right - left), placed), textcoords="data", va="center",
            fontsize=fontsize,
            color=colour(model), annotation_clip=False,
            # grey and thin: from an objective of few values it crosses the ranks of the others
            arrowprops={"arrowstyle": "-", "color": MUTED, "linewidth": 0.35, "alpha": 0.7, "shrinkA": 1,
            "shrinkB": 2},
        )  # fmt: skip


def names_that_fit(ax: Axes, fontsize: float) -> int:
    """How many names label_ends can write beside the axes without leaving their height."""
    return int(1 / _line_height(ax, fontsize))


def _line_height(ax: Axes, fontsize: float) -> float:
    """Height of a line of text as a share of the height of the axes."""
    return 1.2 * fontsize / 72 / (ax.get_position().height * ax.figure.get_figheight())


def spread(heights: Sequence[float], gap: float, low: float, high: float) -> np.ndarray:
    """Ascending `heights` moved as little as needed to lie `gap` apart inside [low, high]."""
    placed = np.array(heights, dtype=float)
    for _ in range(60):
        for i in range(len(placed) - 1):
            overlap = gap - (placed[i + 1] - placed[i])
            if overlap > 1e-12:
                placed[i] -= overlap / 2
                placed[i + 1] += overlap / 2
        placed += max(0.0, low - placed[0]) if len(placed) else 0.0
        placed -= max(0.0, placed[-1] - high) if len(placed) else 0.0
    return placed


def heatmap(
    ax: Axes, values: np.ndarray, rows: Sequence[str], columns: Sequence[str], fontsize: float = 7.5,
    scale: float = 100, limit: float = 1, digits: int = 0,
) -> None:  # fmt: skip
    """A matrix with its numbers times `scale`, rounded, as the paper prints 100·ρ; `–` for none."""
    shown = np.ma.masked_invalid(values)
    ax.pcolormesh(shown, cmap=DIVERGING, vmin=-limit, vmax=limit, edgecolor="white", linewidth=0.8)
    for i, j in np.ndindex(values.shape):
        if np.isfinite(values[i, j]):
            # adding 0 turns −0 into 0
            text = f"{round(scale * values[i, j], digits) + 0:.{digits}f}".replace("-", "−")
            ax.text(j + 0.5, i + 0.5, text, ha="center", va="center", fontsize=fontsize, color=CELL_INK)
        else:
            ax.text(j + 0.5, i + 0.5, "–", ha="center", va="center", fontsize=fontsize, color=MUTED)
    ax.set_ylim(len(rows), 0)
    ax.set_yticks(np.arange(len(rows)) + 0.5, rows)
    ax.set_xticks(np.arange(len(columns)) + 0.5, columns, rotation=40, ha="right", rotation_mode="anchor")
    ax.tick_params(length=0)
    for side in ax.spines.values():
        side.set_visible(False)


def scatter(ax: Axes, points: dict[str, tuple[np.ndarray, np.ndarray]], named: bool = True) -> None:
    """One cloud per objective, rasterised inside the SVG, with its name in its colour beside the axes."""
    size = 9 if sum(len(x) for x, _ in points.values()) <= 200 else 3
    for place, (model, (x, y)) in enumerate(points.items()):
        ax.scatter(
            x, y, s=size, color=colour(model), marker=MARKERS.get(model, "o"), alpha=0.6, linewidths=0,
            rasterized=True
        )  # fmt: skip
        if named:
            ax.text(
                1.04, 0.97 - 0.09 * place, model_name(model), transform=ax.transAxes, color=colour(model),
                fontsize=7,
                va="top",
            )  # fmt: skip


def name_models(drawn: Figure, models: Sequence[str], top: float, fontsize: float = 7) -> None:
    """The objectives’ names in their colours, with their marks, on one line `top` inches below the edge."""
    width, height = drawn.get_size_inches()
    at = 0.6
    for model in models:
        text = model_name(model)
        drawn.add_artist(
            Line2D([at / width], [1 - top / height], marker=MARKERS.get(model, "o"), markersize=4,
                   color=colour(model), linewidth=0, transform=drawn.transFigure)
        )  # fmt: skip
        drawn.text(
            (at + 0.07) / width, 1 - top / height, text, color=colour(model), fontsize=fontsize, va="center"
        )
        at += 0.3 + 0.6 * fontsize / 72 * len(text)


def reference_band(ax: Axes, x: np.ndarray) -> None:
    """The untrained floor behind lines of scores: its range as a grey band, its median as a grey line."""
    if len(x):
        ax.axhspan(x.min(), x.max(), color=RULE, alpha=0.6, linewidth=0, zorder=0)
        ax.axhline(np.median(x), color=MUTED, linewidth=0.8, linestyle=(0, (1, 2)), zorder=0.5)

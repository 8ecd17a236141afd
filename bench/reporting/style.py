"""One look for every figure: colours, marks, sizes, and SVG that follows the page's light or dark theme."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from bench.reporting.names import REFERENCE

#: Okabe & Ito's palette, safe for colour-blind readers: one colour per objective in every figure.
COLOURS: dict[str, str] = {
    "beta_vae": "#0072B2",
    "factor_vae": "#D55E00",
    "beta_tc_vae": "#56B4E9",
    "dip_vae_i": "#009E73",
    "dip_vae_ii": "#E69F00",
    "annealed_vae": "#CC79A7",
    "vae": "#7A5C3E",
    REFERENCE: "#8A8A8F",
}
OTHER_COLOUR = "#5B5EA6"  # models that are not ours

#: A marker and a dash per objective, so that lines stay apart in a grey print.
MARKERS: dict[str, str] = {
    "beta_vae": "o", "factor_vae": "s", "beta_tc_vae": "^", "dip_vae_i": "D", "dip_vae_ii": "v",
    "annealed_vae": "P", "vae": "X", REFERENCE: "o",
}  # fmt: skip
DASHES: dict[str, str | tuple] = {
    "beta_vae": "-", "factor_vae": (0, (5, 1.5)), "beta_tc_vae": (0, (1.2, 1.2)),
    "dip_vae_i": (0, (6, 1.5, 1, 1.5)), "dip_vae_ii": (0, (3, 1)), "annealed_vae": (0, (4, 1, 1, 1, 1, 1)),
}  # fmt: skip

# Ink that the inlined SVG turns into the page's own colours (see themed); files on disk keep these.
INK, MUTED, RULE = "#1c1c21", "#64646d", "#dcdce2"
#: Ink on a coloured heat-map cell, which is light in both themes and therefore must not follow the page.
CELL_INK = "#101014"
#: Blue for negative, white for none, vermilion for positive correlation; prints to distinguishable greys at
#: the ends.
DIVERGING = mpl.colors.LinearSegmentedColormap.from_list("bench", ["#3f78b5", "#ffffff", "#d9743a"])

PANEL_WIDTH = 3.4  # inches: one column of a two-column paper
PAGE_WIDTH = 7.0

_RC = {
    "font.family": "DejaVu Sans", "font.size": 8, "axes.titlesize": 8.5, "axes.labelsize": 8,
    "xtick.labelsize": 7.5, "ytick.labelsize": 7.5, "axes.titleweight": "bold", "axes.titlelocation": "left",
    "text.color": INK, "axes.labelcolor": MUTED, "xtick.color": MUTED, "ytick.color": MUTED,
    "xtick.labelcolor": INK, "ytick.labelcolor": INK, "axes.edgecolor": MUTED, "axes.linewidth": 0.6,
    "axes.spines.top": False, "axes.spines.right": False, "axes.facecolor": "none",
    "figure.facecolor": "none", "lines.markersize": 4, "axes.unicode_minus": True,
    "xtick.major.size": 2.5, "ytick.major.size": 2.5, "xtick.major.width": 0.6, "ytick.major.width": 0.6,
    "lines.linewidth": 1.4, "svg.fonttype": "none", "svg.hashsalt": "bench", "figure.dpi": 100,
    "savefig.dpi": 200,
}  # fmt: skip


@dataclass(frozen=True)
class Drawing:
    """One finished figure: its file name's stem, the SVG of the file, and the PNG beside it."""

    name: str
    svg: str
    png: bytes
    alt: str
    wide: bool = False


@contextmanager
def figure(
    width: float, height: float, rows: int = 1, columns: int = 1, **layout: float
) -> Iterator[tuple[Figure, Sequence]]:
    """A figure of `width` × `height` inches in the report's style, and its axes as a (rows, columns) array.

    `layout` are the margins of `Figure.subplots_adjust`. Fixed margins, because a layout engine costs
    more time than the drawing when a report has hundreds of panels.
    """
    with mpl.rc_context(_RC):
        drawn = Figure(figsize=(width, height))
        FigureCanvasAgg(drawn)
        axes = drawn.subplots(rows, columns, squeeze=False)
        drawn.subplots_adjust(**layout)
        yield drawn, axes


def finish(drawn: Figure, name: str, alt: str, wide: bool = False) -> Drawing:
    """Render `drawn` as SVG text (rounded to 1/100 point) and as PNG on white."""
    text = io.StringIO()
    with mpl.rc_context(_RC):
        drawn.savefig(text, format="svg", metadata={"Date": None, "Creator": None})
        png = io.BytesIO()
        drawn.savefig(png, format="png", facecolor="white")
    return Drawing(name, _compact(text.getvalue()), png.getvalue(), alt, wide)


def colour(model: str) -> str:
    """The fixed colour of an objective."""
    return COLOURS.get(model, OTHER_COLOUR)


def quiet_axis(ax: Axes, grid: str | None = None) -> None:
    """Light rules behind the data along one axis, nothing else."""
    if grid:
        ax.grid(True, axis=grid, color=RULE, linewidth=0.6)
    ax.set_axisbelow(True)


def themed(svg: str, prefix: str) -> str:
    """`svg` for inlining: the page's colours and font instead of fixed ones, ids made unique by `prefix`.

    The `<style>` element goes, since inside HTML it would restyle the whole page.
    """
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<defs>\s*<style.*?</style>\s*</defs>", "", svg, flags=re.S)
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.S)
    used = set(re.findall(r"(?:href=\"#|url\(#)([\w.-]+)", svg))
    svg = re.sub(r' id="([\w.-]+)"', lambda m: f' id="{prefix}{m[1]}"' if m[1] in used else "", svg)
    svg = re.sub(r"(href=\"#|url\(#)", rf"\g<1>{prefix}", svg)
    for fixed, variable in ((INK, "--ink"), (MUTED, "--muted"), (RULE, "--rule")):
        svg = re.sub(re.escape(fixed), f"var({variable})", svg, flags=re.I)
    svg = re.sub(r"'DejaVu Sans'(, *[^;\"]*)?", "var(--sans)", svg)
    return re.sub(r'width="[\d.]+pt" height="[\d.]+pt"', "", svg, count=1)


def _compact(svg: str) -> str:
    """Coordinates to 1/100 point: half the bytes, no visible change. What is written stays as it is."""
    return re.sub(r"<[^>]+>", lambda tag: re.sub(r"-?\d+\.\d{3,}", _hundredths, tag[0]), svg)


def _hundredths(number: re.Match) -> str:
    return f"{float(number[0]):.2f}".rstrip("0").rstrip(".")

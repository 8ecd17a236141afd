"""Marks of the figures that compute something, and SVG that fits into a page."""

import re

import numpy as np
import pytest

from bench.reporting.names import MODEL_NAMES
from bench.reporting.plots import spread
from bench.reporting.style import COLOURS, DASHES, INK, MARKERS, figure, finish, themed


@pytest.mark.parametrize("heights", [[0.5] * 6, [0, 0.01, 0.02], [0.98, 0.99, 1.0], [0.1, 0.5, 0.9], []])
def test_labels_are_moved_apart_in_their_order(heights):
    placed = spread(heights, 0.1, 0.0, 1.0)
    assert np.all(np.diff(placed) >= 0.1 - 1e-3)
    assert np.all((placed >= -1e-6) & (placed <= 1 + 1e-6))


def test_labels_that_do_not_collide_stay():
    np.testing.assert_array_equal(spread([0.1, 0.5, 0.9], 0.1, 0, 1), [0.1, 0.5, 0.9])


def test_every_objective_has_a_colour_a_mark_and_but_for_the_plain_vae_a_dash():
    assert set(MODEL_NAMES) <= set(COLOURS)
    assert set(MODEL_NAMES) <= set(MARKERS)
    assert set(MODEL_NAMES) - {"vae"} <= set(DASHES)
    trained = [COLOURS[m] for m in MODEL_NAMES]
    assert len(set(trained)) == len(trained)


def test_an_inlined_drawing_follows_the_theme_and_brings_no_style_of_its_own():
    with figure(2, 2, left=0.2, right=0.9, bottom=0.2, top=0.9) as (drawn, axes):
        axes[0, 0].plot([0, 1], [0, 1], color=INK, clip_on=True)
        drawing = finish(drawn, "line", "a line")
    inline = themed(drawing.svg, "line-")
    assert drawing.png.startswith(b"\x89PNG")
    assert "<style" in drawing.svg
    assert "<style" not in inline
    assert INK in drawing.svg
    assert INK not in inline
    assert "var(--ink)" in inline
    assert "DejaVu" not in inline


def test_only_coordinates_are_rounded_never_what_is_written():
    with figure(2, 2, left=0.2, right=0.9, bottom=0.2, top=0.9) as (drawn, axes):
        axes[0, 0].plot([0, 1], [0.005, 0.015])
        axes[0, 0].set_yticks([0.005, 0.0125, 0.015], ["0.005", "0.0125", "0.015"])
        svg = finish(drawn, "ticks", "small numbers").svg
    assert {"0.005", "0.0125", "0.015"} <= set(re.findall(r">([^<>\n]+)</text>", svg))
    assert not re.search(r' d="[^"]*\d\.\d{3}', svg)

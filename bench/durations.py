"""Spans of time as people say them."""

from __future__ import annotations


def duration(seconds: float) -> str:
    """A span of time as people say it: 42 s, 7 min, 3.5 h, 12 days, 1.4 years."""
    for limit, unit, name in (
        (90, 1, "s"),
        (5400, 60, "min"),
        (172_800, 3600, "h"),
        (63_072_000, 86_400, "days"),
    ):
        if seconds < limit:
            value = seconds / unit
            return f"{value:.1f} {name}" if name == "h" and value < 10 else f"{value:.0f} {name}"
    return f"{seconds / 31_557_600:.1f} years"

"""Whether a data set suits a grid: images enough to score on, of a side that its networks can take."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from bench.data.base import Entry
from bench.settings import IMAGE_SIZE


def too_few(entry: Entry, images: int | None) -> str:
    """Why so many `evaluation.images` cannot be drawn from a data set, in a sentence; '' where they can."""
    if images is None or entry.size is None or images <= entry.size:
        return ""
    return (
        f"evaluation.images is {images:,}, but {entry.name} has {entry.size:,}; leave it out to score on all "
        "of them"
    )


def wrong_sides(entry: Entry, architectures: Iterable[str]) -> Iterator[str]:
    """A sentence for each architecture whose images cannot be made of the data set's by averaging blocks."""
    height, width, _ = entry.image_shape
    for name in dict.fromkeys(architectures):
        side = IMAGE_SIZE[name]
        if height != width or height % side:
            yield (
                f"{name} takes images of {side}×{side} pixels, but {entry.name} has {height}×{width}: they "
                "must be square, with a side that is a multiple"
            )

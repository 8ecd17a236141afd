"""Small perceptrons for block-averaged images: for quick starts and tests, never beside published numbers."""

from __future__ import annotations

from torch import Tensor

from bench.nets.layers import dense
from bench.nets.parameters import Layout, dense_shapes


def layout(channels: int, latent_dim: int, side: int, hidden: tuple[int, int]) -> Layout:
    """Parameters of side²·C – hidden[0] – hidden[1] – d and its mirror image."""
    pixels = channels * side**2
    first, second = hidden
    return Layout(
        {
            **dense_shapes("e1", pixels, first),
            **dense_shapes("e2", first, second),
            **dense_shapes("mean", second, latent_dim),
            **dense_shapes("log_variance", second, latent_dim),
            **dense_shapes("d1", latent_dim, second),
            **dense_shapes("d2", second, first),
            **dense_shapes("d3", first, pixels),
        }
    )


def encode(p: dict[str, Tensor], images: Tensor) -> tuple[Tensor, Tensor]:
    """Images (E, B, C, side, side) → mean and log-variance, each (E, B, d)."""
    hidden = dense(images.flatten(2), p["e1.weight"], p["e1.bias"]).relu()
    hidden = dense(hidden, p["e2.weight"], p["e2.bias"]).relu()
    return (
        dense(hidden, p["mean.weight"], p["mean.bias"]),
        dense(hidden, p["log_variance.weight"], p["log_variance.bias"]),
    )


def decode(p: dict[str, Tensor], z: Tensor, channels: int, side: int) -> Tensor:
    """Codes (E, B, d) → logits (E, B, C, side, side)."""
    hidden = dense(z, p["d1.weight"], p["d1.bias"]).relu()
    hidden = dense(hidden, p["d2.weight"], p["d2.bias"]).relu()
    return dense(hidden, p["d3.weight"], p["d3.bias"]).unflatten(2, (channels, side, side))

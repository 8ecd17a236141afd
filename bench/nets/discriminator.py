"""FactorVAE's fully connected discriminators (locatello2019.md §2.3)."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

from bench.nets.layers import dense
from bench.nets.parameters import Layout, dense_shapes

#: name in a grid -> (hidden units, hidden layers); the first is the study's.
DISCRIMINATORS: dict[str, tuple[int, int]] = {"fc_1000x6": (1000, 6), "fc_64x2": (64, 2)}

_SLOPE = 0.2  # TensorFlow's default; torch's is 0.01


def layout(name: str, latent_dim: int) -> Layout:
    """Parameters: hidden layers h0, h1, … and the two logits."""
    units, depth = DISCRIMINATORS[name]
    shapes = dense_shapes("h0", latent_dim, units)
    for layer in range(1, depth):
        shapes |= dense_shapes(f"h{layer}", units, units)
    return Layout(shapes | dense_shapes("logits", units, 2))


def discriminate(p: dict[str, Tensor], z: Tensor) -> Tensor:
    """Codes (E, B, d) → logits (E, B, 2); column 0 says "from the joint", column 1 "permuted"."""
    hidden = z
    for layer in range(len(p) // 2 - 1):
        hidden = F.leaky_relu(dense(hidden, p[f"h{layer}.weight"], p[f"h{layer}.bias"]), _SLOPE)
    return dense(hidden, p["logits.weight"], p["logits.bias"])

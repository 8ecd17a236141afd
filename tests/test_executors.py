"""The script that measures executors on a GPU: its forms compute the same, and no failure loses the rest."""

import sys
from pathlib import Path
from unittest.mock import patch

import pytest
import torch

from bench.nets import ARCHITECTURES, conv_64
from bench.randomness import Stream

sys.path.append(str(Path(__file__).parents[1] / "docs" / "figures"))

from executor_forms import FORMS, OWN

TOLERANCE = {torch.float64: 1e-11, torch.float32: 1e-4}


def coded_and_decoded(form, architecture, channels, dtype):
    """Outputs of encoder and decoder in a form, then the gradients of parameters, images and codes."""
    network = ARCHITECTURES[architecture](channels, 5, dtype)
    parameters = network.layout.initial(torch.arange(3), Stream.WEIGHTS, dtype)
    parameters += 0.01  # biases, too
    random = torch.Generator().manual_seed(0)
    images = torch.rand(3, 4, channels, 64, 64, dtype=dtype, generator=random)
    z = torch.randn(3, 4, 5, dtype=dtype, generator=random)
    wanted = [value.requires_grad_() for value in (parameters, images, z)]
    with patch.dict(vars(conv_64), FORMS[form]):
        named = network.layout.split(parameters)
        outputs = [*network.encode(named, images), network.decode(named, z)]
        weights = [torch.randn(value.shape, dtype=dtype, generator=random) for value in outputs]
        total = sum((value * weight).sum() for value, weight in zip(outputs, weights, strict=True))
        return [*outputs, *torch.autograd.grad(total, wanted)]


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize(("architecture", "channels"), [("conv_64", 1), ("conv_64", 3), ("conv_64_4x4", 3)])
def test_every_form_computes_what_benchs_own_does(architecture, channels, dtype):
    own = coded_and_decoded(OWN, architecture, channels, dtype)
    for form in FORMS:
        found = coded_and_decoded(form, architecture, channels, dtype)
        for value, expected in zip(found, own, strict=True):
            assert value.shape == expected.shape
            assert (value - expected).abs().max() <= TOLERANCE[dtype] * expected.abs().max(), form

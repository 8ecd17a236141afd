"""Single layers of bench.nets.conv_64, measured by docs/figures/executors.py."""

from functools import partial

import torch
from executor_forms import conv_nchw, deconv_nchw, product_and_fold
from executor_lab import BATCH, PRECISIONS, STEPS_PER_CALL, Lab, replayed

from bench.nets import layers
from bench.problem import activation_dtype
from bench.stack import settle_process

#: layer -> (inputs, outputs, side of its input) of conv_64; the last four have the images' channels.
LAYERS = {
    "e2": (32, 32, 32), "d5": (32, 32, 16), "e1": (1, 32, 64), "d6": (32, 1, 32),
    "e1 of 3 channels": (3, 32, 64), "d6 of 3 channels": (32, 3, 32),
}  # fmt: skip


def of_layers(lab: Lab) -> None:
    """Single layers forwards, and forwards and backwards, per member, by precision and form."""
    ways = {
        "e": {"bench": lambda *given: layers.conv(*given, 1), "NCHW": lambda *given: conv_nchw(*given, 1)},
        "d": {"bench": layers.deconv, "NCHW": deconv_nchw},
        "d6": {
            "bench": layers.deconv_to_images,
            "deconvolution": layers.deconv,
            "NCHW": deconv_nchw,
            "product": product_and_fold,
        },
    }
    steps = STEPS_PER_CALL[lab.device] * lab.middle
    for precision in PRECISIONS[lab.device]:
        for layer in LAYERS:
            for way, compute in ways.get(layer[:2], ways[layer[0]]).items():
                for passes in (forwards, both_ways):
                    place = ("layers", f"{layer}, {way}, {precision}", passes.__name__)
                    lab.milliseconds(place, steps, layer_call, lab, layer, way, precision, compute, passes)


def layer_call(lab: Lab, layer: str, way: str, precision: str, compute, passes):
    """A call of one layer for a pack, as `passes` has it."""
    settle_process(lab.device, precision)
    (inputs, outputs, side), width, dtype = LAYERS[layer], lab.middle, activation_dtype(precision)
    images = torch.rand(BATCH, width * inputs, side, side, device=lab.device, dtype=dtype)
    if way != "NCHW":
        images = images.contiguous(memory_format=torch.channels_last)
    shape = (width, outputs, inputs, 4, 4) if layer.startswith("e") else (width, inputs, outputs, 4, 4)
    weight = torch.randn(shape, device=lab.device).mul_(0.05).requires_grad_()
    bias = torch.zeros(width, outputs, device=lab.device, requires_grad=True)
    images.requires_grad_(not layer.startswith("e1"))  # nobody needs the gradient of the data
    return replayed(lab, passes(compute, images, weight, bias))


def forwards(compute, *given: torch.Tensor):
    return torch.no_grad()(partial(compute, *given))


def both_ways(compute, *given: torch.Tensor):
    gradient = torch.rand_like(compute(*given))
    wanted = [value for value in given if value.requires_grad]
    return lambda: torch.autograd.grad(compute(*given), wanted, gradient)

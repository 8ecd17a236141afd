import pytest
import torch
from torch.nn import functional as F

from bench.nets import ARCHITECTURES, discriminator, layers
from bench.nets.parameters import Layout, Shape
from bench.plan import WEIGHT_BYTES
from bench.randomness import Stream
from bench.settings import IMAGE_SIZE


def noise(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


@pytest.mark.parametrize(
    ("architecture", "channels", "size"),
    [
        ("conv_64", 1, 690_517),
        ("conv_64", 3, 692_567),
        ("conv_64_4x4", 1, 764_245),
        ("conv_64_4x4", 3, 766_295),
    ],
)
def test_parameter_counts_are_the_studys(architecture, channels, size):
    assert ARCHITECTURES[architecture](channels, 10, torch.float64).layout.size == size


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_the_room_that_weights_are_planned_to_take_is_what_they_take(architecture):
    assert 4 * ARCHITECTURES[architecture](3, 10, torch.float64).layout.size == WEIGHT_BYTES[architecture]


def test_the_discriminator_has_the_studys_parameters():
    assert discriminator.layout("fc_1000x6", 10).size == 5_018_002


def test_every_architecture_is_listed_with_its_image_size():
    assert set(ARCHITECTURES) == set(IMAGE_SIZE)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("channels", [1, 3])
def test_stacked_members_compute_what_each_computes_alone(architecture, channels):
    network, side = ARCHITECTURES[architecture](channels, 5, torch.float64), IMAGE_SIZE[architecture]
    flat = network.layout.initial(torch.tensor([0, 1, 2]), Stream.WEIGHTS, torch.float64)
    images, z = noise(3, 4, channels, side, side).sigmoid(), noise(3, 4, 5)
    together = network.layout.split(flat)
    mean, log_variance = network.encode(together, images)
    logits = network.decode(together, z)
    assert mean.shape == log_variance.shape == (3, 4, 5)
    assert logits.shape == images.shape
    for e in range(3):
        alone = network.layout.split(flat[e : e + 1])
        expected = (*network.encode(alone, images[e : e + 1]), network.decode(alone, z[e : e + 1]))
        for found, wanted in zip((mean[e], log_variance[e], logits[e]), expected, strict=True):
            assert torch.allclose(found, wanted[0], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("channels", [1, 3])
def test_the_last_deconvolution_is_torchs_and_so_are_its_gradients(channels):
    given = [noise(2, 3 * 8, 16, 16), noise(3, 8, channels, 4, 4), noise(3, channels)]
    images, weight, bias = (tensor.requires_grad_() for tensor in given)
    found = layers.deconv_to_images(images, weight, bias)
    expected = torch.stack(
        [
            F.conv_transpose2d(images[:, 8 * e : 8 * e + 8], weight[e], bias[e], stride=2, padding=1)
            for e in range(3)
        ]
    )
    assert torch.allclose(found, expected, rtol=1e-12, atol=1e-12)
    assert found.is_contiguous()
    gradients = (torch.autograd.grad(output.square().sum(), given) for output in (found, expected))
    for one, other in zip(*gradients, strict=True):
        assert torch.allclose(one, other, rtol=1e-12, atol=1e-10)


def test_stacked_convolution_is_torchs_per_member():
    images, weight, bias = noise(2, 3 * 4, 16, 16), noise(3, 5, 4, 4, 4), noise(3, 5)
    stacked = layers.split_members(layers.conv(images, weight, bias, padding=1), 3)
    for e in range(3):
        expected = F.conv2d(images[:, 4 * e : 4 * e + 4], weight[e], bias[e], stride=2, padding=1)
        assert torch.allclose(stacked[e], expected, rtol=1e-12, atol=1e-12)


def test_initial_weights_are_glorot_uniform_and_biases_zero():
    layout = ARCHITECTURES["conv_64"](1, 10, torch.float32).layout
    named = layout.split(layout.initial(torch.tensor([7]), Stream.WEIGHTS, torch.float64))
    for name, shape in layout.shapes.items():
        values = named[name]
        if name.endswith("bias"):
            assert not values.any()
            continue
        limit = (6 / (shape.fan_in + shape.fan_out)) ** 0.5
        assert values.abs().max() <= limit
        assert values.abs().max() > 0.95 * limit
        assert values.var().item() == pytest.approx(limit**2 / 3, rel=0.15)


def test_fans_are_those_of_torchs_initialiser():
    for weight, shape in [
        (
            torch.empty(32, 64, 4, 4),
            ARCHITECTURES["conv_64"](1, 10, torch.float32).layout.shapes["d4.weight"],
        ),
        (torch.empty(256, 1024), ARCHITECTURES["conv_64"](1, 10, torch.float32).layout.shapes["e5.weight"]),
    ]:
        fans = torch.nn.init._calculate_fan_in_and_fan_out(weight)
        assert sum(fans) == shape.fan_in + shape.fan_out


def test_splitting_and_joining_are_inverse_and_rows_are_aligned():
    layout = Layout({"a": Shape((3, 5), 3, 5), "b": Shape((2,))})
    assert (layout.size, layout.width) == (17, 32)
    flat = layout.initial(torch.tensor([1, 2]), Stream.WEIGHTS, torch.float32)
    assert torch.equal(layout.join(layout.split(flat)), flat)

"""What a training step costs on a GPU, executor by executor; prints one JSON.

python docs/figures/executors.py > executors.json                 # within ten minutes; needs no Ray, no data
python docs/figures/executors.py --device cpu --seconds 0.1 --packs 2

Whatever bench has is bench's own; what it does not have stands in executor_forms.py. Times are milliseconds
per model-step, the lowest quartile of rounds, unless their name says otherwise. Figures appear on stderr as
they come.
"""

import argparse
import json
import math
import subprocess
import sys
import time
from dataclasses import replace
from functools import partial
from unittest.mock import patch

import numpy as np
import torch
from executor_forms import FORMS, conv_nchw, deconv_nchw, product_and_fold

from bench.data.device import DeviceImages
from bench.grid import grid_from
from bench.measure import Noise
from bench.nets import conv_64, layers
from bench.nets.discriminator import discriminate
from bench.octets import octets
from bench.optim import Moments, adam_step
from bench.problem import BLOCK, DISCRIMINATOR_BETAS, UNROLLED, Members, Problem, block, start
from bench.randomness import Stream
from bench.stack import members_of, problem_of, settle_process
from bench.stepping import EagerSteps, stepper_for
from bench.yardstick import PlainLoop

ROUNDS = 5
BATCH, LATENTS = 64, 10
CHANNELS = {"dsprites": 1, "shapes3d": 3}
PRECISIONS = {"cuda": ("float32", "tf32", "bfloat16"), "cpu": ("float32", "bfloat16")}
PEAK_SIZE = {"cuda": 8192, "cpu": 1024}
COPIED_BYTES = {"cuda": 2**30, "cpu": 2**26}
#: layer -> (inputs, outputs, side of its input) of conv_64; the last two have the images' channels.
LAYERS = {"e2": (32, 32, 32), "d5": (32, 32, 16), "e1": (1, 32, 64), "d6": (32, 1, 32)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--seconds", type=float, default=1.0, help="time for each measurement")
    parser.add_argument("--packs", default="8,32,64", help="cells in one stacked step")
    given = parser.parse_args()
    lab = Lab(given.device, given.seconds)
    packs = [int(width) for width in given.packs.split(",")]
    found = {
        "torch": torch.__version__,
        "device": torch.cuda.get_device_name() if given.device == "cuda" else "cpu",
        "clocks": clocks(given.device),
    }
    measurements = {
        "peaks": lambda: peaks(lab),
        "one_model": lambda: one_model(lab),
        "packs": lambda: {width: of_pack(lab, width) for width in packs},
        "layers": lambda: of_layers(lab, packs[len(packs) // 2]),
        "discriminator": lambda: {width: discriminator(lab, width) for width in packs},
        "random_numbers": lambda: {width: random_numbers(lab, width) for width in packs},
        "bits": lambda: bits(lab, packs[0]),
        "compiled": lambda: compiled(lab, packs[len(packs) // 2]),  # last: nobody knows how long it takes
    }
    for name, measure in measurements.items():
        began = time.perf_counter()
        found[name] = measure()
        print(f"-- {name}: {time.perf_counter() - began:.0f} s", file=sys.stderr, flush=True)
    print(json.dumps(found, indent=1))


class Lab:
    """A device and how long each measurement on it may take."""

    def __init__(self, device: str, seconds: float):
        self.device, self.seconds = device, seconds

    def timed(self, call) -> float:
        """Seconds of a call: wall time up to the device's completion, process time on a CPU."""
        clock = time.perf_counter if self.device == "cuda" else time.process_time
        self.wait()
        began = clock()
        call()
        self.wait()
        return clock() - began

    def wait(self) -> None:
        if self.device == "cuda":
            torch.cuda.synchronize()

    def milliseconds(self, name: str, model_steps: float, prepare, *arguments) -> float | str:
        """Per model-step of the call that `prepare` returns, which makes `model_steps`; or what it raised."""
        try:
            call = prepare(*arguments)
            repeat(call, 2)
            count = max(1, int(self.seconds / ROUNDS / max(1e-9, self.timed(call))))
            rounds = [self.timed(partial(repeat, call, count)) for _ in range(ROUNDS)]
            cost = 1e3 * float(np.percentile(rounds, 25)) / count / model_steps
        except (RuntimeError, NotImplementedError) as error:  # out of memory, or a kernel that is not there
            cost = f"{type(error).__name__}: {str(error).splitlines()[0]}"
        print(name, cost, file=sys.stderr, flush=True)
        return cost


def repeat(call, count: int) -> None:
    for _ in range(count):
        call()


def clocks(device: str) -> str:
    """Clocks of the GPU as they are now and at most, and its power limit."""
    if device == "cpu":
        return ""
    asked = "--query-gpu=clocks.sm,clocks.mem,clocks.max.sm,power.limit"
    said = subprocess.run(["nvidia-smi", asked, "--format=csv,noheader"], capture_output=True, text=True)
    return said.stdout.strip()


def peaks(lab: Lab) -> dict:
    """GB/s of a copy, read and write counted, and TFLOP/s of a large matrix product by precision."""
    source = torch.zeros(COPIED_BYTES[lab.device], dtype=torch.uint8, device=lab.device)
    target = torch.empty_like(source)
    copied = lab.milliseconds("copy", 1, partial, target.copy_, source)
    found = {"copy_gb_per_s": 2 * len(source) / copied / 1e6}
    size = PEAK_SIZE[lab.device]
    for precision in PRECISIONS[lab.device]:
        settle_process(lab.device, precision)
        dtype = torch.bfloat16 if precision == "bfloat16" else torch.float32
        left = torch.rand(size, size, device=lab.device, dtype=dtype)
        multiplied = lab.milliseconds(f"product, {precision}", 1, partial, torch.matmul, left, left)
        found[f"{precision}_tflop_per_s"] = 2 * size**3 / multiplied / 1e9
    return found


def pack_of(
    lab: Lab, width: int, precision: str = "float32", model: str = "beta_vae", dataset: str = "dsprites"
) -> tuple[Problem, Members]:
    """A pack of the study's network and settings on random images."""
    settle_process(lab.device, precision)
    values = {"factor_vae": {"gamma": 10}}.get(model, {"beta": 4})
    raw = {
        "study": "executors", "datasets": [dataset], "source": "rendered", "models": {model: values},
        "seeds": width, "training": {"architecture": "conv_64", "precision": precision},
    }  # fmt: skip
    cells = grid_from(raw, "executors").cells
    problem = problem_of(cells[0], DeviceImages(Noise(CHANNELS[dataset]), lab.device))
    return problem, members_of(cells, problem, torch.device(lab.device))


def steps_of(problem: Problem, members: Members, kind=stepper_for):
    """A call that makes UNROLLED steps of a pack, as bench makes them: a graph on a GPU."""
    prepared = block(problem, members, 0, UNROLLED)
    stepper = kind(problem, members, start(problem, members))
    return partial(stepper.run, prepared, 0, UNROLLED, ())


def pack_steps(lab: Lab, width: int, *kind: str):
    """The same of the pack that `pack_of` makes of these words."""
    return steps_of(*pack_of(lab, width, *kind))


def one_model(lab: Lab) -> dict:
    """One model at a time: loops, a graph, graphs on several streams."""
    problem, members = pack_of(lab, 1)
    eager = steps_of(problem, members, EagerSteps)
    found = {
        "plain nn.Module, foreach Adam": lab.milliseconds("plain", 1, plain, problem, members, False),
        "plain nn.Module, fused Adam": lab.milliseconds("fused", 1, plain, problem, members, True),
        "bench, eager": lab.milliseconds("eager", UNROLLED, lambda: eager),
    }
    if lab.device == "cpu":
        return found
    for precision in PRECISIONS[lab.device]:
        for count in (1, 4, 8):
            name = f"graphs on {count} streams, {precision}"
            found[name] = lab.milliseconds(name, UNROLLED * count, on_streams, lab, count, precision)
    return found | {"kernels of an eager step": kernels(eager) / UNROLLED}


def plain(problem: Problem, members: Members, fused: bool):
    loop = PlainLoop("conv_64", problem.images.channels, LATENTS, problem.images.device)
    if fused:
        groups = loop.optimiser.param_groups[0]["params"]
        loop.optimiser = torch.optim.Adam(groups, lr=1e-4, fused=True)
    prepared = block(problem, members, 0, 1)

    def run() -> None:
        loop.step(problem.images.batch(prepared.index[0, 0]), prepared.noise[0, 0])

    return run


def on_streams(lab: Lab, count: int, precision: str):
    """Graphs of single models, each on a stream of its own."""
    lanes = [(torch.cuda.Stream(), pack_steps(lab, 1, precision)) for _ in range(count)]
    lab.wait()  # what the packs hold was made on another stream

    def run() -> None:
        for stream, steps in lanes:
            with torch.cuda.stream(stream):
                steps()

    return run


def kernels(call) -> int:
    """What a call has the GPU do: kernels, copies and fills."""
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CUDA]) as profile:
        call()
        torch.cuda.synchronize()
    on_gpu = torch.autograd.DeviceType.CUDA
    return sum(event.count for event in profile.key_averages() if event.device_type == on_gpu)


def of_pack(lab: Lab, width: int) -> dict:
    """Whole steps of β-VAE packs by form, precision and channels; FactorVAE packs; memory of bench's own."""
    found = {}
    for precision in PRECISIONS[lab.device]:
        for form, names in FORMS.items():
            name = f"{form}, {precision}"
            with patch.dict(vars(conv_64), names):
                found[name] = lab.milliseconds(
                    f"{width}: {name}", UNROLLED * width, pack_steps, lab, width, precision
                )
            if lab.device == "cuda" and not names:
                found[f"peak GB, {precision}"] = torch.cuda.max_memory_allocated() / 1e9
            free(lab)
    precision = PRECISIONS[lab.device][1]
    for model, dataset in (("beta_vae", "shapes3d"), ("beta_tc_vae", "dsprites"), ("factor_vae", "dsprites")):
        name = f"{model}, {CHANNELS[dataset]} channels, {precision}"
        found[name] = lab.milliseconds(
            f"{width}: {name}", UNROLLED * width, pack_steps, lab, width, precision, model, dataset
        )
        free(lab)
    return found


def free(lab: Lab) -> None:
    """Give back what a measurement held, and forget its peak."""
    if lab.device == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()


def compiled(lab: Lab, width: int) -> dict:
    """Steps with encoder and decoder through torch.compile, and the seconds until the first one is done."""
    if lab.device == "cpu":
        return {"not measured": "on a CPU it takes minutes and gains two percent"}
    found = {}
    for precision in PRECISIONS[lab.device][1:]:
        problem, members = pack_of(lab, width, precision)
        network = replace(
            problem.network,
            encode=torch.compile(problem.network.encode),
            decode=torch.compile(problem.network.decode),
        )
        began = time.perf_counter()
        found[precision] = lab.milliseconds(
            f"{width}: compiled, {precision}",
            UNROLLED * width,
            steps_of,
            replace(problem, network=network),
            members,
        )
        found[f"{precision}, seconds with compiling"] = time.perf_counter() - began
    return found


def of_layers(lab: Lab, width: int) -> dict:
    """Forward and backward of single layers, per member, by precision and form."""
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
    found = {}
    for precision in PRECISIONS[lab.device]:
        settle_process(lab.device, precision)
        dtype = torch.bfloat16 if precision == "bfloat16" else torch.float32
        for layer in LAYERS:
            for way, compute in ways.get(layer, ways[layer[0]]).items():
                name = f"{layer}, {way}, {precision}"
                found[name] = lab.milliseconds(
                    f"{width}: {name}", width, both_ways, lab, width, layer, way, dtype, compute
                )
    return found


def both_ways(lab: Lab, width: int, layer: str, way: str, dtype: torch.dtype, compute):
    """A call of one layer forward and backward; e1 needs no gradient of its images."""
    inputs, outputs, side = LAYERS[layer]
    images = torch.rand(BATCH, width * inputs, side, side, device=lab.device, dtype=dtype)
    if way != "NCHW":
        images = images.contiguous(memory_format=torch.channels_last)
    shape = (width, outputs, inputs, 4, 4) if layer.startswith("e") else (width, inputs, outputs, 4, 4)
    weight = torch.randn(shape, device=lab.device).mul_(0.05).requires_grad_()
    bias = torch.zeros(width, outputs, device=lab.device, requires_grad=True)
    wanted = [weight, bias] if layer == "e1" else [images.requires_grad_(), weight, bias]
    gradient = torch.rand_like(compute(images, weight, bias))

    def run() -> None:
        torch.autograd.grad(compute(images, weight, bias), wanted, gradient)

    return run


def discriminator(lab: Lab, width: int) -> float | str:
    """FactorVAE's discriminator alone: both gradients' passes on 2·B codes, and its Adam."""
    problem, members = pack_of(lab, width, PRECISIONS[lab.device][1], "factor_vae")
    state = start(problem, members)
    z = torch.rand(width, 2 * BATCH, LATENTS, device=lab.device, requires_grad=True)
    rate = torch.full((width,), 1e-4, device=lab.device)

    def run() -> None:
        logits = discriminate(problem.discriminator.split(state.discriminator.requires_grad_()), z)
        torch.autograd.grad(logits[:, :BATCH].sum(), z, retain_graph=True)
        (gradient,) = torch.autograd.grad(logits.sum(), state.discriminator)
        with torch.no_grad():
            moments: Moments = state.discriminator_moments
            adam_step(state.discriminator, gradient, moments, rate, state.alive, *DISCRIMINATOR_BETAS)

    return lab.milliseconds(f"{width}: discriminator", width, lambda: run)


def random_numbers(lab: Lab, width: int) -> dict:
    """Blocks of random numbers: of the study's step, of FactorVAE's, and Noisy-dSprites' noise."""
    found = {}
    for model in ("beta_vae", "factor_vae"):
        problem, members = pack_of(lab, width, model=model)
        name = f"{width}: block, {model}"
        found[model] = lab.milliseconds(name, BLOCK * width, partial, block, problem, members, 0, BLOCK)
    steps = torch.arange(UNROLLED, device=lab.device)
    noise = (members.seeds, Stream.NUISANCE, steps, BATCH * 12_288)
    found["noise of Noisy-dSprites"] = lab.milliseconds(
        f"{width}: noise", UNROLLED * width, partial, octets, *noise
    )
    return found


def bits(lab: Lab, width: int) -> dict:
    """Whether a member's bits depend on its neighbours, its place or the run, by precision."""
    found = {}
    for precision in PRECISIONS[lab.device]:
        problem, members = pack_of(lab, width, precision)
        order = torch.arange(width - 1, -1, -1, device=lab.device)
        alone = reordered(members, torch.zeros_like(order))  # as bench pads a short pack
        poisoned = {name: value.clone() for name, value in members.hyper.items()}
        poisoned["beta"][-1] = math.nan
        full = trained(problem, members)
        found[precision] = {
            "two runs": torch.equal(full, trained(problem, members)),
            "alone in a padded pack": torch.equal(full[0], trained(problem, alone)[0]),
            "at another place": torch.equal(full[0], trained(problem, reordered(members, order))[-1]),
            "beside a NaN": torch.equal(full[:-1], trained(problem, replace(members, hyper=poisoned))[:-1]),
        }
        print(precision, found[precision], file=sys.stderr, flush=True)
    return found


def reordered(members: Members, order: torch.Tensor) -> Members:
    return Members(members.seeds[order], {name: value[order] for name, value in members.hyper.items()})


def trained(problem: Problem, members: Members) -> torch.Tensor:
    """Parameters (E, P) after three times UNROLLED steps."""
    state = start(problem, members)
    stepper = stepper_for(problem, members, state)
    for first in range(0, 3 * UNROLLED, UNROLLED):
        stepper.run(block(problem, members, first, UNROLLED), 0, UNROLLED, ())
    return state.parameters.detach()


if __name__ == "__main__":
    main()

"""What a training step costs on a GPU, executor by executor: one JSON, written anew with each figure.

python docs/figures/executors.py --out executors.json             # within ten minutes
python docs/figures/executors.py --device cpu --seconds 0.05 --packs 2

It needs torch, numpy, pandas, pyarrow, PyYAML and pydantic, which a GPU's image may lack, but no Ray and no
data. Whatever bench has is bench's own; what it does not have stands in executor_forms.py. Times are
milliseconds per model-step, the lowest quartile of rounds, unless their name says otherwise. A figure that
could not be had says why in its place. What bench itself would run comes first; compiling, which may take any
time, comes last and in a process of its own. Figures appear on stderr as they come.
"""

import argparse
import json
import math
import os
import signal
import subprocess
import sys
import time
from contextlib import nullcontext, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from unittest.mock import patch

import torch
from executor_forms import FORMS, IM2COL, OWN
from executor_lab import BATCH, PRECISIONS, Lab, free, memory, replayed
from executor_layers import of_layers

from bench import stepping
from bench.data.device import DeviceImages
from bench.grid import grid_from
from bench.measure import STEPS_PER_CALL, Noise
from bench.nets import conv_64
from bench.nets.discriminator import discriminate
from bench.octets import octets
from bench.optim import Moments, adam_step
from bench.problem import (
    BLOCK,
    DISCRIMINATOR_BETAS,
    UNROLLED,
    Members,
    Problem,
    activation_dtype,
    block,
    start,
)
from bench.randomness import Stream
from bench.roofline import copy_peak, matrix_peak
from bench.stack import members_of, problem_of, settle_process
from bench.stepping import EagerSteps, stepper_for
from bench.yardstick import PlainLoop

LATENTS = 10
CHANNELS = {"dsprites": 1, "shapes3d": 3}


def main(words: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--seconds", type=float, default=1.0, help="time for each measurement")
    parser.add_argument("--packs", default="8,32,64", help="cells in one stacked step")
    parser.add_argument("--out", type=Path, default=Path("executors.json"), help="file of the figures")
    parser.add_argument("--budget", type=float, default=540.0, help="seconds after which none is begun")
    parser.add_argument("--only", choices=GROUPS, help="one group, in this process")
    given = parser.parse_args(words)
    packs = [int(width) for width in given.packs.split(",")]
    lab = Lab(given.device, given.seconds, packs, given.out, given.budget)
    lab.record(("torch",), torch.__version__)
    lab.ask(("device",), lambda: torch.cuda.get_device_name() if given.device == "cuda" else "cpu")
    lab.ask(("clocks",), clocks, lab)
    for name in [given.only] if given.only else GROUPS:
        began = time.monotonic()
        if name == "compiled" and not given.only:
            apart(lab, name)
        else:
            GROUPS[name](lab)
        print(f"-- {name}: {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)


def apart(lab: Lab, group: str) -> None:
    """Measure a group in a process of its own, which is killed with all its workers when the budget ends."""
    out = lab.out.with_name(f"{lab.out.name}.{group}")
    out.unlink(missing_ok=True)
    with suppress(Exception):  # on a GPU that an error has closed to this process
        free(lab)
    given = {"--only": group, "--out": out, "--budget": lab.left, "--seconds": lab.seconds}
    given |= {"--device": lab.device, "--packs": ",".join(map(str, lab.packs))}
    words = [str(word) for pair in given.items() for word in pair]
    child = subprocess.Popen([sys.executable, __file__, *words], process_group=0)
    try:
        child.wait(lab.left)
    except subprocess.TimeoutExpired:
        lab.record((group, "ended"), f"killed: the budget of {lab.budget:.0f} s was spent")
    else:
        if child.returncode:
            lab.record((group, "ended"), f"with exit status {child.returncode}")
    finally:
        if child.poll() is None:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()
    if out.exists():
        for name, value in json.loads(out.read_text()).get(group, {}).items():
            lab.record((group, name), value)
        out.unlink()


def clocks(lab: Lab) -> str:
    """Clocks of the GPU as they are now and at most, and its power limit."""
    if lab.device == "cpu":
        return ""
    asked = "--query-gpu=clocks.sm,clocks.mem,clocks.max.sm,power.limit"
    said = subprocess.run(["nvidia-smi", asked, "--format=csv,noheader"], capture_output=True, text=True)
    return said.stdout.strip()


def peaks(lab: Lab) -> None:
    """GB/s of a copy, read and write counted, and TFLOP/s of a large matrix product by precision."""
    lab.ask(("peaks", "copy_gb_per_s"), copy_peak, lab.device)
    for precision in PRECISIONS[lab.device]:
        lab.ask(("peaks", f"{precision}_tflop_per_s"), product_rate, lab, precision)


def product_rate(lab: Lab, precision: str) -> float:
    settle_process(lab.device, precision)
    return matrix_peak(lab.device, activation_dtype(precision)) / 1e3


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


def one_model(lab: Lab) -> None:
    """One model at a time: loops, a graph, graphs on several streams."""
    lab.milliseconds(("one_model", "plain nn.Module, foreach Adam"), 1, plain, lab, False)
    lab.milliseconds(("one_model", "plain nn.Module, fused Adam"), 1, plain, lab, True)
    lab.milliseconds(("one_model", "bench, eager"), UNROLLED, eager, lab)
    if lab.device == "cpu":
        return
    lab.ask(("one_model", "kernels of an eager step"), lambda: kernels(eager(lab)) / UNROLLED)
    for precision in PRECISIONS[lab.device]:
        for count in (1, 4, 8):
            place = ("one_model", f"graphs on {count} streams, {precision}")
            lab.milliseconds(place, UNROLLED * count, on_streams, lab, count, precision)


def eager(lab: Lab):
    return steps_of(*pack_of(lab, 1), EagerSteps)


def plain(lab: Lab, fused: bool):
    problem, members = pack_of(lab, 1)
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
    call()  # the first one also loads libraries
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CUDA]) as profile:
        call()
        torch.cuda.synchronize()
    on_gpu = torch.autograd.DeviceType.CUDA
    return sum(event.count for event in profile.key_averages() if event.device_type == on_gpu)


def own_packs(lab: Lab) -> None:
    """Whole steps of packs as bench makes them: β-VAE by precision, then other channels and models."""
    for precision in PRECISIONS[lab.device]:
        for width in lab.packs:
            lab.ask(("packs", width, f"{OWN}, {precision}"), pack_cost, lab, width, OWN, precision)
    precision = PRECISIONS[lab.device][1]
    for model, dataset in (("beta_vae", "shapes3d"), ("beta_tc_vae", "dsprites"), ("factor_vae", "dsprites")):
        for width in lab.packs:
            place = ("packs", width, f"{model}, {CHANNELS[dataset]} channels, {precision}")
            lab.ask(place, pack_cost, lab, width, OWN, precision, model, dataset)


def other_forms(lab: Lab) -> None:
    """The same of β-VAE packs whose layers are computed in other ways; im2col, the slowest, at one width."""
    for precision in PRECISIONS[lab.device]:
        for form in FORMS:
            for width in [lab.middle] if form == IM2COL else lab.packs:
                if form != OWN:
                    place = ("forms", width, f"{form}, {precision}")
                    lab.ask(place, pack_cost, lab, width, form, precision)


def pack_cost(lab: Lab, width: int, form: str, *kind: str) -> dict:
    """Milliseconds per model-step of a pack in a form, and the GPU's memory that it took."""
    before = memory(lab)
    with patch.dict(vars(conv_64), FORMS[form]):
        cost = lab.cost(UNROLLED * width, pack_steps, lab, width, *kind)
    return {"ms": cost, "GB before": before, "GB at most": memory(lab)}


def compiled(lab: Lab) -> None:
    """Steps with parts of them through torch.compile, and the seconds until the last one is done.

    Adam first: written out it reads and writes its numbers twelve times over, fused seven times, and they are
    eight times as many with FactorVAE's discriminator.
    """
    if lab.device == "cpu":
        lab.record(("compiled", "not measured"), "on a CPU it takes minutes and gains two percent")
        return
    for parts in COMPILED:
        for precision in PRECISIONS[lab.device][1:]:
            for model, dataset in (
                ("beta_vae", "dsprites"),
                ("beta_vae", "shapes3d"),
                ("factor_vae", "dsprites"),
            ):
                what = f"{' and '.join(parts)}: {model}, {CHANNELS[dataset]} channels, {precision}"
                lab.ask(("compiled", lab.middle, what), compiled_cost, lab, parts, precision, model, dataset)


#: Parts of a step to compile together, the quickest to compile first.
COMPILED = (
    ("adam_step",),
    ("adam_step", "discriminate"),
    ("network",),
    ("network", "adam_step", "discriminate"),
)


def compiled_cost(lab: Lab, parts: tuple[str, ...], *kind: str) -> dict:
    began = time.monotonic()
    problem, members = pack_of(lab, lab.middle, *kind)
    compile_it = partial(torch.compile, dynamic=False)
    if "network" in parts:
        encode, decode = map(compile_it, (problem.network.encode, problem.network.decode))
        problem = replace(problem, network=replace(problem.network, encode=encode, decode=decode))
    functions = {name: compile_it(getattr(stepping, name)) for name in parts if name != "network"}
    with patch.multiple(stepping, **functions) if functions else nullcontext():
        cost = lab.cost(UNROLLED * lab.middle, steps_of, problem, members)
    return {"ms": cost, "seconds with compiling": time.monotonic() - began, "GB at most": memory(lab)}


def discriminators(lab: Lab) -> None:
    """FactorVAE's discriminator alone."""
    for width in lab.packs:
        steps = STEPS_PER_CALL[lab.device] * width
        lab.milliseconds(("discriminator", width), steps, discriminator, lab, width)


def discriminator(lab: Lab, width: int):
    """A call of both gradients' passes on 2·B codes, and of the discriminator's Adam."""
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

    return replayed(lab, run)


def random_numbers(lab: Lab) -> None:
    """Blocks of random numbers: of the study's step, of FactorVAE's, and Noisy-dSprites' noise."""
    for width in lab.packs:
        for model in ("beta_vae", "factor_vae"):
            place = ("random_numbers", width, model)
            lab.milliseconds(place, BLOCK * width, blocks, lab, width, model)
        place = ("random_numbers", width, "noise of Noisy-dSprites")
        lab.milliseconds(place, UNROLLED * width, noise, lab, width)


def blocks(lab: Lab, width: int, model: str):
    return partial(block, *pack_of(lab, width, model=model), 0, BLOCK)


def noise(lab: Lab, width: int):
    _, members = pack_of(lab, width)
    steps = torch.arange(UNROLLED, device=lab.device)
    return partial(octets, members.seeds, Stream.NUISANCE, steps, BATCH * 12_288)


def bits(lab: Lab) -> None:
    """Whether a member's bits depend on its neighbours, its place or the run, by precision."""
    for precision in PRECISIONS[lab.device]:
        lab.ask(("bits", precision), bits_of, lab, lab.packs[0], precision)


def bits_of(lab: Lab, width: int, precision: str) -> dict[str, bool]:
    problem, members = pack_of(lab, width, precision)
    order = torch.arange(width - 1, -1, -1, device=lab.device)
    alone = reordered(members, torch.zeros_like(order))  # as bench pads a short pack
    poisoned = {name: value.clone() for name, value in members.hyper.items()}
    poisoned["beta"][-1] = math.nan
    full = trained(problem, members)
    return {
        "two runs": torch.equal(full, trained(problem, members)),
        "alone in a padded pack": torch.equal(full[0], trained(problem, alone)[0]),
        "at another place": torch.equal(full[0], trained(problem, reordered(members, order))[-1]),
        "beside a NaN": torch.equal(full[:-1], trained(problem, replace(members, hyper=poisoned))[:-1]),
    }


def reordered(members: Members, order: torch.Tensor) -> Members:
    return Members(members.seeds[order], {name: value[order] for name, value in members.hyper.items()})


def trained(problem: Problem, members: Members) -> torch.Tensor:
    """Parameters (E, P) after three times UNROLLED steps."""
    state = start(problem, members)
    stepper = stepper_for(problem, members, state)
    for first in range(0, 3 * UNROLLED, UNROLLED):
        stepper.run(block(problem, members, first, UNROLLED), 0, UNROLLED, ())
    return state.parameters.detach()


#: What is measured, in this order.
GROUPS = {
    "peaks": peaks,
    "one_model": one_model,
    "packs": own_packs,
    "discriminator": discriminators,
    "random_numbers": random_numbers,
    "bits": bits,
    "layers": of_layers,
    "forms": other_forms,
    "compiled": compiled,
}

if __name__ == "__main__":
    main()

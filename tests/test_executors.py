"""The script that measures executors on a GPU: its forms compute the same, and no failure loses the rest."""

import json
import sys
import time
from pathlib import Path
from unittest.mock import Mock, patch

import pytest
import torch

from bench import roofline
from bench.nets import ARCHITECTURES, conv_64
from bench.randomness import Stream

sys.path.append(str(Path(__file__).parents[1] / "docs" / "figures"))

import executors
from executor_forms import FORMS, IM2COL, OWN

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


@pytest.fixture
def lab(tmp_path):
    return executors.Lab("cpu", 0.01, [2, 4, 8], tmp_path / "found.json", budget=60)


def kept(lab):
    return json.loads(lab.out.read_text())


def test_each_figure_is_in_the_file_at_once_and_a_failure_says_why(lab):
    lab.ask(("group", 8, "good"), lambda: 1.5)
    assert kept(lab) == {"group": {"8": {"good": 1.5}}}
    for error in (KeyError(), RuntimeError("out of memory\nand more")):
        lab.ask(("group", type(error).__name__), Mock(side_effect=error))
    assert kept(lab)["group"]["KeyError"] == "KeyError: "
    assert kept(lab)["group"]["RuntimeError"] == "RuntimeError: out of memory"
    lab.milliseconds(("group", "cost"), 1, lambda: lambda: None)
    assert kept(lab)["group"]["cost"] > 0


def test_nothing_begins_once_the_budget_is_spent(lab):
    lab.budget, lab.until = 540, 0
    answer = Mock()
    lab.ask(("late",), answer)
    assert kept(lab) == {"late": "not measured: the budget of 540 s was spent"}
    assert not answer.called


def test_a_peak_that_cannot_be_had_leaves_the_others(lab, monkeypatch):
    monkeypatch.setattr("bench.stopwatch.ROUNDS", 2)
    monkeypatch.setattr("bench.stopwatch.SECONDS_PER_ROUND", 0.01)
    monkeypatch.setitem(roofline.MATRIX, "cpu", -1)
    executors.peaks(lab)
    found = kept(lab)["peaks"]
    assert found["copy_gb_per_s"] > 0
    assert found["float32_tflop_per_s"].startswith("RuntimeError: ")


def test_what_bench_runs_is_measured_before_other_forms_and_im2col_once_per_precision(lab, monkeypatch):
    lab.device, asked = "cuda", []
    monkeypatch.setattr(lab, "ask", lambda place, *_: asked.append(place))
    for group in executors.GROUPS:
        if group in ("packs", "forms"):
            executors.GROUPS[group](lab)
    groups = [place[0] for place in asked]
    assert groups == ["packs"] * 18 + ["forms"] * 30
    assert {place[1] for place in asked if place[2].startswith(IM2COL)} == {lab.middle} == {4}


@pytest.mark.parametrize("parts", executors.COMPILED, ids=" ".join)
def test_what_is_to_be_compiled_is_what_the_steps_use(lab, monkeypatch, parts):
    """The compiler itself, which takes minutes on a CPU, is replaced by a counter."""
    used = []

    def compiling(part, dynamic):
        def called(*given):
            used.append(getattr(part, "func", part).__name__)
            return part(*given)

        return called

    monkeypatch.setattr(torch, "compile", compiling)
    monkeypatch.setattr(executors, "UNROLLED", 1)
    monkeypatch.setattr(lab, "cost", lambda model_steps, prepare, *given: prepare(*given)())
    lab.packs = [1]
    executors.compiled_cost(lab, parts, "float32", "factor_vae", "dsprites")
    expected = {"network": {"encode", "decode"}, "adam_step": {"adam_step"}, "discriminate": {"discriminate"}}
    assert set(used) == set().union(*(expected[part] for part in parts))


def test_compiling_happens_in_a_process_of_its_own(lab, monkeypatch):
    monkeypatch.setattr(executors, "GROUPS", {"compiled": Mock(side_effect=AssertionError)})
    executors.main(["--device", "cpu", "--out", str(lab.out)])
    assert kept(lab)["device"] == "cpu"
    assert list(kept(lab)["compiled"]) == ["not measured"]
    assert [path.name for path in lab.out.parent.iterdir()] == [lab.out.name]


def test_a_process_that_hangs_is_killed_when_the_budget_is_spent(lab, tmp_path, monkeypatch):
    script = tmp_path / "hangs.py"
    script.write_text("import time\ntime.sleep(60)\n")
    monkeypatch.setattr(executors, "__file__", str(script))
    lab.until = time.monotonic() + 0.5
    lab.record(("before",), 1)
    executors.apart(lab, "compiled")
    assert kept(lab) == {"before": 1, "compiled": {"ended": "killed: the budget of 60 s was spent"}}

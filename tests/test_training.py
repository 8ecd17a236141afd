import math

import pytest
import torch
from problems import SETTINGS, NoiseImages, members, problem

from bench import checkpoint
from bench.data.device import DeviceImages
from bench.evaluation import evaluate
from bench.models import MODELS, Model
from bench.nets import ARCHITECTURES
from bench.problem import NUISANCE_BYTES, Curve, Problem, block_length, start
from bench.training import train


def trained(given: Problem, pack, until_block=None) -> tuple:
    """State and curve after training, or after `until_block` blocks."""
    state, curve = start(given, pack), Curve()
    train(given, pack, state, curve, lambda *_: None)
    return state, curve


def bits(parameters: torch.Tensor) -> list[bytes]:
    return [row.detach().numpy().tobytes() for row in parameters]


@pytest.mark.parametrize("model", MODELS)
def test_a_cell_has_the_same_bits_among_any_neighbours_at_any_position(model):
    given = problem(model, precision="float32", steps=120)
    first, second, third = SETTINGS[model]
    one = trained(given, members(given, [first, second, third], seeds=[0, 1, 2]))[0]
    other = trained(given, members(given, [third, first, first], seeds=[7, 8, 0]))[0]
    assert bits(one.parameters)[0] == bits(other.parameters)[2]
    assert bits(one.parameters)[0] != bits(one.parameters)[1]


@pytest.mark.parametrize("model", ["beta_vae", "factor_vae"])
def test_the_studys_network_has_the_same_bits_among_any_neighbours(model):
    given = problem(model, architecture="conv_64", precision="float32", steps=4, batch_size=4)
    first, second, _ = SETTINGS[model]
    one = trained(given, members(given, [first, second], seeds=[0, 1]))[0]
    other = trained(given, members(given, [second, first], seeds=[5, 0]))[0]
    assert bits(one.parameters)[0] == bits(other.parameters)[1]


class NoisyImages(NoiseImages):
    """The same in three channels, with noise drawn anew at every request."""

    image_shape = (64, 64, 3)
    nuisance, nuisance_size, nuisance_bits = "noise", 3 * 64**2, 8


def test_the_length_of_blocks_changes_no_bit_of_the_noise(monkeypatch):
    grey = problem("beta_vae", precision="float32", steps=25)
    network, images = ARCHITECTURES["dense_8"](3, 3, torch.float32), DeviceImages(NoisyImages(), "cpu", 8)
    given = Problem(**{**vars(grey), "network": network, "images": images})
    pack = members(given, SETTINGS["beta_vae"])
    lengths, trainings = [], []
    for limit in (2**22, 2**21, 1):
        monkeypatch.setitem(NUISANCE_BYTES, "cpu", limit)
        lengths.append(block_length(given, pack))
        trainings.append(bits(trained(given, pack)[0].parameters))
    assert lengths == [10, 7, 1]
    assert trainings[0] == trainings[1] == trainings[2]


@pytest.mark.parametrize("model", ["beta_vae", "beta_tc_vae"])
def test_widths_agree_within_tolerance(model):
    given = problem(model, precision="float32", steps=50)
    alone = trained(given, members(given, SETTINGS[model][:1]))[1]
    packed = trained(given, members(given, SETTINGS[model]))[1]
    one, other = torch.stack(alone.points["loss"])[:, 0], torch.stack(packed.points["loss"])[:, 0]
    assert torch.allclose(one, other, rtol=1e-4)


def poisoned(statistics, hyper):
    """The β-VAE's regularizer, NaN for members whose beta is 13 from step 20 on."""
    struck = (hyper["beta"] == 13.0) & (statistics.step >= 20)
    return torch.where(struck, math.nan, hyper["beta"]) * statistics.kl


def test_a_member_that_diverges_is_frozen_and_its_neighbours_bits_stay():
    healthy = problem("beta_vae", precision="float32")
    sick = Problem(**{**vars(healthy), "model": Model(poisoned)})
    settings = [{"beta": 1.0}, {"beta": 4.0}, {"beta": 2.0}]
    undisturbed = trained(healthy, members(healthy, settings))[0]
    state = trained(sick, members(sick, [settings[0], {"beta": 13.0}, settings[2]]))[0]
    assert bits(state.parameters)[0] == bits(undisturbed.parameters)[0]
    assert bits(state.parameters)[2] == bits(undisturbed.parameters)[2]
    assert state.alive.tolist() == [True, False, True]
    assert state.died_at.tolist() == [-1, 20, -1]
    assert state.parameters.isfinite().all()


@pytest.mark.parametrize("model", ["annealed_vae", "factor_vae"])
def test_a_resumed_training_equals_the_uninterrupted_one_bit_for_bit(model, tmp_path):
    given = problem(model, precision="float32", steps=250, learning_rate_end=1e-5)
    pack = members(given, SETTINGS[model])
    whole, whole_curve = trained(given, pack)
    first = Problem(**{**vars(given), "training": given.training})
    state, curve = start(first, pack), Curve()

    class Stopped(Exception):
        pass

    def stop_after_one_block(state, curve):
        checkpoint.save(tmp_path, "0123456789abcdef", ["a", "b", "c"], state, curve)
        raise Stopped

    with pytest.raises(Stopped):
        train(first, pack, state, curve, stop_after_one_block)
    found = checkpoint.find(tmp_path, ["a", "b", "c"])
    assert {place.step for place in found.values()} == {100}
    resumed, resumed_curve = checkpoint.load([found[name] for name in "abc"], torch.device("cpu"))
    train(given, pack, resumed, resumed_curve, lambda *_: None)
    assert bits(resumed.parameters) == bits(whole.parameters)
    assert resumed_curve.steps == whole_curve.steps
    for name, points in whole_curve.points.items():
        assert torch.equal(torch.stack(resumed_curve.points[name]), torch.stack(points)), name


def test_checkpoints_can_be_put_together_in_another_packing(tmp_path):
    given = problem("beta_vae", precision="float32", steps=100)
    pack = members(given, SETTINGS["beta_vae"], seeds=[0, 1, 2])
    state, curve = trained(given, pack)
    checkpoint.save(tmp_path, "0123456789abcdef", ["a", "b", "c"], state, curve)
    other, other_curve = trained(given, members(given, SETTINGS["beta_vae"][:1], seeds=[9]))
    checkpoint.save(tmp_path, "0123456789abcdef", ["x"], other, other_curve)
    (tmp_path / "torn.safetensors").write_bytes(b"torn")  # costs the others nothing
    found = checkpoint.find(tmp_path, ["c", "x", "a", "unknown"])
    assert set(found) == {"c", "x", "a"}
    rebuilt, _ = checkpoint.load([found["c"], found["x"]], torch.device("cpu"))
    assert bits(rebuilt.parameters) == [bits(state.parameters)[2], bits(other.parameters)[0]]
    assert rebuilt.step == 100


def test_the_curve_holds_what_a_reader_needs_and_its_parts_sum():
    given = problem("factor_vae", steps=400)
    curve = trained(given, members(given, SETTINGS["factor_vae"]))[1]
    assert curve.steps[0] == 0
    assert curve.steps[-1] == 399
    points = {name: torch.stack(values) for name, values in curve.points.items()}
    assert torch.allclose(points["kl_per_latent"].sum(2), points["kl"], rtol=1e-12)
    assert torch.allclose(2.0 * points["reconstruction"] + points["regularizer"], points["loss"], rtol=1e-12)
    assert ((points["discriminator_accuracy"] >= 0) & (points["discriminator_accuracy"] <= 1)).all()
    assert {"mutual_information", "total_correlation", "dimension_wise_kl"} <= set(points)


def test_training_lowers_the_loss_and_a_larger_beta_the_kl():
    given = problem("beta_vae", precision="float32", steps=1500)
    pack = members(given, [{"beta": 0.5}, {"beta": 4.0}, {"beta": 16.0}], seeds=[0, 0, 0])
    state, curve = trained(given, pack)
    losses = torch.stack(curve.points["loss"])
    assert (losses[-20:].mean(0) < losses[:5].mean(0)).all()
    kl = torch.stack(curve.points["kl"])[-20:].mean(0)
    assert kl[0] > kl[1] > kl[2]
    scores = evaluate(given, pack, state, batches=50)
    assert torch.allclose(scores["elbo"], -(scores["reconstruction"] + scores["kl"]), rtol=1e-5)
    assert scores["kl"].tolist() == pytest.approx(kl.tolist(), rel=0.2)


def test_untrained_members_keep_their_initial_weights():
    given = problem("untrained")
    given = Problem(**{**vars(given), "training": given.training.model_copy(update={"steps": 0})})
    pack = members(given, SETTINGS["untrained"])
    state, curve = trained(given, pack)
    assert torch.equal(state.parameters, start(given, pack).parameters)
    assert curve.steps == []

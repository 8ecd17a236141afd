"""Code tables: each member's own encoder on the images asked for, whoever is beside it."""

import numpy as np
import pytest
import torch
from problems import SETTINGS, members, problem

from bench.codes import ENCODING_BATCH, code_tables, fixed_images
from bench.problem import start


@pytest.mark.parametrize("architecture", ["dense_8", "conv_64"])
def test_a_members_codes_are_its_encoders_whoever_is_beside_it(architecture):
    given = problem("beta_vae", precision="float32", architecture=architecture)
    parameters = start(given, members(given, SETTINGS["beta_vae"])).parameters
    index = np.random.default_rng(0).permutation(given.images.size)
    mean, log_variance = code_tables(given, parameters, index)
    assert mean.shape == log_variance.shape == (len(parameters), len(index), given.training.latent_dim)
    for row in range(len(parameters)):
        alone = code_tables(given, parameters[row : row + 1], index)
        assert np.array_equal(alone[0][0], mean[row])
        assert np.array_equal(alone[1][0], log_variance[row])
        named = given.network.layout.split(parameters[row : row + 1])
        images = fixed_images(given, torch.from_numpy(index[:5]))[None]
        for found, expected in zip((mean, log_variance), given.network.encode(named, images), strict=True):
            assert np.allclose(found[row, :5], expected[0].detach(), atol=1e-5)


def test_an_images_codes_do_not_depend_on_the_order_asked():
    given = problem("beta_vae", precision="float64")
    parameters = start(given, members(given, SETTINGS["beta_vae"])).parameters
    index = np.resize(np.arange(given.images.size), ENCODING_BATCH + 7)
    mean, _ = code_tables(given, parameters, index)
    backwards, _ = code_tables(given, parameters, index[::-1].copy())
    assert np.allclose(backwards[:, ::-1], mean, atol=1e-6)

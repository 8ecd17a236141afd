from pathlib import Path

import numpy as np
import pytest

from bench import data

REAL = Path(__file__).parent / "real"


@pytest.fixture
def rng():
    return np.random.Generator(np.random.Philox(0))


@pytest.fixture(scope="session")
def rendered_folder(tmp_path_factory):
    """A data folder shared by the session; `prepare` fills it with what a test needs, once."""
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="session")
def quick(rendered_folder):
    data.prepare("dsprites_quick", "rendered:1", rendered_folder)
    return data.open_dataset("dsprites_quick", "rendered:1", rendered_folder)


@pytest.fixture(scope="session")
def real_images():
    """name -> the arrays of tests/data/real/NAME.npz."""

    def load(name):
        with np.load(REAL / f"{name}.npz") as file:
            return {key: file[key] for key in file.files}

    return load

"""The data set of docs/datasets.md, as it stands there."""

import re
from pathlib import Path

import numpy as np
import pytest
import torch

from bench import data
from bench.data.contact_sheet import contact_sheet
from bench.data.device import DeviceImages

PAGE = Path(__file__).parents[2] / "docs" / "datasets.md"


@pytest.fixture
def own(tmp_path, monkeypatch):
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    (tmp_path / "my_images.py").write_text(code, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    name = "my_images:MyImages"
    source = data.resolve_source(name, "auto", tmp_path)
    data.prepare(name, source, tmp_path)
    return data.open_dataset(name, source, tmp_path)


def test_it_is_about_30_lines():
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert len(code.splitlines()) <= 35


def test_factors_index_and_images_agree(own, rng):
    factors = own.factors(np.arange(own.size))
    index = own.index(factors[:50], rng)
    np.testing.assert_array_equal(own.factors(index), factors[:50])
    image = own.images(index)[0]
    color, size = factors[0]
    assert (image[:, :, color] == 60 * (1 + size)).all()


def test_it_goes_to_a_device_and_onto_a_sheet(own, rng):
    index = torch.arange(7)
    batch = DeviceImages(own, "cpu", 8).batch(index)
    expected = own.images(index.numpy()).mean(axis=(1, 2)) / 255
    np.testing.assert_allclose(batch.mean(dim=(2, 3)).numpy(), expected, atol=1e-6)
    assert contact_sheet(own, rng).height > 5 * 64


def test_every_data_set_is_on_the_page():
    page = PAGE.read_text(encoding="utf-8")
    assert [name for name in data.DATASETS if f"`{name}`" not in page] == []

"""The data set of docs/datasets.md, as it stands there."""

import re
from pathlib import Path

import numpy as np
import pytest
import torch

from bench import data
from bench.data import commands
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


def test_it_is_listed_and_verified_by_name(own, tmp_path):
    (line,) = commands.listings(tmp_path, ["my_images:MyImages"])
    assert (line.name, line.real, line.rendered) == ("my_images:MyImages", "none", "none")
    assert line.factors == {"color": 3, "size": 4}
    (check,) = commands.verify("my_images:MyImages", tmp_path)
    assert check.state == "right"


@pytest.mark.parametrize(
    ("number", "change", "told"),
    [
        (0, "images = lambda self, index, rng=None: self.pixels[index, :32]", r"of shape \(2, 32, 64, 3\)"),
        (1, "factors = lambda self, index: self.table[index] + 9", r"no classes of sizes \(3, 4\)"),
        (2, "tables = Dataset.tables", "NotImplementedError"),
    ],
)
def test_verify_says_what_is_wrong_with_it(own, tmp_path, number, change, told):
    code = f"from my_images import Dataset, MyImages\n\nclass Wrong(MyImages):\n    {change}\n"
    (tmp_path / f"wrong_{number}.py").write_text(code)
    (check,) = commands.verify(f"wrong_{number}:Wrong", tmp_path)
    assert check.state == "wrong"
    assert re.search(told, check.detail)


def test_sheet_of_images_that_do_not_fill_their_grid(own, rng):
    """Only small red ones and large green ones: the factors cannot move alone, and their rows are short."""
    own.table = np.tile([[0, 0], [1, 3]], (own.size // 2, 1))
    sheet = np.asarray(contact_sheet(own, rng))
    rows = sheet[2 + 66 * 3 :].reshape(2, 66, *sheet.shape[1:])
    assert (rows[:, 10, 130 + 66 :] == 128).all()
    assert (rows[:, 10, 130:194] != 128).any(axis=(1, 2)).all()


def test_every_data_set_is_on_the_page():
    page = PAGE.read_text(encoding="utf-8")
    assert [name for name in data.DATASETS if f"`{name}`" not in page] == []

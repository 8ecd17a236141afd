"""`bench card` on a study that was really run: from what is stored, from weights, and without either."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from studies import commit, plan_study, run_tiny

from bench.artifacts import find_weights, read_pictures
from bench.card import gather
from bench.cli import main
from bench.committed import find_committed
from bench.redraw import redraw
from bench.study import load_plan


@pytest.fixture(scope="module")
def results(data_dir, tmp_path_factory) -> Path:
    """results/ of a really run study, with the weights of all and the pictures of first seeds."""
    return Path(shutil.copytree(run_tiny(data_dir), tmp_path_factory.mktemp("card") / "results"))


def card(*words) -> tuple[int, str]:
    done = CliRunner().invoke(main, ["card", *(str(word) for word in words)])
    return done.exit_code, done.output


def test_weights_give_the_pictures_and_kl_that_training_stored(results, data_dir):
    cell = next(cell for cell in load_plan(results / "tiny").cells if cell.seed == 0)
    drawn = redraw(*find_weights(results / "tiny" / "models", {cell.id})[cell.id], cell, data_dir)
    stored = read_pictures(results / "tiny" / "pictures", cell.id)
    for name, pixels in stored.items():
        np.testing.assert_array_equal(drawn[name], pixels)
    known = gather(find_committed(results, cell.id, "results"), data_dir)
    np.testing.assert_allclose(known.kl, drawn["kl"], rtol=0.2, atol=0.02)  # over 50 images and over 1,000
    assert known.kl_of == "mean over 50 images"


def test_a_card_of_a_later_seed_is_drawn_from_its_weights_and_stands_alone(results, data_dir, tmp_path):
    cell = load_plan(results / "tiny").cells[1]
    assert cell.seed == 1
    code, output = card(cell.id[:9], "--results", results, "--reports", tmp_path, "--data-dir", data_dir)
    path = tmp_path / "tiny" / "cards" / f"{cell.id}.html"
    assert (code, output) == (0, f"Card: {path}\n")
    page = path.read_text(encoding="utf-8")
    for part in ("scores", "pictures", "knowledge", "curves"):
        assert f'<section id="{part}">' in page
    assert not re.findall(r"<(?:link|script|img|iframe)[^>]*(?:src|href)=", page)
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    assert page.count("of 4 latents are") == 3


def test_a_card_of_a_study_whose_folder_begins_like_an_address(results, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(results, "run:1")
    cell = load_plan(results / "tiny").cells[0]
    code, output = card(cell.id, "--results", "run:1", "--reports", "reports:1")
    assert (code, output) == (0, f"Card: reports:1/tiny/cards/{cell.id}.html\n")


def test_without_weights_and_pictures_the_card_says_so(results, tmp_path):
    folder = tmp_path / "results"
    shutil.copytree(results, folder)
    shutil.rmtree(folder / "tiny" / "pictures")
    shutil.rmtree(folder / "tiny" / "models")
    cell = load_plan(folder / "tiny").cells[1]
    code, output = card(cell.id, "--results", folder, "--reports", tmp_path, "--data-dir", tmp_path)
    assert code == 0
    assert "training stored none of this cell, nor its weights" in output
    assert '<li id="pictures">' in (tmp_path / "tiny" / "cards" / f"{cell.id}.html").read_text("utf-8")


def test_stored_pictures_need_neither_torch_nor_data(results, tmp_path):
    cell = load_plan(results / "tiny").cells[0]
    code = f"""
import sys
from pathlib import Path
from bench.card import card
path, record = card(Path({str(results)!r}), Path({str(tmp_path)!r}), {cell.id!r}, Path("nowhere"), "results")
print(len(record.pictures), sorted(set(sys.modules) & {{"torch", "ray"}}))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "3 []"


def test_images_that_are_not_there_are_a_sentence(results, tmp_path):
    cell = load_plan(results / "tiny").cells[1]
    _, output = card(cell.id, "--results", results, "--reports", tmp_path, "--data-dir", tmp_path)
    assert "dsprites_quick (rendered:1) is not prepared" in output


@pytest.mark.parametrize(("typed", "sentence"), [
    ("", "has a cell ''"), ("nothing", "has a cell 'nothing' (studies: tiny)"),
])  # fmt: skip
def test_an_id_that_is_none_is_a_sentence_and_exit_code_two(results, tmp_path, typed, sentence):
    code, output = card(typed, "--results", results, "--reports", tmp_path)
    assert code == 2
    assert sentence in output


def test_first_digits_that_several_cells_share_are_not_enough(tmp_path):
    folder, grid = plan_study(tmp_path / "results")
    commit(folder, grid, grid.cells)
    first = [cell.id[0] for cell in grid.cells]
    shared = next((digit for digit in first if first.count(digit) > 1), None)
    unique = [digit for digit in first if first.count(digit) == 1]
    if shared:
        with pytest.raises(ValueError, match="cells begin with"):
            find_committed(tmp_path / "results", shared, "results")
    assert find_committed(tmp_path / "results", unique[0], "results").cell.id.startswith(unique[0])


@pytest.mark.parametrize("place", ["pictures", "codes", "curves", "arrays"])
def test_a_damaged_file_is_named_with_what_to_do(results, data_dir, tmp_path, place):
    folder = Path(shutil.copytree(results, tmp_path / "results"))
    torn = sorted((folder / "tiny" / place).iterdir())
    for path in torn:
        path.write_bytes(b"\x80\x04torn by a disk")
    first = load_plan(folder / "tiny").cells[0]
    named = CliRunner().invoke(main, ["report", "tiny", "--results", str(folder), "--reports", str(tmp_path)])
    if place in ("curves", "arrays"):  # the report reads neither
        assert named.exit_code == 0
        named = CliRunner().invoke(
            main, ["card", first.id, "--results", str(folder), "--reports", str(tmp_path)]
        )
    assert named.exit_code == 2
    assert any(f"{path} is damaged" in named.output for path in torn)
    assert "`bench verify`" in named.output

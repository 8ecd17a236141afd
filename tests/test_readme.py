"""What the README shows must run: commands parse, grids load, names exist."""

import re
import shlex
from pathlib import Path

import pytest

import bench
from bench.cli import main
from bench.grid import load_grid

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.S)


def commands(word: str) -> list[list[str]]:
    lines = [line.strip() for block in blocks("bash") for line in block.splitlines()]
    return [shlex.split(line, comments=True) for line in lines if line.startswith(f"{word} ")]


@pytest.mark.parametrize("words", commands("bench"), ids=" ".join)
def test_every_command_is_one_that_bench_takes(words, tmp_path):
    verb = main.commands[words[1]]
    arguments = [word if not word.endswith(".npz") else str(tmp_path / word) for word in words[2:]]
    parsed = verb.make_context(words[1], arguments, resilient_parsing=False)
    assert parsed.args == []
    if "grid" in parsed.params:
        assert (ROOT / parsed.params["grid"]).is_file() or parsed.params["grid"] == "quickstart"


def test_make_targets_exist():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))
    named = {words[1] for words in commands("make")}
    assert {"quickstart", "test"} <= named <= targets


def test_the_grid_it_shows_loads(tmp_path):
    (text,) = blocks("yaml")
    (tmp_path / "mine.yaml").write_text(text)
    grid = load_grid(tmp_path / "mine.yaml", data_dir=tmp_path)
    assert len(grid.cells) == (3 + 1) * 5


def test_the_names_it_imports_exist():
    code = "\n".join(blocks("python"))
    compile(code, "README.md", "exec")
    for name in set(re.findall(r"\bbench\.(\w+)", code)):
        assert callable(getattr(bench, name)), name


def test_every_file_it_links_to_is_there():
    for target in re.findall(r"\]\((?!http)([^)#]+)\)", README):
        assert (ROOT / target).exists(), target

"""A user's own things, loaded by name: whatever their modules do, what is wrong is a sentence."""

import hashlib
import subprocess
import sys
from pathlib import Path

import own_model
import pytest
from studies import plan_study

from bench.grid import GridError, load_grid
from bench.load import own_object, source_hash


@pytest.fixture
def module(tmp_path, monkeypatch):
    """A module `own_N` of the given source, importable."""
    monkeypatch.syspath_prepend(tmp_path)

    def write(number, source):
        path = tmp_path / f"own_{number}.py"
        path.write_text(source)
        return path

    return write


def test_object_and_hash_of_its_source(module):
    path = module(0, "SEVEN = 7\n")
    assert own_object("own_0:SEVEN") == 7
    assert source_hash("own_0:SEVEN") == hashlib.sha256(path.read_bytes()).hexdigest()[:16]


@pytest.mark.parametrize(
    ("number", "source", "told"),
    [
        (1, "1 / 0\n", r"own_1:X cannot be loaded \(ZeroDivisionError: division by zero\)"),
        (2, "def X(:\n", r"own_2:X cannot be loaded \(SyntaxError: "),
        (3, "import sys\nsys.exit('no')\n", r"own_3:X cannot be loaded \(SystemExit: no\)"),
        (4, "import nowhere\n", r"own_4:X cannot be loaded \(ModuleNotFoundError: .* 'nowhere'\)"),
        (5, "", r"own_5:X cannot be loaded \(AttributeError: .* no attribute 'X'\)"),
    ],
)
def test_module_that_breaks_is_a_sentence(module, tmp_path, number, source, told):
    module(number, source)
    name = f"own_{number}:X"
    with pytest.raises(ValueError, match=told):
        own_object(name)
    for grid in (
        f"datasets: ['{name}']\nmodels: {{vae: {{}}}}\n",
        f"datasets: [dsprites]\nmodels: {{'{name}': {{}}}}\n",
        f"datasets: [dsprites]\nmodels: {{vae: {{}}}}\nevaluation: {{metrics: ['{name}']}}\n",
    ):
        (tmp_path / "grid.yaml").write_text(grid)
        with pytest.raises(GridError, match=told):
            load_grid(tmp_path / "grid.yaml")


@pytest.mark.parametrize("name", ["nowhere_at_all:X", "nowhere_at_all.deeper:X"])
def test_module_that_is_not_there_says_where_to_run(name):
    for load in (own_object,) if "." not in name else (own_object, source_hash):
        with pytest.raises(ValueError, match="there is no module nowhere_at_all. Run from its folder"):
            load(name)


def test_modules_of_the_current_folder_are_found_and_run_only_where_a_grid_names_them(tmp_path):
    """As the installed command does it: somebody's study may bring a pandas.py along."""

    def bench(*words):
        command = [Path(sys.executable).with_name("bench"), *words]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)

    folder, _ = plan_study(tmp_path / "results")
    (tmp_path / "pandas.py").write_text("print('executed')\n")
    (tmp_path / "lz4.py").write_text("print('executed')\n")  # one that libraries would like to have
    read = bench("status", "tiny")
    assert (read.returncode, "executed" in read.stdout + read.stderr) == (0, False)
    (tmp_path / "here.py").write_bytes(Path(own_model.__file__).read_bytes())
    (tmp_path / "mine.yaml").write_text("datasets: [dsprites]\nmodels: {'here:SCALED': {}}\nseeds: 2\n")
    planned = bench("plan", "mine.yaml")
    assert (planned.returncode, "2 cells" in planned.stdout) == (0, True), planned.stderr

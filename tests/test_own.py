"""Results with a user's own model, data set and metric are read without importing anything they name."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bench.study import load_plan

THINGS = '''
"""A user's own things; importing this leaves a trace."""
import os
from pathlib import Path
from typing import ClassVar

import numpy as np

from bench.data.base import Dataset
from bench.metrics.result import Result
from bench.settings import ModelSettings

Path(os.environ["TRACE"]).touch()


class Settings(ModelSettings):
    hyperparameter: ClassVar[str] = "weight"
    weight: float = 1.0


def __getattr__(name):
    if name == "MODEL":  # what needs torch, where it is asked for
        from bench.models import Model

        return Model(lambda statistics, hyper: hyper["weight"] * statistics.kl, settings=Settings)
    raise AttributeError(name)


class Stripes(Dataset):
    name, factor_names, factor_sizes = "stripes", ("place", "side"), (8, 2)
    image_shape = (64, 64, 1)

    def __init__(self, folder):
        self.pixels = np.zeros((16, 64, 64, 1), np.uint8)
        for place, side in np.ndindex(8, 2):
            stripe = slice(8 * place, 8 * place + 8)
            self.pixels[2 * place + side][(stripe,) if side else (slice(None), stripe)] = 255

    def images(self, index, rng=None):
        return self.pixels[index]

    def tables(self):
        return {"images": self.pixels}


def spread(rows, *, rng):
    """Standard deviation of the first code."""
    return Result({"spread": float(rows.train()[0][:, 0].std())}, {}, ())
'''

GRID = """
study: mine
datasets: ['things:Stripes']
models: {'things:MODEL': {weight: [1, 4]}, beta_vae: {beta: 2}}
training: {architecture: dense_8, latent_dim: 4, steps: 20}
evaluation: {metrics: [mig, 'things:spread']}
"""


@pytest.fixture(scope="module")
def mine(tmp_path_factory) -> Path:
    """A folder with results/mine, run where things.py can be imported, and a trace of that."""
    folder = tmp_path_factory.mktemp("mine")
    (folder / "things.py").write_text(THINGS)
    (folder / "mine.yaml").write_text(GRID)
    words = ["run", "mine.yaml", "--executor", "inline", "--cpus", "1"]
    done = bench(folder, *words)
    assert "3 of 3 cells done" in done.stdout, done.stderr
    assert (folder / "trace").exists()
    return folder


def bench(folder: Path, *words: str) -> subprocess.CompletedProcess:
    """`bench` typed in a folder; things.py says there when it is imported."""
    return subprocess.run(
        [sys.executable, "-m", "bench", *words],
        cwd=folder,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(Path.cwd()), "TRACE": str(folder / "trace")},
        capture_output=True,
        text=True,
    )


@pytest.fixture
def received(mine, tmp_path) -> Path:
    """The results as somebody receives them: in a folder with a things.py that is not to be run."""
    shutil.copytree(mine, tmp_path / "received")
    (tmp_path / "received" / "trace").unlink()
    (tmp_path / "received" / "things.py").write_text(THINGS + "\nchanged = True\n")
    shutil.copytree(mine / "results", tmp_path / "received" / "copy")
    return tmp_path / "received"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("status", "mine"), "3 cells: 3 done"),
        (("verify", "mine"), "0 damaged"),
        (("export", "mine"), "scores"),
        (("merge", "mine", "copy/mine"), "0 files copied"),
        (("report", "mine"), "Report: reports/mine"),
    ],
    ids=lambda words: words[0] if isinstance(words, tuple) else "",
)
def test_reading_imports_nothing_that_the_study_names(received, words, said):
    done = bench(received, *words)
    assert said in done.stdout, done.stderr
    assert not (received / "trace").exists()


def test_the_remembered_plan_is_the_one_that_was_run(received):
    import bench as public

    grid = load_plan(received / "results" / "mine")
    scores = public.load_scores(received / "results" / "mine")
    assert {cell.id for cell in grid.cells} == set(scores["cell_id"])
    strengths = scores.drop_duplicates("cell_id").set_index("cell_id")["strength"].to_dict()
    assert {cell.id: cell.settings.strength for cell in grid.cells} == strengths
    assert "things:spread" in set(scores["metric"])


def test_a_plan_that_does_not_say_what_it_names_is_a_sentence_and_runs_nothing(received):
    path = received / "results" / "mine" / "study.json"
    study = json.loads(path.read_text())
    del study["history"][-1]["own"]
    path.write_text(json.dumps(study))
    done = bench(received, "status", "mine")
    assert done.returncode == 2
    for name in ("things:Stripes", "things:MODEL", "things:spread"):
        assert f"{name} is the user's own, and the plan does not say what it is" in done.stderr
    assert not (received / "trace").exists()


def test_changed_source_makes_other_cells(received):
    done = bench(received, "plan", "mine.yaml")
    assert "3 cells in" in done.stdout, done.stderr
    assert "0 done, 3 to do" in done.stdout


def test_a_card_names_factors_by_number_and_a_cell_of_changed_source_is_not_reproduced(received):
    import bench as public

    scores = public.load_scores(received / "results" / "mine")
    cell_id = scores.loc[scores["model"] == "things:MODEL", "cell_id"].iloc[0]
    done = bench(received, "card", cell_id)
    assert "Card: reports/mine/cards/" in done.stdout, done.stderr
    assert "factor 2" in (received / "reports" / "mine" / "cards" / f"{cell_id}.html").read_text()
    assert not (received / "trace").exists()
    again = bench(received, "reproduce", cell_id)
    assert again.returncode == 2
    assert "has changed since cell" in again.stderr
    (received / "things.py").write_text(THINGS)
    again = bench(received, "reproduce", cell_id)
    assert again.returncode == 0, again.stderr
    assert "scores came out again bit for bit" in again.stdout

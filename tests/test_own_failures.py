"""A user's own model or metric that raises, leaves Python or returns nonsense costs its own cell alone."""

import pandas as pd
import pytest
from tiny import TINY

import bench
from bench.pack import score_half
from bench.running import run

MODELS = """
study: tiny
datasets: [dsprites_quick]
source: rendered
models: {'own_model:NAME': {weight: WEIGHTS}}
training: {architecture: dense_8, latent_dim: 4, steps: 40, learning_rate: 4e-3}
evaluation: {images: 600, metrics: [mig]}
"""


def scores_of(grid: str, folder, data_dir, **options) -> pd.DataFrame:
    """Every score row of a grid run in `folder`, ordered."""
    folder.mkdir(exist_ok=True)
    (folder / "tiny.yaml").write_text(grid)
    run(folder / "tiny.yaml", results=folder, data_dir=data_dir, executor="inline", cpus=1, **options)
    keys = ["cell_id", "representation", "metric", "estimator", "key"]
    return bench.load_scores(folder / "tiny").sort_values(keys, ignore_index=True)


@pytest.mark.parametrize(("name", "words"), [("RAISING", "13 brings bad luck"), ("LEAVING", "SystemExit: 0")])
def test_a_model_that_leaves_in_one_cell_costs_its_neighbours_no_bit(name, words, tmp_path, data_dir):
    grid = MODELS.replace("NAME", name)
    lucky = scores_of(grid.replace("WEIGHTS", "[1, 2, 3, 4]"), tmp_path / "lucky", data_dir)
    struck = scores_of(grid.replace("WEIGHTS", "[1, 2, 13, 3, 4]"), tmp_path / "struck", data_dir)
    failed = struck["strength"] == 13.0
    assert set(struck.loc[failed, "status"]) == {"failed"}
    assert struck.loc[failed, "error"].str.contains(words).all()
    assert set(struck.loc[~failed, "status"]) == {"ok"}
    columns = ["cell_id", "metric", "key", "value"]
    pd.testing.assert_frame_equal(
        struck.loc[~failed, columns].reset_index(drop=True), lucky[columns].reset_index(drop=True)
    )


@pytest.mark.parametrize(
    ("name", "words"), [("leaving", "SystemExit: 0"), ("worded", "could not convert string to float")]
)
def test_a_metric_that_leaves_or_words_its_arrays_fails_alone(name, words, tmp_path, data_dir):
    grid = TINY.replace("[mig", f"['own_metrics:{name}', mig")
    rows = scores_of(grid, tmp_path, data_dir)
    own = rows["metric"] == f"own_metrics:{name}"
    assert set(rows.loc[own, "status"]) == {"ok", "failed"}
    assert rows.loc[own & (rows["status"] == "failed"), "error"].str.contains(words).all()
    assert set(rows.loc[~own, "status"]) == {"ok"}


def test_who_ends_a_process_while_a_metric_of_ours_runs_is_obeyed(tiny_grid, tmp_path, data_dir, monkeypatch):
    """Ray ends a worker by SystemExit: no cell's failure."""

    def ended(*_, **__):
        raise SystemExit(1)

    monkeypatch.setattr("bench.scoring._score_one", ended)
    with pytest.raises(SystemExit):
        run(tiny_grid, results=tmp_path, data_dir=data_dir, executor="inline", cpus=1)
    assert not list(tmp_path.glob("tiny/scores/*"))


def test_a_failure_that_was_never_committed_is_tried_again_when_asked(tmp_path, data_dir, monkeypatch):
    grid = MODELS.replace("NAME", "RAISING").replace("WEIGHTS", "[13]")

    def killed(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("bench.pack.score_half", killed)
    with pytest.raises(KeyboardInterrupt):
        scores_of(grid, tmp_path, data_dir)
    monkeypatch.setattr("bench.pack.score_half", score_half)
    monkeypatch.setattr("own_model.RAISING.regularizer.__code__", lucky.__code__)
    assert set(scores_of(grid, tmp_path, data_dir, retry_failed=True)["status"]) == {"ok"}


def lucky(statistics, hyper):
    """What RAISING is, mended; the file, hence the cell's id, stays."""
    return hyper["weight"] * statistics.kl

"""Cells that were scored before a kill are not scored again, unless something else is asked of them."""

import json
import math
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from studies import run_tiny
from test_running import scores
from tiny import TINY

import bench
from bench.context import Context, scored_path
from bench.grid import load_grid
from bench.metrics import METRICS
from bench.running import run
from bench.scored import Scored, question_of
from bench.scoring import score_table


@pytest.fixture(autouse=True)
def committed_code(monkeypatch):
    """Whoever runs these tests may be at work on the code; then no run takes another's scores."""
    monkeypatch.setattr("bench.provenance.git_state", lambda: ("a", "false"))


@pytest.fixture
def calls(monkeypatch) -> list[int]:
    """One entry for every cell whose metrics are computed."""
    made: list[int] = []

    def counted(*given):
        made.append(1)
        return score_table(*given)

    monkeypatch.setattr("bench.score_pack.score_table", counted)
    return made


@pytest.fixture
def killed(tiny_grid, tmp_path, data_dir, monkeypatch):
    """Arguments of a run that was ended while it scored the last of the four cells of its first pack."""
    arguments = {"results": tmp_path / "r", "data_dir": data_dir, "executor": "inline", "cpus": 1}
    made = []

    def pressed_in_the_fourth(*given):
        made.append(1)
        if len(made) == 4:
            raise KeyboardInterrupt
        return score_table(*given)

    with monkeypatch.context() as patched:
        patched.setattr("bench.score_pack.score_table", pressed_in_the_fourth)
        with pytest.raises(KeyboardInterrupt):
            run(tiny_grid, **arguments)
    return arguments


def scored_files(results: Path) -> list[Path]:
    return sorted((results / "tiny" / "_work" / "scored").glob("*"))


def arrays(results: Path) -> pd.DataFrame:
    frame = pd.read_parquet(results / "tiny" / "arrays").sort_values(["cell_id", "name"], ignore_index=True)
    return frame.assign(**{name: frame[name].map(list) for name in ("shape", "values")})


def test_the_next_go_scores_what_is_left_and_ends_like_an_undisturbed_run(killed, tiny_grid, calls, data_dir):
    finished = run_tiny(data_dir)
    calls.clear()
    assert len(scored_files(killed["results"])) == 3
    assert run(tiny_grid, **killed).done == 6
    assert len(calls) == 3, "the fourth cell, and the two of the other pack"
    pd.testing.assert_frame_equal(scores(killed["results"]), scores(finished))
    pd.testing.assert_frame_equal(arrays(killed["results"]), arrays(finished))
    assert not scored_files(killed["results"])


@pytest.mark.parametrize("instead", ["[sap, mig,", "[{mig: {'null': false}},"])
def test_scores_that_answer_another_question_are_not_taken(killed, tiny_grid, calls, instead):
    tiny_grid.write_text(TINY.replace("[mig,", instead))
    assert run(tiny_grid, **killed).done == 6
    assert len(calls) == 6
    frame = bench.load_scores(killed["results"] / "tiny")
    assert ("sap" in set(frame["metric"])) == ("sap" in instead)
    assert frame.query("metric == 'mig' and estimator == 'study'")["null"].isna().all() == ("null" in instead)


def flipped(text: str) -> str:
    """The record with another last digit of its first value."""
    number = re.search(r'"value": [0-9.]*([0-9])', text)
    return text[: number.start(1)] + str((int(number[1]) + 5) % 10) + text[number.end(1) :]


@pytest.mark.parametrize(
    "damage",
    [
        flipped,
        lambda _: '{"question": ""}',
        lambda text: text[:-9],
        lambda text: json.dumps(json.loads(text) | {"scores": None}),
        lambda text: json.dumps(json.loads(text) | {"values": 3}),
        lambda text: json.dumps(json.loads(text) | {"digest": ""}),
    ],
    ids=["a digit", "another record", "torn", "no scores", "no arrays", "no digest"],
)
def test_a_damaged_file_counts_as_none(killed, tiny_grid, calls, data_dir, damage):
    path = scored_files(killed["results"])[0]
    path.write_text(damage(path.read_text()))
    assert run(tiny_grid, **killed).done == 6
    assert len(calls) == 4
    pd.testing.assert_frame_equal(scores(killed["results"]), scores(run_tiny(data_dir)))


def test_a_metric_that_raised_is_kept_as_failed_and_tried_again_when_asked(
    tiny_grid, tmp_path, data_dir, monkeypatch, calls
):
    def raises(*_, **settings):
        raise ArithmeticError("no such number")

    def pressed(*_):
        raise KeyboardInterrupt

    def end_before_the_commit(results: Path) -> dict:
        arguments = {"results": results, "data_dir": data_dir, "executor": "inline", "cpus": 1}
        with monkeypatch.context() as patched:
            patched.setitem(METRICS["modularity"], "study", raises)
            patched.setattr("bench.score_pack.write_scores", pressed)
            with pytest.raises(KeyboardInterrupt):
                run(tiny_grid, **arguments, select_cells="model=factor_vae")
        calls.clear()
        return arguments

    arguments = end_before_the_commit(tmp_path / "plain")
    assert run(tiny_grid, **arguments, select_cells="model=factor_vae").failed == 2
    errors = bench.load_scores(tmp_path / "plain" / "tiny").query("status == 'failed'")["error"]
    assert errors.str.contains("ArithmeticError: no such number").all()
    assert not calls
    arguments = end_before_the_commit(tmp_path / "retried")
    assert run(tiny_grid, **arguments, select_cells="model=factor_vae", retry_failed=True).failed == 0
    assert len(calls) == 2


def test_what_is_kept_comes_back_to_the_bit(tmp_path):
    numbers = [0.1, math.nan, -math.inf, 5e-324, np.float32(0.1), np.int64(3), None, 1 / 3]
    rows = [{"key": "mig", "value": number, "error": "a ' \" \n\ud800"} for number in numbers]
    shapes = {"mean/mig/a": [2, 0], "mean/dci/b": [1, 2]}
    made = Scored("q", rows, shapes, {"mean/mig/a": [], "mean/dci/b": [0.1, math.nan]}, 1.5, 7, "r")
    made.write(tmp_path, "cell")
    back = Scored.read(tmp_path, "cell")
    for one, other in zip(made.scores, back.scores, strict=True):
        assert one["error"] == other["error"]
        assert one["value"] == other["value"] or math.isnan(one["value"])
    assert {name: array.shape for name, array in back.arrays.items()} == {
        name: tuple(shape) for name, shape in shapes.items()
    }
    assert (back.seconds, back.peak_memory) == (1.5, 7)
    assert json.loads(scored_path(tmp_path, "cell").read_text())  # no pickle
    assert Scored.read(tmp_path, "another") is None


def test_a_question_is_of_table_requests_evaluation_and_code(tiny_grid, monkeypatch):
    evaluation = load_grid(tiny_grid).settings.evaluation

    def asked(
        table=(0.0, 1.0),
        todo=(("mean", "mig", "study", "", 600),),
        commit="a",
        dirty="false",
        run_id="r",
        **changed,
    ) -> str:
        about = {"git_commit": commit, "git_dirty": dirty, "run_id": run_id}
        context = Context("s", "f", "", "cpu", evaluation.model_copy(update=changed), None, about)
        return question_of([np.array(table)], todo, context)

    more = (("mean", "mig", "study", "", 600), ("mean", "dci", "study", "", 600))
    others = {asked(table=(1.0, 1.0)), asked(todo=more), asked(images=10), asked(commit="b")}
    assert len({asked(), *others}) == 5
    assert asked(todo=more) == asked(todo=more[::-1])
    assert asked(run_id="r") == asked(run_id="s")
    changed = asked(dirty="true", run_id="r"), asked(dirty="true", run_id="s")
    assert len({asked(), *changed}) == 3, "code that is changed and not committed is no other run's"
    assert changed[0] == asked(dirty="true", run_id="r")
    first = asked()
    monkeypatch.setattr("bench.scored.versions_json", lambda: "{}")
    assert asked() != first

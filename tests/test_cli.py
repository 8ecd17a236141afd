"""The command line as a user meets it: help, plans, lists, and sentences with exit code 2 for bad input."""

import json
import os
import re

import pandas as pd
import pytest
from click.testing import CliRunner
from studies import commit, plan_study
from tiny import TINY

from bench.cli import main
from bench.settings import MODEL_SETTINGS
from bench.version import __version__


def bench(*words: str):
    return CliRunner().invoke(main, [str(word) for word in words])


def verbs(command=main, path=()) -> list[tuple[str, ...]]:
    """Every verb, groups opened."""
    found = []
    for name, verb in command.commands.items():
        found += verbs(verb, (*path, name)) if hasattr(verb, "commands") else [(*path, name)]
    return found


@pytest.mark.parametrize("path", verbs(), ids=" ".join)
def test_every_verb_has_help_with_two_examples(path):
    shown = bench(*path, "--help").output
    lines = [line.strip() for line in shown.partition("Examples:")[2].splitlines()]
    assert sum(line.startswith(f"bench {' '.join(path)}") for line in lines) >= 2, shown


def test_the_version_and_the_lists():
    assert bench("--version").output == f"bench, version {__version__}\n"
    listed = bench("list", "models").output
    assert [line.split()[0] for line in listed.splitlines()] == list(MODEL_SETTINGS)
    assert "12,600 cells" in bench("list", "grids").output
    assert "dci@study" in bench("list", "metrics").output
    assert "orientation 40" in bench("list", "datasets").output


def test_a_dry_run_and_a_plan_say_what_would_be_done_and_write_nothing(tiny_grid, tmp_path):
    results = tmp_path / "results"
    for words in (("run", tiny_grid, "--dry-run"), ("plan", tiny_grid)):
        done = bench(*words, "--results", results)
        assert done.exit_code == 0
        assert "tiny: 6 cells in 2 packs on cpu; 0 done, 6 to do" in done.output
        assert "of training on" in done.output
        assert "dsprites_quick (rendered)" in done.output
        assert "beta_vae, dense_8, 60 steps: 4 cells, 4 to do" in done.output
    assert not results.exists()


def test_a_run_on_gpus_says_how_long_they_waited(tiny_grid, tmp_path, data_dir, monkeypatch):
    def execute(plan, on_event, **settings):
        on_event({"slots": 1.0})
        on_event({"pack": plan.packs[0].id, "device_seconds": 1e9})

    monkeypatch.setattr("bench.running.execute", execute)
    done = bench("run", tiny_grid, "--results", tmp_path / "results", "--data-dir", data_dir)
    assert "GPUs: no pack trained in 0.0% of their time." in done.output


def test_a_run_a_report_and_a_second_run(tiny_grid, tmp_path, data_dir):
    places = ("--results", tmp_path / "results", "--data-dir", data_dir)
    first = bench("run", tiny_grid, *places, "--executor", "inline", "--cpus", "1")
    assert first.exit_code == 0, first.output
    assert "6 of 6 cells done, 0 failed, 0 missing." in first.output
    report = bench("report", "tiny", "--results", tmp_path / "results", "--reports", tmp_path / "reports")
    assert report.exit_code == 0, report.output
    page = (tmp_path / "reports" / "tiny" / "index.html").read_text()
    assert "6 of 6" in page
    assert "rendered" in page
    (tmp_path / "results" / "empty").mkdir()
    plan = json.loads((tmp_path / "results" / "tiny" / "study.json").read_text())
    (tmp_path / "results" / "empty" / "study.json").write_text(json.dumps(plan))
    every = bench(
        "report", "--results", tmp_path / "results", "--reports", tmp_path / "all", "--only", "settings"
    )
    assert every.exit_code == 0, every.output
    assert (tmp_path / "all" / "tiny" / "index.html").is_file()
    assert "study empty has no scores yet: `bench run" in every.output
    again = bench("run", tiny_grid, *places)
    assert again.exit_code == 0
    assert "6 done, 0 to do" in again.output


def test_failed_cells_give_exit_code_one_and_say_how_to_retry(tmp_path, data_dir):
    grid = tmp_path / "tiny.yaml"
    grid.write_text(
        TINY.split("models:")[0]
        + "models: {'own_model:DIVERGING': {weight: 13}}\n"
        + "training: {architecture: dense_8, latent_dim: 4, steps: 60}\n"
        + "evaluation: {images: 600, metrics: [mig]}\n"
    )
    done = bench(
        "run",
        grid,
        "--results",
        tmp_path / "r",
        "--data-dir",
        data_dir,
        "--executor",
        "inline",
        "--cpus",
        "1",
    )
    assert done.exit_code == 1
    assert "0 of 1 cells done, 1 failed" in done.output
    assert "--retry-failed" in done.output


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "no such grid file"),
        ("models: [", "line 1: this is not YAML"),
        (TINY.replace("study: tiny", "study: a/b"), "study"),
        (TINY.replace("beta_vae:", "bta_vae:"), "did you mean 'beta_vae'"),
        (TINY.replace("beta_vae:", "beta_vae:\n  beta_vae:"), "was given before"),
        (TINY.replace("[1, 4]", "[]"), "empty list"),
        (TINY.replace("seeds: 2", "seeds: 0"), "at least 1"),
        (TINY.replace("steps: 60", "steps: 0"), "got 0"),
        (TINY.replace("[mig,", "[gim,"), "mig"),
        (TINY.replace("dsprites_quick", "dsprites_quik"), "dsprites_quick"),
        (TINY.replace("steps: 60", "steps: many"), "got 'many'"),
    ],
)
@pytest.mark.parametrize("verb", ["run", "plan"])
def test_bad_grids_are_sentences_with_exit_code_two_and_nothing_is_written(tmp_path, text, words, verb):
    grid = tmp_path / "mine.yaml"
    if text is not None:
        grid.write_text(text)
    done = bench(verb, grid, "--results", tmp_path / "results")
    assert done.exit_code == 2
    assert words in done.output
    assert "Traceback" not in done.output
    assert not (tmp_path / "results").exists()


def test_three_mistakes_are_three_sentences(tmp_path):
    grid = tmp_path / "mine.yaml"
    grid.write_text("datasets: [dsprits]\nmodels:\n  beta_vae: {beta: -1}\nsteps: 5\n")
    done = bench("plan", grid)
    assert done.exit_code == 2
    assert [line.partition(":")[0] for line in done.output.splitlines()] == [
        f"{grid}, line 1", f"{grid}, line 3", f"{grid}, line 4",
    ]  # fmt: skip


def test_a_results_folder_that_cannot_be_written_is_a_sentence(tiny_grid, tmp_path, data_dir):
    blocked = tmp_path / "file"
    blocked.write_text("")
    done = bench("run", tiny_grid, "--results", blocked, "--data-dir", data_dir)
    assert done.exit_code == 2
    assert "cannot be written" in done.output
    if os.geteuid() != 0:
        blocked = tmp_path / "readonly"
        blocked.mkdir(mode=0o555)
        assert bench("run", tiny_grid, "--results", blocked, "--data-dir", data_dir).exit_code == 2


def test_a_results_folder_that_nobody_can_make_is_bad_input(tiny_grid, data_dir):
    done = bench("run", tiny_grid, "--results", "/proc/none", "--data-dir", data_dir)
    assert done.exit_code == 2
    assert re.search("^/proc/none/tiny cannot be written .*; use --results DIR$", done.output, re.M)


@pytest.mark.parametrize("option", ["--checkpoint-seconds", "--gpus-per-pack"])
def test_what_is_no_number_is_refused(tiny_grid, tmp_path, option):
    done = bench("run", tiny_grid, "--results", tmp_path / "r", option, "nan", "--dry-run")
    assert done.exit_code == 2
    assert f"Invalid value for '{option}': 'nan' is no number" in done.output


def test_data_that_cannot_be_prepared_leave_no_study_behind(tiny_grid, tmp_path):
    (tmp_path / "file").touch()
    done = bench("run", tiny_grid, "--results", tmp_path / "r", "--data-dir", tmp_path / "file")
    assert done.exit_code == 2
    assert f"{tmp_path / 'file'} cannot be written (" in done.output
    assert "--data-dir or BENCH_DATA" in done.output
    assert not (tmp_path / "r" / "tiny").exists()
    (tmp_path / "r" / "tiny").mkdir()
    (tmp_path / "r" / "tiny" / "notes").touch()
    bench("run", tiny_grid, "--results", tmp_path / "r", "--data-dir", tmp_path / "file")
    assert (tmp_path / "r" / "tiny" / "notes").exists()


def test_what_the_system_refuses_is_the_file_and_the_reason(tmp_path):
    folder, grid = plan_study(tmp_path / "results")
    commit(folder, grid, grid.cells)
    (tmp_path / "file").touch()
    places = ("--results", tmp_path / "results", "--out", tmp_path / "file" / "x.parquet")
    done = bench("export", "tiny", *places)
    assert (done.exit_code, done.output) == (2, f"{tmp_path / 'file'}: File exists\n")


def test_a_gpu_that_is_not_there_is_a_sentence(tiny_grid, tmp_path, data_dir, monkeypatch):
    places = ("--results", tmp_path / "results", "--data-dir", data_dir)
    assert bench("run", tiny_grid, *places, "--executor", "inline", "--cpus", "1").exit_code == 0
    cell = pd.read_parquet(tmp_path / "results" / "tiny" / "scores")["cell_id"].iloc[0]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    for words in (
        ("run", tiny_grid), ("run", tiny_grid, "--executor", "inline"), ("reproduce", cell),
        ("plan", tiny_grid, "--measure"),
    ):  # fmt: skip
        done = bench(*words, *places, "--device", "cuda")
        assert done.exit_code == 2
        assert "this machine has no NVIDIA GPU that may be used here; leave --device out" in done.output


@pytest.mark.parametrize("where", ["bench.running.prepare_data", "bench.running.execute"])
def test_a_key_pressed_while_data_are_prepared_or_cells_trained_says_how_to_go_on(
    tiny_grid, tmp_path, data_dir, monkeypatch, where
):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(where, interrupted)
    done = bench("run", tiny_grid, "--results", tmp_path / "r", "--data-dir", data_dir)
    assert done.exit_code == 130
    assert "Interrupted: 0 of 6 done; the same command continues." in done.output


def test_a_key_pressed_while_planning_is_no_bad_input(tiny_grid, tmp_path, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("bench.study_plan.load_grid", interrupted)
    for verb in ("run", "plan"):
        done = bench(verb, tiny_grid, "--results", tmp_path / "r")
        assert done.exit_code == 130
        assert "Interrupted" in done.output


def test_reports_of_nothing_say_what_to_run(tmp_path):
    nothing = bench("report", "--results", tmp_path)
    assert nothing.exit_code == 2
    assert "bench run quickstart" in nothing.output
    assert "no study 'x'" in bench("report", "x", "--results", tmp_path).output
    study = tmp_path / "empty"
    study.mkdir()
    grid = {"study": "empty", "datasets": ["dsprites"], "models": {"vae": {}}}
    entry = {"grid": grid, "sources": {}, "provenance": {}}
    (study / "study.json").write_text(json.dumps({"schema": 1, "sources": {}, "history": [entry]}))
    empty = bench("report", "empty", "--results", tmp_path)
    assert empty.exit_code == 2
    assert "bench run" in empty.output


def test_data_verbs_list_prepare_show_and_verify(tmp_path):
    folder = ("--data-dir", tmp_path)
    assert "dsprites_quick: published" in bench("data", "list", *folder).output
    prepared = bench("data", "prepare", "dsprites_quick", *folder)
    assert prepared.exit_code == 0, prepared.output
    assert "is ready in" in prepared.output
    shown = bench("data", "show", "dsprites_quick", "--out", tmp_path / "sheet.png", *folder)
    assert shown.exit_code == 0, shown.output
    assert (tmp_path / "sheet.png").read_bytes().startswith(b"\x89PNG")
    assert bench("data", "verify", "dsprites_quick", *folder).exit_code == 0
    assert "did you mean" in bench("data", "show", "dsprits", *folder).output.lower()


def test_a_run_that_takes_years_says_so_and_how_to_ask_for_less(tmp_path):
    shown = bench("plan", "locatello", "--results", tmp_path, "--device", "cpu").output
    assert re.search(r"time: roughly \d+\.\d years of training on \d+ cores?, and scoring", shown)
    assert "less: --select" in shown
    small = bench("plan", "quickstart", "--results", tmp_path, "--device", "cpu").output
    assert "less:" not in small
    assert (
        "not known for this GPU"
        in bench("plan", "locatello", "--device", "cuda", "--results", tmp_path).output
    )


def test_a_disk_too_small_for_the_weights_is_said_before_anything_starts(tmp_path, monkeypatch):
    from collections import namedtuple

    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr("bench.planning.shutil.disk_usage", lambda path: usage(2e10, 1e10, 1e10))
    shown = bench("plan", "locatello", "--results", tmp_path).output
    assert f"disk: the weights will take about 34.9 GB, and {tmp_path} has 10.0 GB free" in shown
    monkeypatch.setattr("bench.planning.shutil.disk_usage", lambda path: usage(2e11, 1e11, 1e11))
    assert "disk:" not in bench("plan", "locatello", "--results", tmp_path).output

"""`bench report` from a folder on disk to one page that needs nothing else."""

import html
import re
import shutil
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from bench.cli import main
from bench.reading import load_scores
from bench.reporting import build
from bench.reporting.exhibits import EXHIBITS
from bench.store import write_scores
from tests.reporting import synthetic


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """A results folder with a quick start, its rerun on another machine, and a study that never scored."""
    folder = tmp_path_factory.mktemp("results")
    _, scores = synthetic.quickstart()
    scores.loc[scores["cell_id"] == scores["cell_id"][0], ["value", "status", "error"]] = [
        np.nan,
        "failed",
        "loss is nan",
    ]
    synthetic.write_study(folder / "quickstart", scores, **synthetic.QUICKSTART_GRID)
    synthetic.write_study(
        folder / "rerun", scores.assign(value=scores["value"] + 0.01), **synthetic.QUICKSTART_GRID
    )
    synthetic.write_study(folder / "empty", scores.head(1), **synthetic.QUICKSTART_GRID)
    for file in (folder / "empty" / "scores").iterdir():
        file.unlink()
    return folder


@pytest.fixture(scope="module")
def report(results, tmp_path_factory):
    return build(results / "quickstart", tmp_path_factory.mktemp("reports"), formats=("html", "md"))


def test_the_page_stands_alone(report):
    page = (report / "index.html").read_text(encoding="utf-8")
    assert report.name == "quickstart"
    assert not re.findall(r"<(?:link|script|img|iframe)[^>]*(?:src|href)=", page)
    assert not re.findall(r"url\((?!#)", page)
    assert "@import" not in page
    assert '<meta name="viewport"' in page
    assert page.count("<svg") >= 15


def test_ids_are_unique_and_references_lead_somewhere(report):
    page = (report / "index.html").read_text(encoding="utf-8")
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'(?:href="#|url\(#)([\w.-]+)', page)) <= set(ids)


def test_completeness_is_on_top_and_in_every_caption(report):
    page = (report / "index.html").read_text(encoding="utf-8")
    assert "51 of 52 planned cells scored, 1 failed, 0 missing" in page
    assert "loss is nan" in page
    captions = re.findall(r'<span class="rests">(.*?)</span>', page)
    assert captions
    assert all(re.match(r"(51 of 52|47 of 48|43 of 44) planned cells", c) for c in captions)
    assert all("; 1 failed, 0 missing." in c and "rendered" in c for c in captions)


def test_every_exhibit_has_its_numbers_and_figures_beside(report):
    page = (report / "index.html").read_text(encoding="utf-8")
    for name in EXHIBITS:
        assert f' id="{name}">' in page
    for link in re.findall(r'href="((?:tables|figures)/[^"]+)"', page):
        assert (report / link).stat().st_size > 0
    table = pd.read_csv(report / "tables" / "metric_agreement.csv")
    assert list(table) == ["data", "row", "column", "spearman", "low", "high", "n"]
    assert (report / "tables" / "metric_agreement.tex").read_text().count(r"\\") >= 6
    assert {p.suffix for p in (report / "figures").iterdir()} == {".svg", ".png"}


def test_scores_come_along_in_one_file(report, results):
    pd.testing.assert_frame_equal(
        pd.read_parquet(report / "scores.parquet"), load_scores(results / "quickstart"), check_dtype=False
    )


def test_markdown_names_the_same_figures(report):
    text = (report / "report.md").read_text(encoding="utf-8")
    assert "51 of 52 planned cells scored" in text
    for figure in re.findall(r"\]\((figures/[^)]+)\)", text):
        assert (report / figure).is_file()


def test_markdown_says_on_top_and_at_the_end_what_the_page_says(results, tmp_path):
    folder = shutil.copytree(results / "quickstart", tmp_path / "quickstart")
    [path] = (folder / "scores").iterdir()
    rows = pd.read_parquet(path).astype(object)
    rows = rows.where(rows.notna(), None)
    cells = rows["cell_id"].unique()
    path.unlink()
    other = rows[rows["cell_id"] == cells[1]]
    changes = {
        "missing": rows[rows["cell_id"] != cells[2]],
        "foreign": other.assign(cell_id="0123456789abcdef"),
        "alien": other.assign(study="another"),
        "differing": other[other["metric"] == "sap"].assign(value=0.5),
    }
    for name, changed in changes.items():
        write_scores(path.parent, name, changed.to_dict("records"), {})
    made = build(folder, tmp_path / "reports", formats=("html", "md"), only=["metric_pairs"])
    text = (made / "report.md").read_text(encoding="utf-8")
    page = html.unescape((made / "index.html").read_text(encoding="utf-8")).replace("\u00a0", " ")
    for sentence in (
        "50 of 52 planned cells scored, 1 failed, 1 missing.",
        "Every number below rests on an unfinished study: run the same `bench run` again to finish it.",
        "Scores of 1 cell outside the plan are left out.",
        "Scores of 1 cell that say they are of the study another are left out; `bench verify` moves",
        "1 score is there more than once with different values: the newest counts.",
        "The images are rendered by bench (rendered:1), not the published files",
        "Failed and missing cells and scores", f"`{cells[0]}` failed: ", f"`{cells[2]}` missing: ",
        f"`{cells[0]}` mig@study (mean) failed: loss is nan",
    ):  # fmt: skip
        assert sentence in text
        assert re.sub("`([^`]+)`", r"<code>\1</code>", sentence) in page


def test_a_report_of_every_study_fails_where_one_cannot_be_read(results, tmp_path):
    def reports():
        words = ["report", "--results", str(folder), "--reports", str(tmp_path), "--only", "metric_pairs"]
        return CliRunner().invoke(main, words)

    folder = shutil.copytree(results, tmp_path / "results")
    shutil.rmtree(folder / "rerun")
    whole = reports()
    assert (whole.exit_code, "empty has no scores yet" in whole.output) == (0, True)
    (folder / "empty" / "study.json").write_text("{")
    damaged = reports()
    assert damaged.exit_code == 1
    assert "study.json is damaged" in damaged.output
    assert (tmp_path / "quickstart" / "index.html").is_file()


def test_two_studies_side_by_side(results, tmp_path):
    folder = build(results / "quickstart", tmp_path, only=["settings"], compare=results / "rerun")
    table = pd.read_csv(folder / "tables" / "comparison.csv")
    assert set(table["score"]) == {"FactorVAE score", "MIG", "DCI (forest)", "Modularity", "SAP"}
    np.testing.assert_allclose(table["mean"] - table["mean_other"], -0.01)
    page = (folder / "index.html").read_text(encoding="utf-8")
    assert "−0.010 [−0.010,\u00a0−0.010]" in page
    assert '<section id="separation">' not in page
    folder = build(results / "quickstart", tmp_path, only=["comparison"], compare=results / "rerun")
    page = (folder / "index.html").read_text(encoding="utf-8")
    assert '<section id="settings">' not in page
    assert ' href="tables/comparison_summary.csv"' in page
    table = pd.read_csv(folder / "tables" / "comparison_summary.csv")
    np.testing.assert_allclose(table["difference"], -0.01)


def test_files_that_no_page_shows_any_more_go_and_others_stay(results, tmp_path):
    def files():
        return {f"{file.parent.name}/{file.name}" for file in folder.glob("[ft]*/*")}

    both, rerun = ["settings", "metric_pairs"], results / "rerun"
    folder = build(results / "quickstart", tmp_path, only=both, compare=rerun)
    compared = files()
    (folder / "figures" / "comparison-mine.png").write_bytes(b"mine")
    (folder / "tables" / "settings_mine.csv").write_text("mine")
    theirs = {"figures/comparison-mine.png", "tables/settings_mine.csv"}
    assert any(file.startswith("figures/comparison-") for file in compared)
    build(results / "quickstart", tmp_path, only=both)
    assert files() - theirs == {file for file in compared if "/comparison" not in file}
    build(results / "quickstart", tmp_path, formats=["md"], only=["settings"])
    assert "figures/metric_pairs.svg" in files()  # index.html still shows it
    build(results / "quickstart", tmp_path, only=["settings"])
    assert files() == {"tables/settings.csv", "tables/settings.tex"} | theirs


def test_a_study_without_scores_says_what_to_run(results, tmp_path):
    with pytest.raises(FileNotFoundError, match="no scores yet: `bench run GRID`"):
        build(results / "empty", tmp_path)


def test_a_folder_that_is_no_study_says_what_to_run(tmp_path):
    with pytest.raises(FileNotFoundError, match="bench run GRID"):
        build(tmp_path, tmp_path)


def test_a_foreign_parquet_file_is_named(results, tmp_path):
    scores = synthetic.quickstart()[1]
    folder = synthetic.write_study(tmp_path / "mixed", scores, **synthetic.QUICKSTART_GRID)
    pd.DataFrame({"a": [1]}).to_parquet(folder / "scores" / "other.parquet")
    with pytest.raises(ValueError, match=r"other\.parquet is not a whole score file"):
        build(folder, tmp_path)


@pytest.mark.parametrize(("options", "sentence"), [
    ({"formats": ["pdf"]}, "--format pdf: no such format; allowed are html, md"),
    ({"formats": []}, "--format names no format; allowed are html, md"),
    ({"only": ["figure_3"]}, "--only figure_3: no such exhibit; allowed are comparison, comparison_cells, "),
    ({"only": ["comparison"]}, "--only comparison or comparison_cells: add --compare STUDY"),
])  # fmt: skip
def test_a_wrong_word_is_answered_with_the_right_ones(results, tmp_path, options, sentence):
    with pytest.raises(ValueError, match=sentence):
        build(results / "quickstart", tmp_path, **options)


def test_reporting_loads_neither_torch_nor_ray(results, tmp_path):
    code = """
import sys
from pathlib import Path
from bench.reporting import build
build(Path(sys.argv[1]), Path(sys.argv[2]), only=["metric_agreement", "settings"])
print(sorted(set(sys.modules) & {"torch", "ray"}))
"""
    command = [sys.executable, "-c", code, str(results / "quickstart"), str(tmp_path)]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip() == "[]"


def test_rows_that_are_no_scores_stop_only_the_report_of_their_own_study(results, tmp_path):
    folder = shutil.copytree(results, tmp_path / "results")
    [path] = (folder / "rerun" / "scores").iterdir()
    rows = pd.read_parquet(path).astype(object).head(3).assign(metric=None)
    write_scores(path.parent, "foreign", rows.where(rows.notna(), None).to_dict("records"), {})
    words = ["--results", str(folder), "--reports", str(tmp_path / "reports"), "--only", "metric_pairs"]
    alone = CliRunner().invoke(main, ["report", "rerun", *words])
    assert (alone.exit_code, "has rows without metric; the study's" in alone.output) == (2, True)
    assert len(alone.output.splitlines()) == 1
    together = CliRunner().invoke(main, ["report", *words])
    assert (together.exit_code, "has rows without metric" in together.output) == (1, True)
    assert (tmp_path / "reports" / "quickstart" / "index.html").is_file()

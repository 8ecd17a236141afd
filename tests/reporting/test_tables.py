"""One table as text for people, for LaTeX and for the page."""

import re
from importlib import resources

import numpy as np
import pandas as pd
import pytest

from bench.reporting.tables import ROWS_ON_PAGE, latex, markdown, shown, to_html


@pytest.mark.parametrize(("value", "text"), [
    (0.12345, "0.123"), (-1.5, "−1.50"), (12600, "12,600"), (123.4, "123"), (0.00001234, "1.23e−05"), (0.0,
     "0"),
    (np.nan, "–"), (None, "–"), (pd.NA, "–"), (True, "yes"), ("β-VAE", "β-VAE"), (np.int64(-3), "−3"),
])  # fmt: skip
def test_numbers_are_shown_with_three_significant_digits(value, text):
    assert shown(value) == text


def test_latex_escapes_what_latex_would_read():
    text = latex(pd.DataFrame({"a_b": ["β = 4 & 50 %"], "n": [3]}), "50 % of λ_od")
    assert r"$\beta$ = 4 \& 50 \% & 3 \\" in text
    assert r"\caption{50 \% of $\lambda$\_od}" in text
    assert r"\begin{tabular}{lr}" in text


def test_latex_escapes_signs_that_plain_fonts_have_not():
    text = latex(pd.DataFrame({"P(row > column)": ["a < b", "mine:both | z"]}), "")
    assert r"P(row $>$ column) \\" in text
    assert r"a $<$ b \\" in text
    assert r"mine:both $|$ z \\" in text


@pytest.mark.parametrize(("rows", "environment"), [(40, "table"), (41, "longtable"), (12_600, "longtable")])
def test_a_long_latex_table_goes_on_over_pages_and_ends(rows, environment):
    text = latex(pd.DataFrame({"n": np.zeros(rows, int)}), "Cells.")
    assert rf"\begin{{{environment}}}" in text
    assert rf"\end{{{environment}}}" in text
    assert text.count("0 \\\\") == min(rows, ROWS_ON_PAGE)
    assert (r"\caption{Cells. 300 of 12,600 rows; the CSV has them all.}" in text) == (rows > ROWS_ON_PAGE)


def test_html_escapes_and_says_when_rows_are_left_out():
    long = pd.DataFrame({"name": ["<b>"] * (ROWS_ON_PAGE + 1)})
    page = to_html(long)
    assert "<b>" not in page
    assert page.count("<tr>") == ROWS_ON_PAGE + 1
    assert f"{ROWS_ON_PAGE} of {ROWS_ON_PAGE + 1} rows" in page


def test_a_column_with_long_text_wraps_in_every_row():
    page = to_html(pd.DataFrame({"why": ["short", "a" * 37], "short": ["b", "c"]}))
    assert page.count('<td class="wrap">') == 2
    assert page.count('<td class="txt">') == 2


def test_the_page_sorts_by_the_first_number_of_a_cell():
    script = (resources.files("bench.reporting") / "template" / "page.js").read_text(encoding="utf-8")
    number = re.compile(re.search(r"\.match\(/(.*?)/\)", script)[1])

    def first(cell):  # as page.js reads it
        found = number.match(cell.replace(",", "").replace("−", "-"))
        return float(found[1]) if found else None

    cells = {"> 100,000": 1e5, "≤ −0.3": -0.3, "−0.98 [−0.99, 0.5]": -0.98, "1.2e−05": 1.2e-5, "3 of 66": 3,
             "–": None, "MIG": None}  # fmt: skip
    assert {cell: first(cell) for cell in cells} == cells


def test_markdown_says_when_rows_are_left_out():
    table = pd.DataFrame({"n": range(ROWS_ON_PAGE + 1)})
    assert markdown(table).endswith(f"\n\n{ROWS_ON_PAGE} of {ROWS_ON_PAGE + 1} rows; the CSV has them all.\n")
    assert "rows" not in markdown(table.head(ROWS_ON_PAGE))


def test_markdown_is_a_pipe_table():
    assert markdown(pd.DataFrame({"a|b": ["x|y"], "n": [1]})).splitlines()[2] == r"| x\|y | 1 |"


@pytest.mark.parametrize(("cells", "kind"), [
    (["0.40 [0.37, 0.43]", "–"], "num"), (["15 %", "3 %"], "num"), (["3 of 66"], "num"),
    (["> 100,000"], "num"), (["1.2e−05", "−3"], "num"), (["MIG", "3"], "txt"), (["β-VAE β = 1"], "txt"),
    ([""], "txt"),
])  # fmt: skip
def test_a_column_of_numbers_stands_to_the_right_with_its_head(cells, kind):
    page = to_html(pd.DataFrame({"a": cells}))
    assert f'<th class="{kind}"' in page
    assert page.count(f'<td class="{kind}"') == len(cells)

"""A table in its three forms: CSV with every digit, LaTeX for a paper, HTML for the page."""

from __future__ import annotations

import html
import re

import numpy as np
import pandas as pd

ROWS_ON_PAGE = 300  # a page of 12,600 cells stays small; the CSV beside it has every row
ROWS_OF_A_FLOAT = 40  # more do not fit a sheet of paper

#: Verdicts stand out in their column; the word itself says it too, for a grey print.
VERDICT_CLASSES = {
    "agrees": "agrees",
    "differs": "differs",
    "too little data": "little",
    "unverified": "little",
}

_LATEX = {"\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{",
          "}": r"\}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
          "<": "$<$", ">": "$>$", "|": "$|$"}  # fmt: skip
_GREEK = {"β": r"$\beta$", "γ": r"$\gamma$", "λ": r"$\lambda$", "ρ": r"$\rho$", "−": "$-$", "–": "--",
          "×": r"$\times$",           "≥": r"$\geq$", "≤": r"$\leq$", "²": r"$^2$",
          "→": r"$\to$"}  # fmt: skip


def csv(table: pd.DataFrame) -> str:
    """Comma-separated values with every digit; empty where there is no number."""
    return table.to_csv(index=False)


def latex(table: pd.DataFrame, caption: str) -> str:
    """A booktabs table: numbers to the right, three significant digits, `caption` above.

    A longtable, which goes on over pages, where it is longer than one; at most ROWS_ON_PAGE rows.
    """
    align = "".join("r" if _numeric(table[c]) else "l" for c in table.columns)
    body = [
        " & ".join(latex_text(shown(v)) for v in row) + r" \\"
        for row in table.head(ROWS_ON_PAGE).itertuples(index=False)
    ]
    head = [r"\toprule", " & ".join(latex_text(str(c)) for c in table.columns) + r" \\", r"\midrule"]
    caption = rf"\caption{{{latex_text(f'{caption} {_rows_left_out(table)}'.strip())}}}"
    if len(table) > ROWS_OF_A_FLOAT:
        lines = [r"% \usepackage{booktabs, longtable}", rf"\begin{{longtable}}{{{align}}}", caption + r" \\",
                 *head, r"\endhead", *body, r"\bottomrule", r"\end{longtable}", ""]  # fmt: skip
    else:
        lines = [r"% \usepackage{booktabs}", r"\begin{table}", r"\centering", caption,
                 rf"\begin{{tabular}}{{{align}}}", *head, *body, r"\bottomrule", r"\end{tabular}",
                 r"\end{table}", ""]  # fmt: skip
    return "\n".join(lines)


def _rows_left_out(table: pd.DataFrame) -> str:
    """The sentence on the rows that only the CSV has; '' where none are left out."""
    if len(table) <= ROWS_ON_PAGE:
        return ""
    return f"{ROWS_ON_PAGE} of {len(table):,} rows; the CSV has them all."


def latex_text(text: str) -> str:
    """`text` with LaTeX's special characters and Greek letters escaped."""
    return "".join(_LATEX.get(ch, _GREEK.get(ch, ch)) for ch in text)


def markdown(table: pd.DataFrame) -> str:
    """A pipe table, at most ROWS_ON_PAGE rows, and a sentence where there are more."""
    head = [str(c) for c in table.columns]
    rows = [
        [shown(v).replace("|", r"\|") for v in row]
        for row in table.head(ROWS_ON_PAGE).itertuples(index=False)
    ]
    rule = ["---:" if _numeric(table[c]) else "---" for c in table.columns]
    lines = ["| " + " | ".join(row) + " |" for row in [head, rule, *rows]]
    return "\n".join([*lines, *(("", more) if (more := _rows_left_out(table)) else ())]) + "\n"


def to_html(table: pd.DataFrame) -> str:
    """A table that the page can sort; at most ROWS_ON_PAGE rows, and a sentence where there are more."""
    kinds = [_kind(table[c]) for c in table.columns]
    head = "".join(
        f'<th class="{kind}" scope="col"><button>{html.escape(str(c).replace("_", " "))}</button></th>'
        for c, kind in zip(table.columns, kinds, strict=True)
    )
    body = "\n".join(
        "<tr>" + "".join(_cell(v, kind) for v, kind in zip(row, kinds, strict=True)) + "</tr>"
        for row in table.head(ROWS_ON_PAGE).itertuples(index=False)
    )
    more = _rows_left_out(table)
    tall = " tall" if len(table) > 40 else ""
    inside = f"<thead><tr>{head}</tr></thead>\n<tbody>{body}</tbody>"
    whole = f'<div class="scroll{tall}"><table>{inside}</table></div>'
    return whole + (f"<p class='more'>{more}</p>" if more else "")


def shown(value: object) -> str:
    """A value as people read it: three significant digits, `–` for nothing."""
    if value is None or value is pd.NA or (isinstance(value, float) and np.isnan(value)):
        return "–"
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if isinstance(value, int | np.integer):
        return f"{value:,}".replace("-", "−")
    if isinstance(value, float | np.floating):
        return _significant(float(value)).replace("-", "−")
    return str(value)


def _significant(value: float) -> str:
    if value == 0 or not np.isfinite(value):
        return f"{value:g}"
    if 1e-3 <= abs(value) < 1e4:
        return f"{value:.{max(0, 2 - int(np.floor(np.log10(abs(value)))))}f}"
    return f"{value:.2e}"


def _numeric(column: pd.Series) -> bool:
    return pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)


def _kind(column: pd.Series) -> str:
    """How the page sets a column: numbers to the right, what is long over several lines."""
    if _numeric(column) or _reads_as_numbers(column):
        return "num"
    return "wrap" if column.map(shown).str.len().max() > 36 else "txt"


def _reads_as_numbers(column: pd.Series) -> bool:
    """Whether every cell is a number, maybe with a unit or an interval, or nothing."""
    number = re.compile(r"[−<>≥≤ ]*[\d,.]+(e[−+]?\d+)?( %| of [\d,]+)?( \[.*\])?|–")
    return len(column) > 0 and all(number.fullmatch(shown(value)) for value in column)


def _cell(value: object, kind: str) -> str:
    text = html.escape(shown(value)).replace(" %", "\u00a0%")
    if kind == "num":  # on a phone a number may stand above its interval, which stays whole
        text = text.replace(", ", ",\u00a0")
    if text in VERDICT_CLASSES:
        kind = f"verdict {VERDICT_CLASSES[text]}"
    return f'<td class="{kind}">{text}</td>'

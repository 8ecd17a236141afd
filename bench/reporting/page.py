"""The report as text: one self-contained HTML page, or Markdown beside the figures."""

from __future__ import annotations

import re
from collections.abc import Mapping

import jinja2
from markupsafe import Markup, escape

from bench.reporting import tables
from bench.reporting.cells import Study
from bench.reporting.exhibit import Exhibit
from bench.reporting.names import count
from bench.reporting.style import themed
from bench.version import __version__

LISTED_CELLS = 200  # failed and missing cells named on the page; `bench status` names them all


def html_page(study: Study, exhibits: Mapping[str, Exhibit]) -> str:
    """The whole page as HTML text, with styles, script and figures inside."""
    return rendered(
        "page.html.jinja", exhibits, name=study.name, verb="bench report", files=True, study=study,
        head=headline(study), absent_title="Too little data",
    )  # fmt: skip


def rendered(template: str, exhibits: Mapping[str, Exhibit], **given: object) -> str:
    """The exhibits in a template of this folder; `given` are the names that it uses besides."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("bench.reporting", "template"), autoescape=True,
        undefined=jinja2.StrictUndefined, trim_blocks=True,
    )  # fmt: skip
    environment.filters["prose"] = prose
    parts = {name: _parts(exhibit) for name, exhibit in exhibits.items()}
    absent = {name: part for name, part in parts.items() if part["exhibit"].missing}
    return environment.get_template(template).render(
        exhibits=parts, absent=absent, version=__version__, **given
    )


def markdown_page(study: Study, exhibits: Mapping[str, Exhibit]) -> str:
    """The report as Markdown; figures are the PNG files beside it."""
    head = headline(study)
    lines = [f"# {study.name}", head["consists_of"], head["completeness"]]
    for name, exhibit in exhibits.items():
        paper = f" ({exhibit.of_paper} of the paper)" if exhibit.of_paper else ""
        lines += [f"## {exhibit.title}{paper}", *exhibit.text, *(f"- {point}" for point in exhibit.points)]
        lines += [exhibit.missing] if exhibit.missing else []
        lines += [f"![{d.alt}](figures/{d.name}.png)" for d in exhibit.drawings]
        table = exhibit.numbers if exhibit.table is None else exhibit.table
        lines += [tables.markdown(table)] if table is not None else []
        lines += [f"{exhibit.caption} {exhibit.rests_on}"] if exhibit.caption else []
        summary = "" if exhibit.summary is None else f"[CSV of the table](tables/{name}_summary.csv), "
        lines += (
            [f"{summary}[CSV](tables/{name}.csv), [LaTeX](tables/{name}.tex)"] if table is not None else []
        )
    return "\n\n".join(lines) + "\n"


def prose(text: str) -> Markup:
    """`text` for the page: what stands between backticks as code, no line break within `β = 4` or `5 %`."""
    text = text.replace(" = ", "\u00a0=\u00a0").replace(" %", "\u00a0%")
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text))))


def headline(study: Study) -> dict:
    """What stands on top: what the study consists of, counts of cells, what is missing."""
    cells, counts = study.cells, study.counts()
    trained = cells[study.trained]
    steps = ", ".join(f"{s:,}" for s in sorted(trained["steps"].unique()))
    seeds = cells["seed"].nunique()
    partly = int((cells["state"] == "scored")[cells.index.isin(study.failures["cell_id"])].sum())
    return {
        **counts,
        "consists_of": f"{count(trained['choice'].nunique(), 'setting')} × {count(seeds, 'seed')} on "
        f"{', '.join(study.datasets)}; {steps} training steps, "
        f"{', '.join(sorted(cells['precision'].unique()))}.",
        "completeness": f"{counts['scored']:,} of {counts['planned']:,} planned cells scored, "
        f"{counts['failed']:,} failed, {counts['missing']:,} missing{_partly(partly)}.",
        "partly": _partly(partly),
        "absent": [
            {"id": cell_id, "label": row.label, "seed": row.seed, "data": row.data, "state": row.state}
            for cell_id, row in cells[cells["state"] != "scored"].head(LISTED_CELLS).iterrows()
        ],
        "failures": study.failures.head(LISTED_CELLS).to_dict("records"),
        "foreign": study.foreign,
        "rendered": sorted(set(cells["source"]) - {"real"}),
    }


def _partly(n: int) -> str:
    """What the counts add where scored cells lack a score that failed or is infinite."""
    return f"; {count(n, 'scored cell')} with a failed or infinite score" if n else ""


def _parts(exhibit: Exhibit) -> dict:
    """One exhibit ready for the template: drawings and tables as markup."""
    drawings = [
        {"svg": Markup(themed(d.svg, f"{d.name}-")), "name": d.name, "alt": d.alt, "wide": d.wide}
        for d in exhibit.drawings
    ]
    table = None if exhibit.table is None else Markup(tables.to_html(exhibit.table))
    numbers = None if exhibit.numbers is None else Markup(tables.to_html(exhibit.numbers))
    return {"exhibit": exhibit, "drawings": drawings, "table": table, "numbers": numbers}

"""The report as text: one self-contained HTML page, or Markdown beside the figures."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import jinja2
import pandas as pd
from markupsafe import Markup, escape

from bench.metrics import HEADLINE
from bench.reporting import tables
from bench.reporting.cells import NAN, Study
from bench.reporting.exhibit import Exhibit, unscored_sentences
from bench.reporting.names import count
from bench.reporting.style import themed
from bench.status_text import last_line
from bench.version import __version__

LISTED_CELLS = 200  # failed and missing cells named on the page; `bench status` names them all
LISTED = "Failed and missing cells and scores"


def html_page(study: Study, exhibits: Mapping[str, Exhibit]) -> str:
    """The whole page as HTML text, with styles, script and figures inside."""
    return rendered(
        "page.html.jinja", exhibits, name=study.name, verb="bench report", files=True, study=study,
        head=headline(study), listed_title=LISTED, absent_title="Too little data",
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
    lines = [f"# {study.name}", head["consists_of"], " ".join([head["completeness"], *head["notes"]])]
    lines += [f"**{head['rendered']}**"] if head["rendered"] else []
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
    lines += [f"## {LISTED}", *(f"- {line}" for line in head["listed"])] if head["listed"] else []
    return "\n\n".join(lines) + "\n"


def prose(text: str) -> Markup:
    """`text` for the page: what stands between backticks as code, no line break within `β = 4` or `5 %`."""
    text = text.replace(" = ", "\u00a0=\u00a0").replace(" %", "\u00a0%")
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text))))


def headline(study: Study) -> dict:
    """What stands on top: what the study consists of, counts of cells, what is missing, in words."""
    cells, counts = study.cells, study.counts()
    trained = cells[study.trained]
    steps = ", ".join(f"{s:,}" for s in sorted(trained["steps"].unique()))
    seeds = cells["seed"].nunique()
    sources = sorted(set(cells["source"]) - {"real"})
    return {
        **counts,
        "consists_of": f"{count(trained['choice'].nunique(), 'setting')} × {count(seeds, 'seed')} on "
        f"{', '.join(study.datasets)}; {steps} training steps, "
        f"{', '.join(sorted(cells['precision'].unique()))}.",
        "completeness": f"{counts['scored']:,} of {counts['planned']:,} planned cells scored, "
        f"{counts['failed']:,} failed, {counts['missing']:,} missing.",
        "notes": list(_notes(study)),
        "rendered": sources
        and f"The images are rendered by bench ({', '.join(sources)}), not the published "
        "files: compare nothing here with published numbers.",
        "listed": list(_listed(study)),
    }


def _notes(study: Study) -> Iterator[str]:
    """What the counts of cells do not say: scores that are none, that nobody has, and that are left out."""
    errors = _told_failures(study)
    partly = int((study.cells["status"] == "scored")[study.cells.index.isin(errors["cell_id"])].sum())
    if partly:
        verb = "has" if partly == 1 else "have"
        yield f"{count(partly, 'scored cell')} {verb} a failed, infinite or NaN score."
    yield from unscored_sentences(study)
    if study.counts()["missing"]:
        yield (
            "Every number below rests on an unfinished study: run the same `bench run` again to finish it."
        )
    if study.foreign:
        yield f"Scores of {count(study.foreign, 'cell')} outside the plan are left out."
    for name, cells in study.strangers.items():
        yield (
            f"Scores of {count(cells, 'cell')} that say they are of the study {name} are left out; "
            "`bench verify` moves their files away."
        )
    if study.differing:
        verb = "is" if study.differing == 1 else "are"
        yield (
            f"{count(study.differing, 'score')} {verb} there more than once with different values: "
            "the newest counts."
        )


def _listed(study: Study) -> Iterator[str]:
    """The failed and missing cells, and the scores that failed or are none."""
    absent = study.cells[study.cells["status"] != "scored"]
    for cell_id, row in absent.head(LISTED_CELLS).iterrows():
        yield f"`{cell_id}` {row['status']}: {row['label']}, seed {row['seed']}, {row['data']}"
    errors = _told_failures(study)
    for row in errors.head(LISTED_CELLS).itertuples():
        where = f"{row.metric}@{row.estimator} ({row.representation})"
        yield f"`{row.cell_id}` {where} failed: {last_line(row.error or '')}"
    if max(len(absent), len(errors)) > LISTED_CELLS:
        yield f"At most {LISTED_CELLS} of each; `bench status` names them all."


def _told_failures(study: Study) -> pd.DataFrame:
    """Each failure once, whatever its keys. NaN counts where it is the metric's headline.

    Other numbers may be NaN by definition, as the accuracy with more labels than a data set has.
    """
    failures = study.failures
    metric, key = failures["metric"].astype(object), failures["key"].astype(object)
    told = failures[(failures["error"] != NAN) | (metric.map(HEADLINE).fillna(key) == key)]
    return told.drop_duplicates(["cell_id", "metric", "estimator", "representation", "error"])


def _parts(exhibit: Exhibit) -> dict:
    """One exhibit ready for the template: drawings and tables as markup."""
    drawings = [
        {"svg": Markup(themed(d.svg, f"{d.name}-")), "name": d.name, "alt": d.alt, "wide": d.wide}
        for d in exhibit.drawings
    ]
    table = None if exhibit.table is None else Markup(tables.to_html(exhibit.table))
    numbers = None if exhibit.numbers is None else Markup(tables.to_html(exhibit.numbers))
    return {"exhibit": exhibit, "drawings": drawings, "table": table, "numbers": numbers}

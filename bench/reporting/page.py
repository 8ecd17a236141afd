"""`bench report`: read a study, make every exhibit, write reports/<study>/ with one self-contained page."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from importlib import resources
from pathlib import Path

import jinja2
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from markupsafe import Markup
from numpy.random import Generator, Philox

from bench.atomic import whole_file, write_text
from bench.reporting import tables
from bench.reporting.cells import Study, assemble
from bench.reporting.exhibit import Exhibit
from bench.reporting.exhibits import EXHIBITS
from bench.reporting.style import themed
from bench.store import SCHEMA, load_scores
from bench.study import planned_cells
from bench.version import __version__

FORMATS = ("html", "md")


def build(
    study_folder: Path,
    reports_folder: Path,
    *,
    formats: Sequence[str] = ("html",),
    only: Sequence[str] = (),
    compare: Path | None = None,
) -> Path:
    """Write the report of the study in `study_folder` to `reports_folder`/<study>/ and return that folder.

    index.html is one self-contained page; figures/ holds every figure as SVG and PNG, tables/ every figure's
    numbers as CSV and LaTeX, scores.parquet all scores in one file. `only` names the exhibits wanted (all
    when empty), `compare` the folder of a second study. Raises FileNotFoundError for a study without scores
    and ValueError for an unknown format or exhibit, each with what to type.
    """
    _check(formats, FORMATS, "format", "--format")
    _check(only, tuple(EXHIBITS), "exhibit", "--only")
    study_folder = Path(study_folder)
    scores = load_scores(study_folder)
    study = assemble(study_folder.name, scores, planned_cells(study_folder))
    chosen = [name for name in EXHIBITS if not only or name in only]
    exhibits = {name: EXHIBITS[name](study, generator(name)) for name in chosen}
    folder = Path(reports_folder) / study.name
    for name, exhibit in exhibits.items():
        _write_files(folder, name, exhibit)
    _write_scores(folder / "scores.parquet", scores)
    if "html" in formats:
        write_text(folder / "index.html", html_page(study, exhibits))
    return folder


def generator(name: str) -> Generator:
    """The random numbers of one exhibit, a function of its name: a report repeats to the last digit."""
    return Generator(Philox(key=int.from_bytes(hashlib.sha256(name.encode()).digest()[:16])))


def html_page(study: Study, exhibits: dict[str, Exhibit]) -> str:
    """The whole page as HTML text, with styles, script and figures inside."""
    files = resources.files("bench.reporting") / "template"
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    environment.filters["unbroken"] = unbroken
    template = environment.from_string((files / "page.html.jinja").read_text(encoding="utf-8"))
    return template.render(
        study=study,
        head=headline(study),
        exhibits={name: _parts(name, exhibit) for name, exhibit in exhibits.items()},
        css=Markup((files / "page.css").read_text(encoding="utf-8")),
        script=Markup((files / "page.js").read_text(encoding="utf-8")),
        version=__version__,
    )


def unbroken(text: str) -> str:
    """`text` with no line break inside `β = 4` or before a percent sign."""
    return text.replace(" = ", "\u00a0=\u00a0").replace(" %", "\u00a0%")


def headline(study: Study) -> dict:
    """What stands on top: counts of cells, and what the study consists of."""
    cells = study.cells
    states = study.counts()
    failed = cells.index[cells["state"] == "failed"].tolist()
    missing = cells.index[cells["state"] == "missing"].tolist()
    return {
        **states,
        "failed_ids": failed,
        "missing_ids": missing,
        "foreign": study.foreign,
        "failures": study.failures,
        "rendered": sorted(set(cells["source"]) - {"real"}),
        "seeds": cells["seed"].nunique(),
        "settings": cells.loc[study.trained, "setting"].nunique(),
        "steps": sorted(cells.loc[study.trained, "steps"].unique().tolist()),
        "precision": sorted(cells["precision"].unique().tolist()),
    }


def _parts(name: str, exhibit: Exhibit) -> dict:
    """One exhibit ready for the template: drawings and tables as markup."""
    drawings = [
        {"svg": Markup(themed(d.svg, f"{d.name}-")), "name": d.name, "alt": d.alt, "wide": d.wide}
        for d in exhibit.drawings
    ]
    table = None if exhibit.table is None else Markup(tables.to_html(exhibit.table))
    numbers = None if exhibit.numbers is None else Markup(tables.to_html(exhibit.numbers))
    return {"exhibit": exhibit, "drawings": drawings, "table": table, "numbers": numbers}


def _write_files(folder: Path, name: str, exhibit: Exhibit) -> None:
    for drawing in exhibit.drawings:
        write_text(folder / "figures" / f"{drawing.name}.svg", drawing.svg)
        with whole_file(folder / "figures" / f"{drawing.name}.png") as path:
            path.write_bytes(drawing.png)
    if exhibit.numbers is not None:
        write_text(folder / "tables" / f"{name}.csv", tables.csv(exhibit.numbers))
        printed = exhibit.numbers if exhibit.table is None else exhibit.table
        caption = f"{exhibit.title}. {exhibit.caption} {exhibit.rests_on}"
        write_text(folder / "tables" / f"{name}.tex", tables.latex(printed, caption))


def _write_scores(path: Path, scores: pd.DataFrame) -> None:
    """All scores of the study in one Parquet file of the same schema, doubles removed."""
    table = pa.Table.from_pandas(scores, schema=SCHEMA, preserve_index=False)
    with whole_file(path) as temporary:
        pq.write_table(table, temporary, compression="zstd")


def _check(given: Sequence[str], allowed: Sequence[str], what: str, option: str) -> None:
    unknown = [name for name in given if name not in allowed]
    if unknown:
        raise ValueError(f"{option} {unknown[0]}: no such {what}; allowed are {', '.join(allowed)}")

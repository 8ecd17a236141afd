"""A grid file becomes settings, settings become cells; everything wrong is said before any work starts."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from pydantic import ValidationError

from bench.cell import Cell
from bench.data import data_folder, find_entry, resolve_source
from bench.fit import too_few, wrong_sides
from bench.load import source_hash
from bench.metrics import parse_requests
from bench.mistakes import nearest, sentence_on
from bench.own import NotRemembered, own_model, remembered_settings
from bench.settings import MODEL_SETTINGS, Grid, ModelSettings, Training
from bench.yaml_lines import GridError, Mistake, read_yaml

MAX_CELLS = 1_000_000  # of a study: far more than anybody trains, few enough to keep in memory


@dataclass(frozen=True)
class LoadedGrid:
    """A checked grid: its settings, its cells in order, and what its author should know."""

    origin: str  # the file it was read from
    settings: Grid
    raw: dict
    cells: tuple[Cell, ...]
    warnings: tuple[str, ...] = ()
    requests: tuple[tuple, ...] | None = None  # as the plan remembers them, where a metric is the user's own

    @property
    def study(self) -> str:
        return self.settings.study

    @property
    def sources(self) -> dict[str, str]:
        """Data set -> the source its cells use."""
        return {cell.dataset: cell.source for cell in self.cells}


def shipped_grids() -> dict[str, Path]:
    """Grids that come with bench, by name: inside the package when installed, beside it in a checkout."""
    package = Path(str(resources.files("bench")))
    folders = (package / "grids", package.parent / "grids")
    return {path.stem: path for folder in folders for path in sorted(folder.glob("*.yaml"))}


def load_grid(
    path: str | Path, *, sources: Mapping[str, str] | None = None, data_dir: str | Path | None = None
) -> LoadedGrid:
    """Read and check a grid: a file, or the name of one that ships with bench (see shipped_grids).

    `sources` fixes data sets to sources already chosen (a study's own, kept in study.json); the others are
    resolved from what lies in the data folder. Raises GridError, which lists every mistake with its line.
    """
    path = Path(path)
    if not path.is_file():
        path = _by_name(str(path))
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        sentence = f"this is no text in UTF-8 (byte {error.start} is {error.object[error.start]:#04x})"
        raise GridError(str(path), [Mistake(sentence)]) from None
    raw, lines = read_yaml(text, str(path))
    raw.setdefault("study", path.stem)
    return grid_from(raw, str(path), lines=lines, sources=sources, data_dir=data_dir)


def grid_from(
    raw: dict,
    origin: str,
    *,
    lines: Mapping[tuple, int] | None = None,
    sources: Mapping[str, str] | None = None,
    data_dir: str | Path | None = None,
    own: Mapping | None = None,
) -> LoadedGrid:
    """The checked grid of a plain mapping, as read from YAML or kept in study.json.

    With `own`, what a plan remembers of the user's own models, data sets and metrics (bench.own.remember),
    nothing that the mapping names is imported.
    """
    check = _Check(lines or {}, own)
    settings = check.settings(Grid, raw, ())
    if settings is None:  # what is well formed is still checked, so that all mistakes are told at once
        settings = check.well_formed(raw)
    if settings is None:
        raise GridError(origin, check.mistakes)
    resolved = check.sources(settings, sources or {}, data_folder(data_dir))
    check.metrics(settings)
    variants = [
        (name, code, *variant)
        for name, (code, entries) in check.models(settings).items()
        for variant in entries
    ]
    seeds = range(settings.seeds) if isinstance(settings.seeds, int) else settings.seeds
    check.fit(settings, [training.architecture for *_, training in variants])
    check.number(len(settings.datasets) * len(variants) * len(seeds))
    if check.mistakes:
        raise GridError(origin, check.mistakes)
    data_codes = {name: check.data_code(name) for name in settings.datasets}
    cells = tuple(
        Cell(dataset, resolved[dataset], model, values, seed, training, code, data_codes[dataset])
        for dataset in settings.datasets
        for model, code, values, training in variants
        for seed in seeds
    )
    requests = tuple(map(tuple, own["requests"])) if own and "requests" in own else None
    return LoadedGrid(origin, settings, raw, cells, tuple(_warnings(variants)), requests)


class _Check:
    """Checks a grid and collects every mistake with the line it stands in."""

    def __init__(self, lines: Mapping[tuple, int], own: Mapping | None):
        self.lines = lines
        self.own = own
        self.mistakes: list[Mistake] = []
        self.wrong: set[tuple] = set()  # paths of what has a mistake

    def add(self, path: tuple, sentence: str) -> None:
        self.wrong.add(path)
        while path and path not in self.lines:
            path = path[:-1]
        self.mistakes.append(Mistake(sentence, self.lines.get(path) if path else None))

    def settings(self, kind: type, values: dict, path: tuple):
        """An instance of `kind`, or None after noting each thing wrong with `values`."""
        try:
            return kind(**values)
        except ValidationError as error:
            problems = error.errors()
            misspelt = {problem["loc"][:-1] for problem in problems if problem["type"] == "extra_forbidden"}
            for problem in problems:
                within = problem["loc"]
                if problem["type"] == "missing" and within[:-1] in misspelt:
                    continue  # most likely the same mistake: the key is there, misspelt
                self.add((*path, *within), sentence_on(problem, within, kind, ".".join(map(str, path))))
            return None

    def well_formed(self, raw: dict) -> Grid | None:
        """The settings of the top-level keys that are right, None where a required one is not among them."""
        try:
            return Grid(**raw)
        except ValidationError as error:
            wrong = {problem["loc"][0] for problem in error.errors()}
        if wrong & {"datasets", "models", "study"}:
            return None
        return Grid(**{key: value for key, value in raw.items() if key not in wrong})

    def sources(self, settings: Grid, fixed: Mapping[str, str], folder: Path) -> dict[str, str]:
        resolved = {}
        for i, name in enumerate(settings.datasets):
            try:
                if self.own is None or ":" not in name:
                    find_entry(name)
                elif name not in self.own.get("datasets", {}) or name not in fixed:
                    raise NotRemembered(name)
                resolved[name] = fixed.get(name) or resolve_source(name, settings.source, folder)
            except (ValueError, FileNotFoundError, ImportError) as error:
                self.add(("datasets", i), str(error))
        return resolved

    def metrics(self, settings: Grid) -> None:
        for i, entry in enumerate(settings.evaluation.metrics):
            name = next(iter(entry)) if isinstance(entry, dict) and entry else entry
            try:
                if self.own is None or ":" not in str(name):
                    parse_requests([entry])
                elif "requests" not in self.own:
                    raise NotRemembered(name)
            except (ValueError, ImportError) as error:
                self.add(("evaluation", "metrics", i), str(error))

    def models(self, settings: Grid) -> dict[str, tuple[str, list[tuple[ModelSettings, Training]]]]:
        found = {}
        for name, given in settings.models.items():
            path = ("models", name)
            if ":" in name and self.own is not None:
                self._remembered(name, given, settings, found)
                continue
            if ":" in name:
                try:
                    kind, code = own_model(name)
                except ValueError as error:
                    self.add(path, str(error))
                    continue
            elif name in MODEL_SETTINGS:
                kind, code = MODEL_SETTINGS[name], ""
            else:
                self.add(path, f"there is no model {name!r}{nearest(name, MODEL_SETTINGS)}")
                continue
            values = dict(given or {})
            training = self._training(settings, values.pop("training", {}), (*path, "training"))
            variants = self._variants(kind, values, path)
            if training is not None:
                if kind is MODEL_SETTINGS["untrained"]:
                    training = training.model_copy(update={"steps": 0})
                found[name] = (code, [(variant, training) for variant in variants])
        return found

    def _remembered(self, name: str, given: dict | None, settings: Grid, found: dict) -> None:
        """Add a user's own model to `found` as the plan remembers it."""
        known = self.own.get("models", {}).get(name)
        path = ("models", name)
        if known is None:
            self.add(path, str(NotRemembered(name)))
            return
        training = self._training(settings, (given or {}).get("training", {}), (*path, "training"))
        if training is not None:
            found[name] = (known["code"], [(values, training) for values in remembered_settings(known)])

    def data_code(self, name: str) -> str:
        """Source hash of a user's own data set, '' for one of bench's."""
        if ":" not in name:
            return ""
        return source_hash(name) if self.own is None else self.own["datasets"][name]

    def _training(self, settings: Grid, override: dict | None, path: tuple) -> Training | None:
        if not isinstance(override, dict):
            self.add(path, f"{'.'.join(path)} must be a mapping of training settings, got {override!r}")
            return None
        given = settings.training.model_dump(exclude_unset=True) | override
        return self.settings(Training, given, path)

    def fit(self, settings: Grid, architectures: list[str]) -> None:
        """Images of every data set are enough, and of a side that networks take, where that is known."""
        for i, name in enumerate(settings.datasets):
            if ("datasets", i) in self.wrong or (self.own is not None and ":" in name):
                continue
            entry = find_entry(name)
            if sentence := too_few(entry, settings.evaluation.images):
                self.add(("evaluation", "images"), sentence)
            for sentence in wrong_sides(entry, architectures):
                self.add(("datasets", i), sentence)

    def number(self, cells: int) -> None:
        if cells > MAX_CELLS:
            self.add((), f"the grid has {cells:,} cells; a study holds at most {MAX_CELLS:,}")

    def _variants(self, kind: type[ModelSettings], values: dict, path: tuple) -> list[ModelSettings]:
        sweeps = {key: value if isinstance(value, list) else [value] for key, value in values.items()}
        for key, choices in sweeps.items():
            if not choices:
                self.add((*path, key), f"{'.'.join(path)}.{key} is an empty list: give at least one value")
            elif len({repr(choice) for choice in choices}) < len(choices):
                self.add((*path, key), f"{'.'.join(path)}.{key} names a value twice: {choices}")
        if math.prod(map(len, sweeps.values())) > MAX_CELLS:
            self.add(path, f"{'.'.join(path)} has more than {MAX_CELLS:,} combinations of values")
            return []
        before = len(self.mistakes)
        variants = []
        for combination in itertools.product(*sweeps.values()):
            variant = self.settings(kind, dict(zip(sweeps, combination, strict=True)), path)
            if variant is not None:
                variants.append(variant)
        # a wrong key of a swept model is one mistake, however many values the sweep has
        self.mistakes[before:] = list(dict.fromkeys(self.mistakes[before:]))
        return variants


def _by_name(name: str) -> Path:
    shipped = shipped_grids()
    if name in shipped:
        return shipped[name]
    raise GridError(name, [Mistake(f"there is no such grid file{nearest(name, shipped)}")])


def _warnings(variants: list[tuple]) -> Iterator[str]:
    said = set()
    for model, _, settings, training in variants:
        threshold = getattr(settings, "iteration_threshold", 0)
        if training.steps < threshold and model not in said:
            said.add(model)
            reached = training.steps / threshold
            yield (
                f"{model}: {training.steps:,} steps end before the capacity's ramp of {threshold:,}: it ends "
                f"at {reached:.0%} of c_max; set iteration_threshold to have the whole ramp."
            )

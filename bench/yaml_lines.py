"""YAML for grids: plain data with the line of every key, and the format's traps closed.

`1e-4` is a number, only true and false are booleans (`no` stays a word), a repeated key is an error.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import yaml

Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Mistake:
    """One thing wrong in a grid: a sentence and, where it is known, the line."""

    sentence: str
    line: int | None = None


class GridError(ValueError):
    """Everything that is wrong with a grid, one sentence a line; nothing has been done yet."""

    def __init__(self, origin: str, mistakes: list[Mistake]):
        self.mistakes = sorted(mistakes, key=lambda mistake: mistake.line or 0)
        places = [f", line {mistake.line}" if mistake.line else "" for mistake in self.mistakes]
        super().__init__(
            "\n".join(
                f"{origin}{place}: {mistake.sentence}"
                for place, mistake in zip(places, self.mistakes, strict=True)
            )
        )


class _Loader(yaml.SafeLoader):
    """SafeLoader with YAML 1.2's numbers and booleans, read as nodes so that lines are known."""


_Loader.yaml_implicit_resolvers = {
    first: [rule for rule in rules if rule[0].rpartition(":")[2] not in ("bool", "float", "timestamp", "int")]
    for first, rules in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(?:true|false)$", re.I), list("tTfF"))
_Loader.add_implicit_resolver("tag:yaml.org,2002:int", re.compile(r"^[-+]?\d[\d_]*$"), list("-+0123456789"))
_Loader.add_constructor(  # decimal always: YAML 1.1 would read 012 as octal
    "tag:yaml.org,2002:int", lambda loader, node: int(loader.construct_scalar(node).replace("_", ""))
)
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(
        r"^[-+]?(?:(?:\d[\d_]*)?\.?\d[\d_]*|\d[\d_]*\.)(?:[eE][-+]?\d+)?$|^[-+]?\.(?:inf|Inf|INF)$|^\.(?:nan|NaN|NAN)$"
    ),
    list("-+.0123456789"),
)


#: A few lines of aliases of aliases would fill any memory; no grid has as many entries as this.
MAX_PLACES = 200_000

_PLAIN_TAGS = {f"tag:yaml.org,2002:{kind}" for kind in ("map", "seq", "str", "int", "float", "bool", "null")}


def read_yaml(text: str, origin: str) -> tuple[dict, dict[Path, int]]:
    """The mapping in `text` and the line of each path in it; GridError on syntax and repeated keys."""
    lines: dict[Path, int] = {}
    mistakes: list[Mistake] = []
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        if not isinstance(node, yaml.MappingNode):
            raise GridError(origin, [Mistake("a grid is a mapping with at least `datasets:` and `models:`")])
        data = _plain(loader, node, (), lines, mistakes)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else None
        raise GridError(origin, [Mistake(f"this is not YAML: {error.problem}", line)]) from None
    except yaml.YAMLError as error:
        said = str(error).splitlines()[0]
        raise GridError(origin, [Mistake(f"this is not YAML: {said}")]) from None
    except RecursionError:
        sentence = "this is nested too deep, or an anchor holds an alias of itself"
        raise GridError(origin, [Mistake(sentence)]) from None
    if mistakes:
        raise GridError(origin, mistakes)
    return data, lines


def _plain(loader: _Loader, node: yaml.Node, path: Path, lines: dict[Path, int], mistakes: list[Mistake]):
    lines.setdefault(path, node.start_mark.line + 1)
    if len(lines) > MAX_PLACES:
        raise yaml.YAMLError(f"its anchors and aliases make over {MAX_PLACES:,} entries of it")
    if node.tag not in _PLAIN_TAGS:
        mistakes.append(
            Mistake(f"the YAML tag {node.tag!r} is not allowed in a grid", node.start_mark.line + 1)
        )
        return None
    if isinstance(node, yaml.MappingNode):
        odd = next((key for key, _ in node.value if not isinstance(key, yaml.ScalarNode)), None)
        if odd is not None:
            mistakes.append(Mistake("a key must be a word, not a list or a mapping", odd.start_mark.line + 1))
            return None
        _report_repeats(node, path, mistakes)
        loader.flatten_mapping(node)  # `<<: *anchor`
        data = {}
        for key_node, value_node in node.value:
            key = key_node.value  # as written: {mig: {null: false}} has no word in quotes
            lines[(*path, key)] = key_node.start_mark.line + 1
            data[key] = _plain(loader, value_node, (*path, key), lines, mistakes)
        return data
    if isinstance(node, yaml.SequenceNode):
        return [_plain(loader, item, (*path, i), lines, mistakes) for i, item in enumerate(node.value)]
    return loader.construct_object(node, deep=True)


def _report_repeats(node: yaml.MappingNode, path: Path, mistakes: list[Mistake]) -> None:
    seen: dict[str, int] = {}
    for key_node, _ in node.value:
        line = key_node.start_mark.line + 1
        if key_node.value in seen and key_node.value != "<<":
            where = f" in {'.'.join(map(str, path))}" if path else ""
            sentence = f"the key {key_node.value!r}{where} was given before, in line {seen[key_node.value]}"
            mistakes.append(Mistake(sentence, line))
        seen[key_node.value] = line

"""Which metrics to compute, as a grid's YAML, `--metrics` or bench.score name them.

A request is `dci` (the default estimator), `dci@study`, `{mig: {bins: 10}}` or `package.module:NAME`.
"""

import difflib
import hashlib
import inspect
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from bench import metrics as listed
from bench.load import own_object


@dataclass(frozen=True)
class Request:
    """One metric by one estimator; settings are those that differ from the estimator's defaults.

    null: whether to measure the chance level too; True from the start for cheap metrics.
    """

    metric: str
    estimator: str
    settings: dict = field(default_factory=dict)
    null: bool = False

    @property
    def function(self) -> Callable:
        """metric(rows, *, rng, **settings) -> Result."""
        if self.metric in listed.METRICS:
            return listed.METRICS[self.metric][self.estimator]
        return _users_function(self.metric)

    @property
    def version(self) -> int | str:
        """A number for a metric of bench, the hash of its source for a user's."""
        return listed.VERSIONS.get(self.metric) or _source_hash(self.function)

    @property
    def settings_json(self) -> str:
        """'' at the defaults, else the canonical JSON of what differs, the metric's version included."""
        differing = self.settings | ({} if self.version == 1 else {"version": self.version})
        return json.dumps(differing, sort_keys=True, separators=(",", ":")) if differing else ""

    @property
    def label(self) -> str:
        """`dci`, `dci@study`, `mig{"bins":10}`: the name under which its arrays are kept."""
        default = listed.DEFAULT_ESTIMATOR.get(self.metric, "user") == self.estimator
        return self.metric + ("" if default else f"@{self.estimator}") + self.settings_json

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys this request gives, headline first; a user's function names its own in `keys`."""
        if self.metric not in listed.METRICS:
            return tuple(getattr(self.function, "keys", (self.metric.partition(":")[2],)))
        keys = listed.KEYS[self.metric]
        return keys(**self.settings) if callable(keys) else keys


def parse_requests(requests: list) -> tuple[Request, ...]:
    """The requests of a list, checked, each once; ValueError with the nearest valid word for a wrong one."""
    if not isinstance(requests, list | tuple) or not requests:
        raise ValueError(
            f"metrics is {requests!r}, but must be a list that names at least one metric, e.g. [mig, dci]."
        )
    parsed = [request for entry in requests for request in _parse_entry(entry)]
    return tuple({(r.metric, r.estimator, r.settings_json): r for r in parsed}.values())


def expand(requests: tuple[Request, ...]) -> tuple[Request, ...]:
    """The requests and the `corrected` companions of cheap metrics, each once."""
    expanded = {}
    for request in requests:
        companions = [request]
        if request.metric in listed.CHEAP and "corrected" in listed.METRICS[request.metric]:
            known = _defaults(listed.METRICS[request.metric]["corrected"])
            settings = {name: value for name, value in request.settings.items() if name in known}
            companions.append(Request(request.metric, "corrected", settings, null=True))
        for one in companions:
            expanded.setdefault((one.metric, one.estimator, one.settings_json), one)
    return tuple(expanded.values())


def representations_of(request: Request, representations) -> tuple[str, ...]:
    """The representations a request is scored on: `unsupervised` always on both."""
    return ("mean", "sampled") if request.metric == "unsupervised" else tuple(representations)


def plan(requests, representations) -> list[tuple[str, Request]]:
    """Every (representation, request) to score, companions included."""
    return [
        (representation, request)
        for request in expand(requests)
        for representation in representations_of(request, representations)
    ]


def _parse_entry(entry) -> list[Request]:
    """The requests of one list entry, a string or a mapping {name: settings}."""
    if isinstance(entry, Request):
        return [entry]
    if isinstance(entry, str):
        return [_parse(entry, {})]
    if isinstance(entry, dict) and entry:
        return [_parse(name, settings or {}) for name, settings in entry.items()]
    raise ValueError(
        f"The metric {entry!r} must be a name such as dci@study, or a mapping such as {{mig: {{bins: 10}}}}."
    )


def _parse(name: str, settings: dict) -> Request:
    """The request `name` with these settings."""
    if not isinstance(settings, dict):
        raise ValueError(
            f"The settings of {name} are {settings!r}, but must be a mapping such as {{bins: 10}}."
        )
    if ":" in name:
        return _with_settings(name, "user", _users_function(name), settings)
    metric, _, estimator = name.partition("@")
    if metric not in listed.METRICS:
        raise ValueError(_unknown("metric", metric, listed.METRICS))
    estimator = estimator or listed.DEFAULT_ESTIMATOR[metric]
    if estimator not in listed.METRICS[metric]:
        raise ValueError(_unknown(f"estimator of {metric}", estimator, listed.METRICS[metric]))
    return _with_settings(metric, estimator, listed.METRICS[metric][estimator], settings)


def _with_settings(metric: str, estimator: str, function: Callable, settings: dict) -> Request:
    """A request with checked settings; `null: true` asks for the chance level, it is no metric's setting."""
    settings = dict(settings)
    null = settings.pop("null", metric in listed.CHEAP)
    if not isinstance(null, bool):
        raise ValueError(f"null of {metric} is {null!r}, but must be true or false.")
    defaults = _defaults(function)
    for name in settings:
        if name not in defaults:
            raise ValueError(_unknown(f"setting of {metric}@{estimator}", name, (*defaults, "null")))
    checked = {
        name: _checked(f"{name} of {metric}", value, defaults[name]) for name, value in settings.items()
    }
    return Request(metric, estimator, {name: v for name, v in checked.items() if v != defaults[name]}, null)


def _defaults(function: Callable) -> dict:
    """The settings of an estimator with their defaults: its keyword-only parameters but rng."""
    parameters = inspect.signature(function).parameters.values()
    return {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY and p.name != "rng"}


def _checked(name: str, value, default):
    """A setting of the default's kind: a positive whole number, a number, or a list of whole numbers."""

    def whole(number) -> bool:
        return isinstance(number, int) and not isinstance(number, bool) and number > 0

    if isinstance(default, tuple):
        if isinstance(value, list | tuple) and value and all(map(whole, value)):
            return tuple(value)
        raise ValueError(
            f"{name} is {value!r}, but must be a list of positive whole numbers such as {list(default)}."
        )
    if isinstance(default, int) and not whole(value):
        raise ValueError(f"{name} is {value!r}, but must be a positive whole number such as {default}.")
    if isinstance(default, float) and (not isinstance(value, int | float) or isinstance(value, bool)):
        raise ValueError(f"{name} is {value!r}, but must be a number such as {default}.")
    return value


def _unknown(kind: str, word: str, allowed) -> str:
    """A sentence on an unknown word, with the nearest valid one."""
    near = difflib.get_close_matches(str(word), list(allowed), n=1, cutoff=0.4)
    hint = f" Did you mean {near[0]}?" if near else ""
    return f"There is no {kind} called {word!r}.{hint} Known: {', '.join(allowed)}."


def _users_function(name: str) -> Callable:
    """The function behind `package.module:NAME`."""
    function = own_object(name)
    if not callable(function):
        raise ValueError(f"The metric {name} is not a function metric(rows, *, rng) -> Result.")
    return function


def _source_hash(function: Callable) -> str:
    """First 8 hex digits of the SHA-256 of the file a user's metric is written in: its version."""
    return hashlib.sha256(Path(inspect.getsourcefile(function)).read_bytes()).hexdigest()[:8]

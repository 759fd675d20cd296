"""Telemetry independent of table layout; times in seconds before now."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from app.telemetry import vocabulary as v
from app.telemetry.vocabulary import SCOPE as NAME

Value = str | bool | int | float
Attributes = Mapping[str, Value]
Texts = dict[str, str]


def as_texts(attributes: Attributes) -> Texts:
    """As the collector writes them."""
    return {name: _text(value) for name, value in attributes.items()}


def _text(value: Value) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)


def trace_id(letters: str) -> str:
    return letters.rjust(32, "0")


def span_id(letters: str) -> str:
    return letters.rjust(16, "0") if letters else ""


def resource(instance: str) -> Texts:
    """The attributes of its resource."""
    return {"service.name": NAME, "service.instance.id": instance, "service.version": "0.1.0"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened on a span, at its start."""

    name: str
    attributes: Attributes = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A span; ids are a few hexadecimal digits."""

    name: str
    trace: str
    id: str
    ago: float
    seconds: float
    parent: str = ""
    kind: str = "Internal"
    failed: bool = False
    attributes: Attributes = field(default_factory=dict)
    scope: str = v.SCOPE
    events: tuple[Event, ...] = ()
    links: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A log record."""

    body: str
    ago: float
    attributes: Attributes = field(default_factory=dict)
    trace: str = ""
    span: str = ""
    severity: str = "INFO"
    number: int = 9


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """A point of a counter, or of another kind of number; `began`: when it began to count."""

    name: str
    ago: float
    value: float
    began: float = 5400
    kind: str = "counter"
    attributes: Attributes = field(default_factory=dict)
    instance: str = "one"


@dataclass(frozen=True, slots=True, kw_only=True)
class Histogram:
    """A point of a histogram; `counts` has one more than `bounds`; exemplars: value, trace.

    `total`: the sum of the measurements.
    """

    name: str
    ago: float
    counts: tuple[int, ...]
    bounds: tuple[float, ...] = (0.1, 0.25, 1.0)
    began: float = 5400
    attributes: Attributes = field(default_factory=dict)
    instance: str = "one"
    exemplars: tuple[tuple[float, str], ...] = ()
    unit: str = "s"
    total: float = 0


Telemetry = Span | Record | Number | Histogram

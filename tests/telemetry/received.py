"""Spans, log records and points of metrics as they were received, in plain Python values."""

from dataclasses import dataclass

Values = dict[str, object]


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened during a span."""

    name: str
    attributes: Values


@dataclass(frozen=True, slots=True)
class Link:
    """Another span, of any trace, that a span points at."""

    trace_id: str
    span_id: str
    attributes: Values


@dataclass(frozen=True, slots=True)
class Span:
    """A span; identifiers in hexadecimal digits, `parent_id` empty at the root of a trace."""

    name: str
    kind: str  # INTERNAL, SERVER, CLIENT, PRODUCER, CONSUMER
    trace_id: str
    span_id: str
    parent_id: str
    start_ns: int
    end_ns: int
    status: str  # UNSET, OK, ERROR
    status_message: str
    attributes: Values
    events: tuple[Event, ...]
    links: tuple[Link, ...]
    scope: str
    resource: Values


@dataclass(frozen=True, slots=True)
class LogRecord:
    """A log record; identifiers are empty if it was not written during a span."""

    body: object
    severity: str  # INFO, WARN, ERROR, … as its number says, whatever its text
    event_name: str
    attributes: Values
    trace_id: str
    span_id: str
    scope: str
    resource: Values


@dataclass(frozen=True, slots=True)
class Exemplar:
    """One measured value, and the span during which it was measured."""

    value: float
    trace_id: str
    span_id: str


@dataclass(frozen=True, slots=True)
class Point:
    """A metric with one set of attributes at one time; only a histogram has a count and buckets."""

    name: str
    unit: str
    kind: str  # sum, gauge, histogram
    temporality: str  # cumulative or delta; empty for a gauge
    monotonic: bool
    attributes: Values
    value: float  # for a histogram the sum
    count: int
    bounds: tuple[float, ...]
    buckets: tuple[int, ...]  # one more than bounds
    exemplars: tuple[Exemplar, ...]
    start_ns: int
    time_ns: int
    scope: str
    resource: Values

"""Everything that can be encoded for OTLP, for hypothesis to choose from."""

from typing import Any

from hypothesis import strategies as st
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.attributes import BoundedAttributes
from opentelemetry.context import Context
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.util import BoundedList
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    TraceState,
    set_span_in_context,
)

RESOURCES = (
    Resource({}),
    Resource({"service.name": "one", "process.pid": 7}, "https://schemas/one"),
    Resource({"service.name": "two", "words": ["a", "b"], "share": 0.5, "on": True}),
)
SCOPES = (
    None,
    InstrumentationScope(""),
    InstrumentationScope("here", "1.0", "https://schemas/here"),
    InstrumentationScope("here", "2.0"),
)
texts = st.text(max_size=20) | st.sampled_from(["", "é", "日本", "🦉", "x" * 255, "ä" * 300, "\0"])
whole = st.integers(-(2**63), 2**63 - 1) | st.sampled_from([0, 1, -1, 1023, 1024, 2**63 - 1])
flat = texts | whole | st.floats() | st.booleans() | st.binary(max_size=20) | st.none()
same = st.sampled_from([1, 1.0, True, "1", b"1", 0, 0.0, -0.0, False, ""])
"""Values of which some are equal, and yet not the same."""
alike = [st.lists(each, max_size=4) for each in (texts, whole, st.floats(), st.booleans())]
values = flat | same | st.one_of(alike).map(tuple) | st.dictionaries(texts, flat, max_size=3)
keys = st.sampled_from(["a", "b", ""]) | texts
plain: st.SearchStrategy[Any] = st.dictionaries(keys, values, max_size=4)
cut = st.sampled_from([BoundedAttributes(1, {"kept": 1, "dropped": value}) for value in (1, "a")])
"""Attributes of which some were dropped."""
attributes = plain | cut
moments = st.integers(0, 2**63 - 1)
states = st.sampled_from([None, TraceState(), TraceState([("vendor", "x"), ("other", "y")])])
contexts = st.builds(
    SpanContext,
    trace_id=st.integers(1, 2**128 - 1),
    span_id=st.integers(1, 2**64 - 1),
    is_remote=st.booleans(),
    trace_flags=st.integers(0, 3).map(TraceFlags),
    trace_state=states,
)
statuses = st.builds(Status, st.just(StatusCode.ERROR), st.none() | texts) | st.sampled_from(
    [Status(StatusCode.UNSET), Status(StatusCode.OK)]
)
events = st.builds(Event, name=texts, attributes=attributes, timestamp=moments)
links = st.builds(Link, contexts, attributes)


def _bounded(given: list[Any]) -> Any:
    kept: Any = BoundedList(1)
    kept.extend(given)
    return kept


def some(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """None of them mostly, as in life; else a few, or one that is left of a few."""
    few = st.lists(strategy, max_size=3)
    return st.just(()) | few | few.map(_bounded)


spans = st.builds(
    ReadableSpan,
    name=texts,
    context=contexts,
    parent=st.none() | contexts,
    resource=st.sampled_from(RESOURCES),
    attributes=st.none() | attributes,
    events=some(events),
    links=some(links),
    kind=st.sampled_from(SpanKind),
    status=statuses,
    start_time=moments,
    end_time=moments,
    instrumentation_scope=st.sampled_from(SCOPES),
)


def _record(about: SpanContext | None, **fields: Any) -> LogRecord:
    context = set_span_in_context(NonRecordingSpan(about), Context()) if about else Context()
    return LogRecord(context=context, **fields)


records = st.builds(
    ReadableLogRecord,
    log_record=st.builds(
        _record,
        about=st.none() | contexts,
        timestamp=st.none() | moments,
        observed_timestamp=st.none() | moments,
        severity_text=st.none() | texts,
        severity_number=st.none() | st.sampled_from(SeverityNumber),
        body=values.filter(lambda body: body != ""),  # there is a test for it
        attributes=st.none() | attributes,
        event_name=st.none() | texts,
    ),
    resource=st.sampled_from(RESOURCES),
    instrumentation_scope=st.sampled_from(SCOPES),
)

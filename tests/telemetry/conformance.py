"""Holds what a service told to what the vocabulary and the semantic conventions declare.

Every name must be in one of them; what is ours must be of its type and within its bounds. The
fixture `telling` asks for `violations` after each test.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from opentelemetry._logs import LogRecord
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    Gauge,
    Histogram,
    Metric,
    Sum,
)
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.semconv.attributes.http_attributes import HttpRequestMethodValues

from app.recommend.stages import STAGES
from app.telemetry import naming
from app.telemetry import vocabulary as v
from tests.stand_in import PATH
from tests.telemetry import conventions
from tests.telemetry.telling import Heard

METHODS = frozenset(each.value for each in HttpRequestMethodValues) - {"_OTHER"} | {"HTTP"}
"""How names of spans of requests begin; HTTP stands for methods nobody knows."""
STATEMENTS = frozenset({"SELECT", "PRAGMA"})
TYPES: Mapping[str, type] = {
    "string": str, "int": int, "double": float, "boolean": bool, "string[]": str,
}  # fmt: skip


def span_names(app: FastAPI) -> frozenset[str]:
    """All names that its spans may have: of its stages, its routes and its calls, and no more."""
    paths = {each.path for each in iter_route_contexts(app.routes)}
    requests = {f"{method} {path}" for method in METHODS for path in paths}
    calls = {f"GET {PATH}"}
    return METHODS | STATEMENTS | requests | calls | frozenset(STAGES)


def violations(heard: Heard, names: frozenset[str]) -> list[str]:
    """A sentence for each thing that is not as declared; `names` are those of spans."""
    return sorted({each for found in _violations(heard, names) for each in found})


def _violations(heard: Heard, names: frozenset[str]) -> Iterator[Iterator[str]]:
    resources = [each.resource.attributes for each in heard.spans]
    for span in heard.spans:
        yield _span(span, names)
    for readable in heard.readable:
        resources.append(readable.resource.attributes)
        yield _record(readable.log_record)
    for resource in (each for data in heard.metrics.kept for each in data.resource_metrics):
        resources.append(resource.resource.attributes)
        for metric in (each for scope in resource.scope_metrics for each in scope.metrics):
            yield _metric(metric)
    for about in {id(each): each for each in resources}.values():
        yield _attributes("the resource", about)


def _span(span: ReadableSpan, names: frozenset[str]) -> Iterator[str]:
    where = f"span “{span.name}”"
    if span.name not in names:
        yield f"{where} has a name that is not declared"
    yield from _attributes(where, span.attributes)
    for event in span.events:
        if event.name not in v.EVENTS and event.name not in conventions.EVENTS:
            yield f"{where} has an event “{event.name}” that is not declared"
        yield from _attributes(f"event “{event.name}” of {where}", event.attributes)
    for link in span.links:
        yield from _attributes(f"a link of {where}", link.attributes)


def _record(record: LogRecord) -> Iterator[str]:
    where = f"record “{record.event_name or record.body}”"
    if record.event_name and record.event_name not in v.EVENTS:
        yield f"{where} has an event name that is not declared"
    yield from _attributes(where, record.attributes)


def _metric(metric: Metric) -> Iterator[str]:
    where, ours = f"metric “{metric.name}”", v.METRICS.get(metric.name)
    wanted = ours or conventions.metrics().get(metric.name)
    if wanted is None:
        yield f"{where} is not declared"
        return
    kind = wanted.instrument if isinstance(wanted, naming.Metric) else wanted.kind
    if (metric.unit, _kind(metric)) != (wanted.unit, kind):
        yield f"{where} is a {_kind(metric)} in {metric.unit}, not a {kind} in {wanted.unit}"
    temporality = getattr(metric.data, "aggregation_temporality", None)
    if temporality not in (None, AggregationTemporality.CUMULATIVE):
        yield f"{where} is not cumulative"
    points: Any = metric.data.data_points
    for point in points:
        yield from _attributes(where, point.attributes)
        if ours is not None:
            yield from _point(where, point, ours)


def _point(where: str, point: Any, ours: naming.Metric) -> Iterator[str]:
    for name in set(point.attributes) - set(ours.attributes):
        yield f"{where} has the attribute “{name}”, which is not declared for it"
    if ours.bounds and tuple(getattr(point, "explicit_bounds", ours.bounds)) != ours.bounds:
        yield f"{where} has other buckets than declared"


def _kind(metric: Metric) -> str:
    if isinstance(metric.data, Sum):
        return "counter" if metric.data.is_monotonic else "updowncounter"
    kinds = {Histogram: "histogram", Gauge: "gauge"}
    return kinds.get(type(metric.data), type(metric.data).__name__)


def _attributes(where: str, attributes: Mapping[str, Any] | None) -> Iterator[str]:
    for name, value in (attributes or {}).items():
        if (declared := v.ATTRIBUTES.get(name)) is not None:
            yield from (f"{where}: {name} {wrong}" for wrong in _value(value, declared))
        elif name not in conventions.attributes():
            yield f"{where} has an attribute “{name}” that is not declared"


def _value(value: Any, declared: naming.Attribute) -> Iterator[str]:
    several = declared.kind == "string[]"
    if several and not isinstance(value, tuple | list):
        yield f"is {value!r}, not a {declared.kind}"
        return
    for each in value if several else (value,):
        if type(each) is not TYPES[declared.kind]:
            yield f"is {value!r}, not a {declared.kind}"
        elif declared.values and each not in declared.values:
            yield f"is {each!r}, none of {declared.values}"
        elif declared.form and not re.fullmatch(declared.form, str(each)):
            yield f"is {each!r}, not of the form {declared.form}"

"""Test support: records everything that a service emits, and checks names, privacy and traces.

    recorder = Recorder()
    kit = Kit("shop", "1.0", vocabulary, settings, recorder.exporters(), loggers=["shop"])
    ...                                   # drive the service, then kit.flush()
    assert violations(recorder, vocabulary) == []    # every emitted name is declared
    assert leaks(recorder, ["4111 1111 1111 1111"]) == []
    assert broken_traces(recorder) == []

Nothing is sent: the recorder's exporters keep spans, measurements and records in memory.
"""

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from opentelemetry._logs import LogRecord
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    Gauge,
    Histogram,
    Metric,
    MetricExporter,
    MetricExportResult,
    MetricsData,
    Sum,
)
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind

from . import conventions
from . import vocabulary as names
from .exporters import Delivery, Exporters, reporting
from .vocabulary import Vocabulary

TYPES: Mapping[str, type] = {
    "string": str, "int": int, "double": float, "boolean": bool, "string[]": str,
}  # fmt: skip


class InMemoryMetrics(MetricExporter):
    """A metric exporter that stores everything in memory."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.exports: list[MetricsData] = []

    def export(self, metrics_data: MetricsData, *_: Any, **__: Any) -> MetricExportResult:
        self.exports.append(metrics_data)
        return MetricExportResult.SUCCESS

    def force_flush(self, *_: Any, **__: Any) -> bool:
        return True

    def shutdown(self, *_: Any, **__: Any) -> None:
        """Do nothing."""


class Recorder:
    """Records everything that a kit exports."""

    def __init__(self, *, numbered: bool = False) -> None:
        """`numbered`: exports carry numbers, as those by OTLP."""
        self._delivery, self.numbered = Delivery(), numbered
        self._spans = reporting(InMemorySpanExporter, self._delivery, "traces")()
        self._logs = InMemoryLogRecordExporter()  # type: ignore[no-untyped-call]
        self.metrics = InMemoryMetrics()

    def exporters(self) -> Exporters:
        """Exporters to pass to the kit."""
        delivery, numbered = self._delivery, self.numbered
        return Exporters(self._spans, self.metrics, self._logs, delivery, numbered=numbered)

    def refuse_spans(self) -> None:
        """Refuse all further spans."""
        self._spans.shutdown()

    @property
    def spans(self) -> tuple[ReadableSpan, ...]:
        """Every exported span, in the order of their ends."""
        finished: tuple[ReadableSpan, ...] = self._spans.get_finished_spans()
        return finished

    @property
    def readable(self) -> tuple[ReadableLogRecord, ...]:
        """Every exported log record, with its resource and scope."""
        return self._logs.get_finished_logs()

    @property
    def records(self) -> list[LogRecord]:
        """Every exported log record."""
        return [each.log_record for each in self.readable]

    def measured(self) -> dict[str, Metric]:
        """Every metric of the last export, by name."""
        resources = self.metrics.exports[-1].resource_metrics
        scopes = [scope for each in resources for scope in each.scope_metrics]
        return {metric.name: metric for each in scopes for metric in each.metrics}

    def counts(self, name: names.Metric) -> dict[tuple[Any, ...], float]:
        """Sums of a counter, or counts of a histogram, by the values of its declared attributes."""
        metric = self.measured().get(name)
        points: Any = metric.data.data_points if metric else ()
        return {
            tuple(each.attributes.get(key) for key in name.attributes): (
                each.count if name.instrument == "histogram" else each.value
            )
            for each in points
        }


def leaks(recorder: Recorder, secrets: Iterable[str]) -> list[str]:
    """The secrets that occur in anything recorded; case is ignored."""
    recorded: list[Any] = [*recorder.spans, *recorder.readable, *recorder.metrics.exports]
    everything = "".join(_searchable(json.loads(each.to_json())) for each in recorded)
    return [each for each in secrets if _searchable(each)[1:-1] in everything]


def _searchable(value: object) -> str:
    """As JSON in one case. `to_json` escapes all but ASCII, of which case can't be ignored."""
    return json.dumps(value, ensure_ascii=False).casefold()


def broken_traces(recorder: Recorder) -> list[str]:
    """The ids of traces that lack a span, or have not exactly one root."""
    traces: dict[int, list[ReadableSpan]] = {}
    for span in recorder.spans:
        traces.setdefault(span.context.trace_id, []).append(span)
    return [f"{each:032x}" for each, spans in traces.items() if not _is_whole(spans)]


def _is_whole(spans: list[ReadableSpan]) -> bool:
    ids = {each.context.span_id for each in spans}
    parents = [each.parent for each in spans]
    roots = [each for each in parents if each is None or each.is_remote]
    return len(roots) == 1 and all(
        each is None or each.is_remote or each.span_id in ids for each in parents
    )


def violations(
    recorder: Recorder, vocabulary: Vocabulary, span_names: Collection[str] | None = None
) -> list[str]:
    """A message for everything that is neither declared nor in the semantic conventions.

    `span_names`: the allowed names of spans; None: any.
    """
    found = _Conformance(vocabulary, span_names).of(recorder)
    return sorted({each for sentences in found for each in sentences})


class _Conformance:
    def __init__(self, vocabulary: Vocabulary, span_names: Collection[str] | None) -> None:
        self._declared, self._names = vocabulary, span_names

    def of(self, recorder: Recorder) -> Iterator[Iterator[str]]:
        resources = [each.resource.attributes for each in recorder.spans]
        for span in recorder.spans:
            yield self._span(span)
        for readable in recorder.readable:
            resources.append(readable.resource.attributes)
            yield self._record(readable.log_record)
        for resource in (
            each for data in recorder.metrics.exports for each in data.resource_metrics
        ):
            resources.append(resource.resource.attributes)
            for metric in (each for scope in resource.scope_metrics for each in scope.metrics):
                yield self._metric(metric)
        for about in {id(each): each for each in resources}.values():
            yield self._attributes("the resource", about)

    def _span(self, span: ReadableSpan) -> Iterator[str]:
        where = f"span “{span.name}”"
        if self._names is not None and span.name not in self._names:
            yield f"{where} has a name that is not declared"
        yield from self._attributes(where, span.attributes)
        if (declared := self._kind_of(span)) is not None:
            yield from self._carried(where, span.attributes, declared.carries)
        for event in span.events:
            if event.name not in self._declared.events and event.name not in conventions.EVENTS:
                yield f"{where} has an event “{event.name}” that is not declared"
            yield from self._event(f"event “{event.name}” of {where}", event.name, event.attributes)
        for link in span.links:
            yield from self._attributes(f"a link of {where}", link.attributes)

    def _record(self, record: LogRecord) -> Iterator[str]:
        where = f"record “{record.event_name or record.body}”"
        if record.event_name and record.event_name not in self._declared.events:
            yield f"{where} has an event name that is not declared"
        yield from self._event(where, record.event_name or "", record.attributes)

    def _kind_of(self, span: ReadableSpan) -> names.Span | None:
        """The declaration of the span, if any."""
        if span.kind is SpanKind.SERVER:
            return self._declared.core.request
        if span.kind is SpanKind.CLIENT:
            statement = "db.system.name" in (span.attributes or {})
            return self._declared.spans[names.STATEMENT if statement else names.CALL]
        return self._declared.spans.get(span.name)

    def _event(self, where: str, name: str, attributes: Mapping[str, Any] | None) -> Iterator[str]:
        yield from self._attributes(where, attributes)
        if (event := self._declared.events.get(name)) is None:
            return
        if not event.wide:
            yield from self._carried(where, attributes, event.carries)
        elif set(self._declared.core.stages) & set(self._declared.spans):
            known = dict.fromkeys(self._declared.wide, names.RECOMMENDED)  # a request may abort
            yield from self._carried(where, attributes, known)

    def _carried(
        self, where: str, attributes: Mapping[str, Any] | None, carries: names.Carried
    ) -> Iterator[str]:
        """Check that the service's own attributes are declared for this signal, and complete.

        Work that ended without a result has none of them.
        """
        core = self._declared.core
        known = self._declared.attributes.keys() - {core.batch, core.batch_items}
        own = {each for each in attributes or {} if each in known}
        for name in sorted(own - set(carries)):
            yield f"{where} carries “{name}”, which is not declared for it"
        required = {name for name, level in carries.items() if level == names.REQUIRED}
        if required & own:
            for name in sorted(required - set(attributes or {})):
                yield f"{where} lacks “{name}”, which is required"

    def _metric(self, metric: Metric) -> Iterator[str]:
        if metric.name.startswith("otel.sdk."):  # the SDK's own
            return
        where, ours = f"metric “{metric.name}”", self._declared.metrics.get(metric.name)
        wanted = ours or conventions.metrics().get(metric.name)
        if wanted is None:
            yield f"{where} is not declared"
            return
        kind = wanted.instrument if isinstance(wanted, names.Metric) else wanted.kind
        if (metric.unit, _kind(metric)) != (wanted.unit, kind):
            yield f"{where} is a {_kind(metric)} in {metric.unit}, not a {kind} in {wanted.unit}"
        temporality = getattr(metric.data, "aggregation_temporality", None)
        if temporality not in (None, AggregationTemporality.CUMULATIVE):
            yield f"{where} is not cumulative"
        points: Any = metric.data.data_points
        for point in points:
            yield from self._attributes(where, point.attributes)
            if ours is not None:
                yield from _point(where, point, ours)

    def _attributes(self, where: str, attributes: Mapping[str, Any] | None) -> Iterator[str]:
        for name, value in (attributes or {}).items():
            if (declared := self._declared.attributes.get(name)) is not None:
                yield from (f"{where}: {name} {wrong}" for wrong in _value(value, declared))
            elif name not in conventions.attributes():
                yield f"{where} has an attribute “{name}” that is not declared"


def _point(where: str, point: Any, ours: names.Metric) -> Iterator[str]:
    for name in set(point.attributes) - set(ours.attributes):
        yield f"{where} has the attribute “{name}”, which is not declared for it"
    if ours.bounds and tuple(getattr(point, "explicit_bounds", ours.bounds)) != ours.bounds:
        yield f"{where} has other buckets than declared"


def _kind(metric: Metric) -> str:
    if isinstance(metric.data, Sum):
        return "counter" if metric.data.is_monotonic else "updowncounter"
    kinds = {Histogram: "histogram", Gauge: "gauge"}
    return kinds.get(type(metric.data), type(metric.data).__name__)


def _value(value: Any, declared: names.Attribute) -> Iterator[str]:
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

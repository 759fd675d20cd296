"""Spans and log records that are stored directly, without a receiver, with chosen times."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from observatory.intake import logs, metrics, spans
from observatory.intake.otlp_messages import LogsRequest, MetricsRequest, TracesRequest
from observatory.intake.row_blocks import Decoded
from observatory.intake.time_window import Window
from observatory.store.engine import Engine
from tests.observatory.messages import attributes, request, value

NOW = 1_900_000_000 * 10**9
"""The time on the page's clock: a Sunday in March 2030."""
MS, SECOND, MINUTE, HOUR = 10**6, 10**9, 60 * 10**9, 3600 * 10**9
RECENT = NOW - MINUTE
TABLES = (
    "otel_traces",
    "otel_traces_trace_id_ts",
    "otel_logs",
    "otel_metrics_gauge",
    "otel_metrics_sum",
    "otel_metrics_histogram",
)
SCOPE = InstrumentationScope(name="tests")
ALL_TIME = Window(0, 2**62)
SERVER, CLIENT, INTERNAL = Span.SPAN_KIND_SERVER, Span.SPAN_KIND_CLIENT, Span.SPAN_KIND_INTERNAL
ERROR = Status(code=Status.STATUS_CODE_ERROR, message="it broke")


def trace_id(number: int) -> str:
    return f"{number:032x}"


def span_id(number: int) -> str:
    return f"{number:016x}"


@dataclass(frozen=True, slots=True)
class Part:
    """A span; `start` and `length` in nanoseconds, `start` from the beginning of its trace."""

    number: int
    parent: int = 0
    name: str = "work"
    start: int = 0
    length: int = MS
    service: str = "vitrine"
    kind: int = INTERNAL
    has: Mapping[str, Any] = field(default_factory=dict)
    status: Status | None = None
    resource: Mapping[str, Any] = field(default_factory=dict)
    more: Mapping[str, Any] = field(default_factory=dict)
    """Other fields of OTLP's Span."""

    def span(self, trace: int, begin: int) -> Span:
        start = begin + self.start
        return Span(
            trace_id=bytes.fromhex(trace_id(trace)),
            span_id=bytes.fromhex(span_id(self.number)),
            parent_span_id=bytes.fromhex(span_id(self.parent)) if self.parent else b"",
            name=self.name,
            kind=self.kind,  # type: ignore[arg-type]
            start_time_unix_nano=start,
            end_time_unix_nano=start + self.length,
            attributes=attributes(self.has),
            status=self.status,
            **self.more,
        )


def served(
    route: str = "/recommend", code: int = 200, method: str = "GET", **more: Any
) -> dict[str, Any]:
    """Attributes of a server's span; others with `__` for a dot."""
    return {
        "http.route": route,
        "http.request.method": method,
        "http.response.status_code": code,
        **{name.replace("__", "."): each for name, each in more.items()},
    }


def root(number: int = 1, **given: Any) -> Part:
    """A request that was answered."""
    usual: dict[str, Any] = {
        "name": "GET /recommend",
        "kind": SERVER,
        "length": 10 * MS,
        "has": served(),
    }
    return Part(number, **(usual | given))


@dataclass(frozen=True, slots=True)
class StoredTelemetry:
    """The tables, empty at first."""

    engine: Engine

    def trace(self, trace: int, begin: int, *parts: Part) -> str:
        """Store spans; the trace's id. `begin`: nanoseconds since 1970."""
        message = TracesRequest()
        for part in parts:
            resource = {"service.name": part.service, **part.resource}
            one = request("traces", [part.span(trace, begin)], resource, SCOPE)
            message.MergeFromString(one.SerializeToString())
        self._store(spans, message)
        return trace_id(trace)

    def logs(self, records: Iterable[LogRecord], **resource: Any) -> None:
        """Store log records of a service."""
        named = {"service.name": "vitrine", **resource}
        message = request("logs", records, named).SerializeToString()
        self._store(logs, LogsRequest.FromString(message))

    def metrics(self, points: Iterable[Metric], service: str) -> None:
        """Store metrics of a service."""
        message = request("metrics", points, {"service.name": service}).SerializeToString()
        self._store(metrics, MetricsRequest.FromString(message))

    def _store(self, signal: Any, message: Any) -> None:
        decoded = Decoded()
        signal.decode(message, ALL_TIME, decoded)
        decoded.finish()
        assert decoded.rejected == 0, decoded.reason
        for layout, block in decoded.blocks.items():
            self.engine.insert(layout.insert, block)

    def empty(self) -> None:
        for table in TABLES:
            self.engine.run(f"TRUNCATE TABLE otel.{table} ")


def record(
    output: str, at: int, trace: int = 0, span: int = 0, level: str = "INFO", **has: Any
) -> LogRecord:
    """A log record; attributes with `__` for a dot."""
    numbers = {"DEBUG": 5, "INFO": 9, "WARN": 13, "ERROR": 17}
    return LogRecord(
        time_unix_nano=at,
        body=value(output),
        trace_id=bytes.fromhex(trace_id(trace)) if trace else b"",
        span_id=bytes.fromhex(span_id(span)) if span else b"",
        severity_text=level,
        severity_number=numbers[level],  # type: ignore[arg-type]
        attributes=attributes({name.replace("__", "."): each for name, each in has.items()}),
    )

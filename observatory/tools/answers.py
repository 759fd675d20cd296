"""The types of the answers. Times are ISO 8601 in UTC; each answer links to the page of it."""

from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel, Field

Attributes = dict[str, Any]


def iso(nanoseconds: str | int) -> str:
    """A time in nanoseconds since 1970 as ISO 8601, to the microsecond."""
    seconds, rest = divmod(int(nanoseconds), 10**9)
    time = datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest // 1000)
    return time.isoformat().replace("+00:00", "Z")


def milliseconds(nanoseconds: int) -> float:
    """A duration in milliseconds, to the microsecond."""
    return round(nanoseconds / 1e6, 3)


class Answer(BaseModel):
    """What every answer has."""

    url: str = Field(description="the page that shows this")
    cut: bool = Field(False, description="whether long lists or texts were cut: ask for less")


class TraceFound(BaseModel):
    """A trace, represented by its root span."""

    trace_id: str
    time: str
    service: str
    name: str
    route: str
    status: str
    http_status: int | None
    degraded: bool
    duration_ms: float
    spans: int
    errors: int
    url: str


class Traces(Answer):
    """Traces that match, newest first."""

    traces: list[TraceFound]
    next: str | None = Field(description="pass as `before` for the next page; null: no more")


class SpanShown(BaseModel):
    """A span; times from the start of the trace."""

    span_id: str
    parent_id: str | None
    depth: int
    service: str
    name: str
    kind: str
    status: str
    status_message: str
    offset_ms: float
    duration_ms: float
    self_ms: float = Field(description="time in which no child ran")
    critical_ms: float = Field(description="time on the critical path")
    attributes: Attributes
    events: list[Attributes]
    links: list[str] = Field(description="trace ids")


class Trace(Answer):
    """A trace as a tree: spans in depth-first order."""

    trace_id: str
    time: str
    duration_ms: float
    services: list[str]
    span_count: int = Field(description="spans of the trace, at least")
    left_out: int = Field(description="spans left out: short ones off the critical path")
    critical_path: list[Attributes] = Field(
        description="what the response waited for: name, span_id, critical_ms, longest first"
    )
    spans: list[SpanShown]
    log_count: int


class LogFound(BaseModel):
    """A log record."""

    time: str
    service: str
    severity: str
    body: str
    event: str
    trace_id: str
    span_id: str
    attributes: Attributes


class Logs(Answer):
    """Log records that match, newest first."""

    logs: list[LogFound]
    next: str | None = Field(description="pass as `before` for the next page; null: no more")


class SqlResult(Answer):
    """The result of a statement."""

    columns: list[str] = Field(description="name and type of each")
    rows: list[list[Any]]
    truncated: bool = Field(description="whether there are more rows")
    seconds: float


class Report(Answer):
    """A report as the observatory's API has it."""

    report: Attributes

"""The tools: typed questions to a running observatory, read-only, with answers of bounded size."""

from datetime import datetime
from typing import Annotated, Any, Literal, TypeVar
from urllib.parse import parse_qs

from pydantic import Field

from observatory.durations import seconds_of
from observatory.tools.answers import (
    Answer,
    LogFound,
    Logs,
    Report,
    SpanShown,
    SqlResult,
    Trace,
    TraceFound,
    Traces,
    iso,
    milliseconds,
)
from observatory.tools.bounded import bounded
from observatory.tools.client import Client, ToolFailure

MAX_SPANS, MAX_ROWS = 100, 200
A = TypeVar("A", bound=Answer)

Since = Annotated[str, Field(description="start: 30m, 2h, 3d (before the end), or an ISO time")]
Until = Annotated[str | None, Field(description="end: an ISO time [now]")]
Service = Annotated[str | None, Field(description="service.name")]
Tests = Annotated[
    list[str] | None,
    Field(description="tests of attributes: key, key=value, key!=value or key~part; resource.key"),
]
Before = Annotated[str | None, Field(description="the `next` of the previous page")]
Limit = Annotated[int, Field(description="most of them in the answer", ge=1, le=100)]


class Tools:
    """Each public method is a tool."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def traces(  # noqa: PLR0913, PLR0917  each is an option of the tool
        self,
        since: Since = "1h",
        until: Until = None,
        service: Service = None,
        route: Annotated[str | None, Field(description="http.route, or the root's name")] = None,
        status: Literal["ok", "error", "degraded"] | None = None,
        min_ms: Annotated[float | None, Field(description="least duration")] = None,
        max_ms: Annotated[float | None, Field(description="largest duration")] = None,
        attr: Tests = None,
        limit: Limit = 20,
        before: Before = None,
    ) -> Traces:
        """Search traces by time, service, route, status, duration and attributes; newest first."""
        chosen = {
            **_range(since, until),
            "service": service,
            "route": route,
            "status": status,
            "attr": attr,
            "min_ms": min_ms,
            "max_ms": max_ms,
        }
        found = self._client.get("/api/traces", {**chosen, "limit": limit, "before": before})
        traces = [self._trace_found(each) for each in found["traces"]]
        return _answer(
            Traces(url=self._client.link("/traces", chosen), traces=traces, next=found["next"])
        )

    def trace(self, trace_id: Annotated[str, Field(description="32 hexadecimal digits")]) -> Trace:
        """One trace as a tree of spans, with its critical path: what the response waited for."""
        found = self._client.get(f"/api/traces/{trace_id}")
        spans = [_span(each) for each in found["spans"]]
        shown = _most_telling(spans)
        path = sorted((each for each in spans if each.critical_ms), key=lambda s: -s.critical_ms)
        return _answer(
            Trace(
                url=self._client.link(f"/trace/{found['trace_id']}"),
                trace_id=found["trace_id"],
                time=iso(found["time"]),
                duration_ms=milliseconds(found["duration"]),
                services=found["services"],
                span_count=len(spans),
                left_out=len(spans) - len(shown),
                critical_path=[
                    {"name": s.name, "span_id": s.span_id, "critical_ms": s.critical_ms}
                    for s in path[:20]
                ],
                spans=shown,
                log_count=len(found["logs"]),
            )
        )

    def logs(  # noqa: PLR0913, PLR0917  each is an option of the tool
        self,
        since: Since = "1h",
        until: Until = None,
        words: Annotated[str | None, Field(description="words in the body")] = None,
        severity: Annotated[
            Literal["debug", "info", "warn", "error"] | None, Field(description="the lowest")
        ] = None,
        service: Service = None,
        trace_id: Annotated[str | None, Field(description="of this trace only")] = None,
        attr: Tests = None,
        limit: Limit = 20,
        before: Before = None,
    ) -> Logs:
        """Search log records by time, words, severity, service, trace and attributes."""
        chosen = {
            **_range(since, until),
            "q": words,
            "severity": severity,
            "service": service,
            "trace_id": trace_id,
            "attr": attr,
        }
        found = self._client.get("/api/logs", {**chosen, "limit": limit, "before": before})
        kept = LogFound.model_fields
        logs = [
            LogFound(
                **{name: value for name, value in each.items() if name in kept and name != "time"},
                time=iso(each["time"]),
            )
            for each in found["logs"]
        ]
        return _answer(Logs(url=self._client.link("/logs", chosen), logs=logs, next=found["next"]))

    def sql(
        self,
        query: Annotated[
            str,
            Field(
                description="one SELECT, SHOW or DESCRIBE in ClickHouse's SQL; the views `spans`, "
                "`logs` and `metrics` are the simplest to query, `SHOW TABLES` lists all"
            ),
        ],
        limit: Annotated[int, Field(description="most rows", ge=1, le=MAX_ROWS)] = 100,
    ) -> SqlResult:
        """Run a read-only SQL statement over the stored traces, logs and metrics."""
        found = self._client.post("/api/sql", {"query": query})
        return _answer(
            SqlResult(
                url=self._client.link("/sql", {"q": query}),
                columns=[f"{each['name']} {each['type']}" for each in found["columns"]],
                rows=found["rows"][:limit],
                truncated=found["truncated"] or len(found["rows"]) > limit,
                seconds=found["seconds"],
            )
        )

    def health(
        self, last: Annotated[int, Field(description="seconds", ge=60, le=86_400)] = 900
    ) -> Report:
        """Whether the service is well: a verdict, objectives, alerts, services, dependencies."""
        report = self._client.get("/api/health", {"last": last})
        return _answer(Report(url=self._client.link("/"), report=report))

    def diagnose(
        self,
        since: Since = "10m",
        until: Until = None,
        service: Service = None,
        baseline: Annotated[
            int, Field(description="seconds before the start to compare with", ge=10, le=86_400)
        ] = 3600,
    ) -> Report:
        """What broke: causes ranked by evidence, each with the symptoms that it explains."""
        chosen = _range(since, until)
        asked = {**chosen, "service": service, "baseline": baseline}
        report = self._client.get("/api/diagnose", asked)
        return _answer(Report(url=self._client.link("/diagnose", asked), report=report))

    def compare(
        self,
        requests: Annotated[
            str,
            Field(
                description="filter of the requests, as in an address: status=error&last=3600; "
                "the names are last, from, to, service, route, status, min_ms, max_ms, attr"
            ),
        ],
        others: Annotated[
            str, Field(description="filter of the others; empty: all others in the same time")
        ] = "",
    ) -> Report:
        """What separates two sets of requests beyond chance, ranked: attributes, stages, logs."""
        asked: dict[str, Any] = dict(parse_qs(requests.lstrip("?")))
        asked |= {f"base_{name}": each for name, each in parse_qs(others.lstrip("?")).items()}
        report = self._client.get("/api/compare", asked)
        return _answer(Report(url=self._client.link("/compare", asked), report=report))

    def _trace_found(self, row: dict[str, Any]) -> TraceFound:
        kept = {name: row[name] for name in TraceFound.model_fields if name in row}
        return TraceFound(
            **kept
            | {
                "time": iso(row["time"]),
                "duration_ms": milliseconds(row["duration"]),
                "url": self._client.link(f"/trace/{row['trace_id']}"),
            }
        )


def _answer(answer: A) -> A:
    try:
        content, cut = bounded(answer.model_dump())
    except ValueError as error:
        raise ToolFailure(f"{str(error).capitalize()}.") from error
    return type(answer).model_validate({**content, "url": answer.url, "cut": cut})


def _range(since: str, until: str | None) -> dict[str, int]:
    """The parameters `last`, `from` and `to` of the API."""
    end = {"to": _time(until)} if until else {}
    if (last := seconds_of(since)) is not None:
        return {"last": last, **end}
    return {"from": _time(since), **end}


def _time(text: str) -> int:
    """Milliseconds since 1970."""
    try:
        return int(datetime.fromisoformat(text).timestamp() * 1000)
    except (ValueError, OverflowError) as error:
        raise ToolFailure(
            f"{text!r} is not a time: write 30m, 2h, or 2026-11-30T14:00:00Z."
        ) from error


def _span(row: dict[str, Any]) -> SpanShown:
    copied = ("span_id", "parent_id", "depth", "service", "name", "kind", "status")
    return SpanShown(
        **{name: row[name] for name in (*copied, "status_message", "attributes")},
        offset_ms=milliseconds(row["offset"]),
        duration_ms=milliseconds(row["duration"]),
        self_ms=milliseconds(row["self"]),
        critical_ms=milliseconds(sum(length for _, length in row["critical"])),
        events=[{"name": each["name"], **each["attributes"]} for each in row["events"]],
        links=[each["trace_id"] for each in row["links"]],
    )


def _most_telling(spans: list[SpanShown]) -> list[SpanShown]:
    """At most MAX_SPANS in the order of the tree: errors, the critical path, then the longest."""

    def rank(at: int) -> tuple[bool, bool, float]:
        span = spans[at]
        return (span.depth > 0 and span.status != "Error", not span.critical_ms, -span.duration_ms)

    kept = sorted(range(len(spans)), key=rank)[:MAX_SPANS]
    return [spans[at] for at in sorted(kept)]

"""Figures of the reports on spans, compared with values worked out by hand."""

from dataclasses import replace

from opentelemetry.semconv.attributes.error_attributes import ERROR_TYPE
from opentelemetry.semconv.attributes.exception_attributes import (
    EXCEPTION_STACKTRACE,
    EXCEPTION_TYPE,
)
from opentelemetry.semconv.attributes.http_attributes import (
    HTTP_REQUEST_METHOD,
    HTTP_RESPONSE_STATUS_CODE,
    HTTP_ROUTE,
)

from app.recommend.stages import ANALYZE, FETCH_TOPIC, RETRIEVE
from app.telemetry import vocabulary as v
from tests.observatory.report_results import Reports
from tests.observatory.report_telemetry import Attributes, Event, Record, Span, trace_id

NAME = "POST /recommend"
STACK = """Traceback (most recent call last):
  File "/app/api/recommend.py", line 3, in recommend
    return parts.recommend(asked)
  File "/app/recommend/ranking.py", line 27, in rank
    raise KeyError
KeyError"""


def request(trace: str, seconds: float, status: int = 200, ago: float = 100) -> Span:
    """The span of a request."""
    about: Attributes = {
        HTTP_REQUEST_METHOD: "POST",
        HTTP_ROUTE: "/recommend",
        HTTP_RESPONSE_STATUS_CODE: status,
    }
    return Span(
        name=NAME, trace=trace, id="1", ago=ago, seconds=seconds, kind="Server",
        failed=status >= 500, attributes=about, scope="fastapi",
    )  # fmt: skip


def test_red_per_route(reports: Reports) -> None:
    reports.insert(
        request("a", 0.1),
        request("b", 0.2),
        request("c", 0.3, 422),
        request("d", 0.4, 500),
        request("e", 9, ago=3700),
        Span(name=ANALYZE, trace="a", id="2", parent="1", ago=100, seconds=0.05),
    )
    [row] = reports.rows("red_per_route")
    assert row == {
        "service": "vitrine",
        "method": "POST",
        "route": "/recommend",
        "requests": 4,
        "requests_per_second": 0.001,
        "errors": 1,
        "error_percent": 25,
        "refused": 1,
        "p50_seconds": 0.25,
        "p95_seconds": 0.385,  # 0.85 of the way from the third to the fourth
        "p99_seconds": 0.397,
    }


def test_stage_latency(reports: Reports) -> None:
    analyze = Span(name=ANALYZE, trace="a", id="2", parent="1", ago=100, seconds=0.1)
    reports.insert(
        request("a", 1),
        analyze,
        replace(analyze, name=RETRIEVE, id="3", seconds=0.25),
        replace(analyze, name=RETRIEVE, id="6", seconds=0.25),
        replace(analyze, name="SELECT", id="4", parent="3", kind="Client", scope="sqlite3"),
        replace(analyze, name=FETCH_TOPIC, id="5", seconds=0.4, failed=True),
        request("b", 0.5),
        replace(analyze, trace="b", seconds=0.2),
        replace(analyze, trace="c", seconds=7),  # its request was not sampled
    )
    rows = reports.rows("stage_latency")
    assert [[*row.values()] for row in rows] == [
        ["vitrine", RETRIEVE, 2, 0, 0.25, 0.25, 0.25, 50],
        ["vitrine", FETCH_TOPIC, 1, 1, 0.4, 0.4, 0.4, 40],
        ["vitrine", ANALYZE, 2, 0, 0.15, 0.195, 0.199, 20],  # 0.3 s of 1.5 s
    ]


def test_error_groups(reports: Reports) -> None:
    late = Span(
        name=FETCH_TOPIC, trace="a", id="2", ago=100, seconds=0.3, failed=True,
        attributes={ERROR_TYPE: "TimeoutError"},
    )  # fmt: skip
    unexpected = Event(
        name="exception",
        attributes={EXCEPTION_TYPE: "KeyError", EXCEPTION_STACKTRACE: STACK},
    )
    reports.insert(
        late,
        replace(late, trace="b", ago=50),
        replace(request("c", 1, 500), events=(Event(name=v.CACHE_MISS), unexpected)),
        replace(request("f", 1, 500), ago=70),  # its exception is in the logs only
        Record(
            body="KeyError in “rank”", ago=69, trace="f", span="1", severity="ERROR", number=17,
            attributes=unexpected.attributes,
        ),
        replace(late, trace="d", name="GET", ago=70, attributes={}),
        request("e", 1, 422),
    )  # fmt: skip
    rows = reports.rows("error_groups")
    place = 'File "/app/recommend/ranking.py", line 27, in rank'
    first, then, last = (reports.moment(ago) for ago in (100, 70, 50))
    assert [[*row.values()] for row in rows] == [
        ["KeyError", "vitrine", NAME, place, 2, 2, first, then, trace_id("f")],
        ["TimeoutError", "vitrine", FETCH_TOPIC, "", 2, 2, first, last, trace_id("b")],
        ["unknown", "vitrine", "GET", "", 1, 1, then, then, trace_id("d")],
    ]


def part(trace: str, number: str, start: float, end: float, parent: str = "1") -> Span:
    """A part of a request, from second to second of it."""
    return Span(
        name=f"part {number}", trace=trace, id=number, parent=parent, ago=100 - start,
        seconds=end - start,
    )  # fmt: skip


def test_slowest_traces(reports: Reports) -> None:
    """Of the first 0.2 s are the request's own: part 4 ends after the answer.

    Of the second 0.6 s, as its parts cover only 0.4 s together. Of the third part 2 has 0.6 s of
    its own: it did not wait for the end of part 3.
    """
    reports.insert(
        request("a", 1.03),
        part("a", "2", 0.1, 0.4),
        part("a", "3", 0.2, 0.93),
        replace(part("a", "4", 0.33, 2, "3"), failed=True),
        request("b", 1.02),
        part("b", "2", 0, 0.42),
        part("b", "3", 0.1, 0.42),
        request("c", 1.01),
        part("c", "2", 0, 0.8),
        part("c", "3", 0.6, 2, "2"),
        request("d", 8, ago=3700),
    )
    rows = reports.rows("slowest_traces")
    common = [reports.moment(100), "vitrine", NAME]
    assert [[*row.values()] for row in rows] == [
        [*common, 1.03, "part 4", 0.7, 4, 1, trace_id("a")],
        [*common, 1.02, NAME, 0.6, 3, 0, trace_id("b")],
        [*common, 1.01, "part 2", 0.6, 3, 0, trace_id("c")],
    ]


def test_the_twenty_slowest_are_reported(reports: Reports) -> None:
    reports.insert(*(request(f"{number:x}", number / 100) for number in range(1, 24)))
    rows = reports.rows("slowest_traces")
    assert [row["seconds"] for row in rows] == [number / 100 for number in range(23, 3, -1)]

"""One trace, as its view gets it."""

from typing import Any

from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.observatory.messages import attributes
from tests.observatory.page_client import Page
from tests.observatory.stored_telemetry import (
    CLIENT,
    ERROR,
    HOUR,
    MS,
    NOW,
    RECENT,
    SECOND,
    SERVER,
    Part,
    StoredTelemetry,
    record,
    root,
    span_id,
    trace_id,
)

ALL_OF_IT = {
    "span_id": span_id(1),
    "parent_id": None,
    "service": "vitrine",
    "name": "GET /recommend",
    "kind": "Server",
    "status": "Error",
    "status_message": "it broke",
    "offset": 0,
    "duration": 10 * MS,
    "self": 10 * MS,
    "critical": [[0, 10 * MS]],
    "depth": 0,
    "children": 0,
    "orphan": False,
    "skew": 0,
    "resource": 0,
    "attributes": {"a": "text", "b": "2", "c": '[1,"x"]', "d": "true"},
    "events": [{"name": "cache_miss", "offset": 5, "attributes": {"a": "1"}}],
    "links": [
        {
            "trace_id": trace_id(7),
            "span_id": span_id(8),
            "attributes": {"why": "feedback"},
        }
    ],
    "scope": "tests",
}
"""What is shown of a span that has everything."""


def spans(trace: dict[str, Any], *names: str) -> list[Any]:
    """Of each span these of its values."""
    return [tuple(span[name] for name in names) for span in trace["spans"]]


def test_all_of_a_span(page: Page, stored: StoredTelemetry) -> None:
    event = Span.Event(
        time_unix_nano=RECENT + 5, name="cache_miss", attributes=attributes({"a": 1})
    )
    other = bytes.fromhex(trace_id(7)), bytes.fromhex(span_id(8))
    link = Span.Link(
        trace_id=other[0], span_id=other[1], attributes=attributes({"why": "feedback"})
    )
    has = {"a": "text", "b": 2, "c": [1, "x"], "d": True}
    stored.trace(1, RECENT, root(has=has, status=ERROR, more={"events": [event], "links": [link]}))
    trace = page.get(f"traces/{trace_id(1)}")
    assert trace == {
        "trace_id": trace_id(1),
        "time": str(RECENT),
        "duration": 10 * MS,
        "total_spans": 1,
        "services": ["vitrine"],
        "resources": [{"service.name": "vitrine"}],
        "spans": [ALL_OF_IT],
        "logs": [],
        "critical_path": [{"span_id": span_id(1), "offset": 0, "length": 10 * MS}],
        "truncated": False,
        "logs_truncated": False,
    }


def test_the_tree_and_the_path(page: Page, stored: StoredTelemetry) -> None:
    stored.trace(
        1,
        RECENT,
        Part(4, 3, "GET", start=5, length=2, kind=CLIENT),
        Part(2, 1, "a", start=1, length=3),
        Part(1, 0, "r", length=10),
        Part(3, 1, "b", start=4, length=5),
    )
    trace = page.get(f"traces/{trace_id(1)}")
    assert spans(trace, "name", "depth", "children", "offset", "self", "critical") == [
        ("r", 0, 2, 0, 2, [[0, 1], [9, 1]]),
        ("a", 1, 0, 1, 3, [[1, 3]]),
        ("b", 1, 1, 4, 3, [[4, 1], [7, 2]]),
        ("GET", 2, 0, 5, 2, [[5, 2]]),
    ]
    assert [(each["span_id"][-1], each["length"]) for each in trace["critical_path"]] == [
        ("1", 1),
        ("2", 3),
        ("3", 1),
        ("4", 2),
        ("3", 2),
        ("1", 1),
    ]


def test_services_and_their_clocks(page: Page, stored: StoredTelemetry) -> None:
    stored.trace(
        1,
        RECENT,
        root(resource={"host.name": "one", "process.pid": 7}),
        Part(2, 1, service="wikipedia", start=-3 * SECOND, length=4 * MS, kind=SERVER),
        Part(3, 1, service="other", start=-3, length=4, resource={"host.name": "one"}),
    )
    late = Span.Event(time_unix_nano=RECENT - 3 * SECOND + MS, name="then")
    stored.trace(
        1, RECENT, Part(4, 2, "inner", -3 * SECOND, service="wikipedia", more={"events": [late]})
    )
    stored.logs([record("skewed", RECENT - 3 * SECOND, trace=1, span=2)])

    trace = page.get(f"traces/{trace_id(1)}")

    moved = 3 * SECOND + 3 * MS
    assert sorted(spans(trace, "service", "offset", "skew")) == [
        ("other", 0, 0),  # one machine has one clock: it did begin before
        ("vitrine", 3, 0),
        ("wikipedia", 3 + 3 * MS, moved),
        ("wikipedia", 3 + 3 * MS, moved),
    ]
    assert trace["time"] == str(RECENT - 3)
    assert trace["services"] == ["other", "vitrine", "wikipedia"]
    [own] = [each for each in trace["spans"] if each["service"] == "vitrine"]
    assert trace["resources"][own["resource"]] == {
        "service.name": "vitrine",
        "host.name": "one",
        "process.pid": "7",
    }
    [event] = [event for span in trace["spans"] for event in span["events"]]
    assert event["offset"] == 3 + 4 * MS
    assert trace["logs"][0]["offset"] == 3 + 3 * MS


def test_instances_of_a_service_are_apart(page: Page, stored: StoredTelemetry) -> None:
    instances = [{"service.instance.id": name} for name in ("one", "two")]
    stored.trace(1, RECENT, root(resource=instances[0]), Part(2, 1, resource=instances[1]))
    trace = page.get(f"traces/{trace_id(1)}")
    found = [trace["resources"][each["resource"]] for each in trace["spans"]]
    assert found == [{"service.name": "vitrine", **each} for each in instances]


def test_orphans_circles_and_twins(page: Page, stored: StoredTelemetry) -> None:
    stored.trace(
        1,
        RECENT,
        Part(1, 0, "root", length=5),
        Part(2, 99, "orphan", start=1, length=100),
        Part(3, 4, "circle", start=2, length=2),
        Part(4, 3, "round", start=3, length=2),
        Part(5, 5, "itself", start=4),
        Part(1, 0, "twin", start=5, length=3),
        Part(6, 1, "child", start=1, length=1),
    )
    trace = page.get(f"traces/{trace_id(1)}")
    assert spans(trace, "name", "depth", "orphan") == [
        ("root", 0, False),
        ("child", 1, False),
        ("orphan", 0, True),
        ("circle", 0, True),
        ("round", 1, False),
        ("itself", 0, True),
        ("twin", 0, False),
    ]
    assert spans(trace, "parent_id")[2:4] == [(span_id(99),), (span_id(4),)]
    assert sum(each["length"] for each in trace["critical_path"]) == 5


def test_a_span_that_was_sent_twice_is_shown_once(page: Page, stored: StoredTelemetry) -> None:
    for _ in range(2):
        stored.trace(1, RECENT, root(), Part(2, 1))
    trace = page.get(f"traces/{trace_id(1)}")
    assert [span[-1] for (span,) in spans(trace, "span_id")] == ["1", "2"]


def test_sent_in_batches_hours_apart(page: Page, stored: StoredTelemetry) -> None:
    stored.trace(1, NOW - 20 * HOUR, root(length=20 * HOUR))
    stored.trace(1, NOW - HOUR, Part(2, 1))
    trace = page.get(f"traces/{trace_id(1)}")
    assert spans(trace, "offset") == [(0,), (19 * HOUR,)]


def test_ids_in_capitals(page: Page, stored: StoredTelemetry) -> None:
    stored.trace(0xABC, RECENT, root())
    assert page.get(f"traces/{trace_id(0xABC).upper()}")["trace_id"] == trace_id(0xABC)

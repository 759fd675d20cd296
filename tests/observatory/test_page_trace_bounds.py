"""A trace's log records; traces that are not there, as they are stored, larger than the view."""

from tests.cases import cases
from tests.observatory.page_client import Page
from tests.observatory.stored_telemetry import (
    HOUR,
    RECENT,
    Part,
    StoredTelemetry,
    record,
    root,
    span_id,
    trace_id,
)


def test_its_log_records(page: Page, stored: StoredTelemetry) -> None:
    stored.trace(1, RECENT, root())
    stored.logs(
        [
            record("second", RECENT + 9, trace=1, span=1, level="WARN", a=1),
            record("first", RECENT - 5, trace=1),
            record("of another", RECENT, trace=2),
            record("of none", RECENT),
            record("long after", RECENT + HOUR, trace=1),
        ]
    )
    logs = page.get(f"traces/{trace_id(1)}")["logs"]
    assert logs == [
        {
            "offset": -5,
            "time": str(RECENT - 5),
            "span_id": "",
            "severity": "INFO",
            "severity_number": 9,
            "body": "first",
            "attributes": {},
            "event": "",
        },
        {
            "offset": 9,
            "time": str(RECENT + 9),
            "span_id": span_id(1),
            "severity": "WARN",
            "severity_number": 13,
            "body": "second",
            "attributes": {"a": "1"},
            "event": "",
        },
    ]


@cases("view", ["", "/raw"])
def test_unknown(page: Page, view: str) -> None:
    problem = page.problem(f"traces/{trace_id(1)}{view}")
    assert problem["status"] == 404
    assert "2 s after" in problem["detail"]


@cases("view", ["", "/raw"])
@cases("output", ["1", "g" * 32, "0" * 31, "0" * 33, "%00", "٣" * 32, "' OR 1=1 --"])
def test_no_id(page: Page, output: str, view: str) -> None:
    problem = page.problem(f"traces/{output}{view}")
    assert (problem["status"], problem["detail"]) == (
        422,
        "trace id: must be 32 hexadecimal digits",
    )


def test_raw(page: Page, stored: StoredTelemetry) -> None:
    stored.trace(1, RECENT, root(), Part(2, 1))
    stored.logs([record("output", RECENT, trace=1)])
    raw = page.get(f"traces/{trace_id(1)}/raw")
    assert [row["SpanId"] for row in raw["spans"]] == [span_id(1), span_id(2)]
    assert raw["spans"][0]["SpanAttributes"]["http.route"] == "/recommend"
    assert raw["spans"][0]["Timestamp"] == "2030-03-17 17:45:40.000000000"
    assert [row["Body"] for row in raw["logs"]] == ["output"]


def test_more_spans_than_are_shown(page: Page, stored: StoredTelemetry) -> None:
    children = [Part(number, 1, start=number, length=1) for number in range(2, 5003)]
    stored.trace(1, RECENT, *children, root(start=5010))
    trace = page.get(f"traces/{trace_id(1)}")
    assert trace["truncated"]
    assert len(trace["spans"]) == 5000
    # The root is among them, though it begins last.
    names = {span["name"] for span in trace["spans"]}
    assert "GET /recommend" in names
    assert page.get("traces")["traces"][0]["spans"] == 5002


def test_just_as_many_as_are_shown(page: Page, stored: StoredTelemetry) -> None:
    stored.trace(1, RECENT, root(), *(Part(number, 1) for number in range(2, 5001)))
    trace = page.get(f"traces/{trace_id(1)}")
    assert (len(trace["spans"]), trace["truncated"]) == (5000, False)


def test_more_log_records_than_are_shown(page: Page, stored: StoredTelemetry) -> None:
    stored.trace(1, RECENT, root())
    stored.logs([record(str(number), RECENT + number, trace=1) for number in range(1001)])
    trace = page.get(f"traces/{trace_id(1)}")
    assert (len(trace["logs"]), trace["logs_truncated"], trace["truncated"]) == (1000, True, False)

"""Values that are too long or too many are cut, and marked as such."""

from tests.observatory.page_client import Page
from tests.observatory.stored_telemetry import RECENT, StoredTelemetry, record, root, trace_id

LONG = "x" * 1_000_000
KEPT, LIST = 262_144, 4096
"""Bytes: of what is stored, and of what is shown in a list."""


def test_long_values(page: Page, stored: StoredTelemetry) -> None:
    has = {"long": LONG, "http.route": LONG}
    stored.trace(1, RECENT, root(has=has, name=LONG, service=LONG))
    stored.logs([record(LONG, RECENT, trace=1, span=1, long=LONG)])

    [listed] = page.get("traces")["traces"]
    assert listed["route"] == "x" * LIST + "…"
    assert len(listed["name"]) <= 1024
    trace = page.get(f"traces/{trace_id(1)}")
    whole = trace["spans"][0]["attributes"]["long"]
    assert len(whole.encode()) == KEPT
    assert whole.endswith("… (cut, 1,000,000 bytes)")
    assert len(trace["logs"][0]["body"].encode()) == KEPT
    [logged] = page.get("logs")["logs"]
    assert logged["body"] == logged["attributes"]["long"] == "x" * LIST + "…"
    [value] = page.get("facets/values", key="long")["values"]
    assert value["value"] == "x" * LIST + "…"
    assert page.get("facets")["routes"] == ["x" * LIST + "…"]


def test_more_than_can_be_sent_whole_comes_cut(page: Page, stored: StoredTelemetry) -> None:
    stored.engine.run(
        "INSERT INTO otel.otel_traces (Timestamp, TraceId, SpanId, SpanAttributes) "
        "SELECT fromUnixTimestamp64Nano({at:Int64} + number), {id:String}, toString(number), "
        "map('a', repeat('é', 100000)) FROM numbers(50)",
        at=RECENT,
        id=trace_id(1),
    )
    trace = page.get(f"traces/{trace_id(1)}")
    assert {span["attributes"]["a"] for span in trace["spans"]} == {"é" * LIST + "…"}
    assert len(trace["spans"]) == 50


def test_more_than_can_be_sent_at_all(page: Page, stored: StoredTelemetry) -> None:
    stored.engine.run(
        "INSERT INTO otel.otel_traces (Timestamp, TraceId, SpanId, SpanAttributes) "
        "SELECT fromUnixTimestamp64Nano({at:Int64} + number), {id:String}, toString(number), "
        "mapFromArrays(arrayMap(n -> toString(n), range(50)), "
        "arrayResize([''], 50, repeat('x', 300))) FROM numbers(1000)",
        at=RECENT,
        id=trace_id(1),
    )
    problem = page.problem(f"traces/{trace_id(1)}")
    assert (problem["status"], "/sql" in problem["detail"]) == (413, True)
    assert page.problem(f"traces/{trace_id(1)}/raw")["status"] == 413
    assert page.get("traces")["traces"][0]["spans"] == 1000

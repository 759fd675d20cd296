"""The views give equal rows for both kinds of tables, and filters reach their indexes."""

import pytest

from app.telemetry import vocabulary as v
from observatory.store.engine import Engine
from tests.observatory.report_results import FLAVOURS, Reports
from tests.observatory.report_telemetry import (
    Event,
    Histogram,
    Number,
    Record,
    Span,
    span_id,
    trace_id,
)

SPAN = Span(
    name="rank candidates",
    trace="a",
    id="2",
    parent="1",
    ago=100,
    seconds=0.000_000_123,
    failed=True,
    attributes={v.SCORE_TOP: 0.25, v.RESULTS: 5, v.DEGRADED: False, v.MODEL_NAME: "fusion"},
    events=(Event(name=v.CACHE_MISS), Event(name="exception", attributes={"error.type": "x"})),
    links=(("b", "7"),),
)
AROUND = "WHERE time > now() - INTERVAL 1 HOUR"


def same(reports: Reports, sql: str) -> list[dict[str, object]]:
    """The rows of a query over both kinds of tables."""
    ours, theirs = (reports.ask(sql, flavour) for flavour in FLAVOURS)
    assert ours == theirs
    return ours


def test_spans(reports: Reports) -> None:
    reports.insert(SPAN)
    [row] = same(reports, "SELECT * FROM vitrine.spans")
    time = row.pop("time")
    happened = [{"time": time, "name": v.CACHE_MISS, "attributes": {}}]
    happened += [{"time": time, "name": "exception", "attributes": {"error.type": "x"}}]
    assert str(time).startswith(reports.moment(100))
    assert dict(row.pop("resource")) == {  # type: ignore[call-overload]
        "service.name": "vitrine",
        "service.instance.id": "one",
        "service.version": "0.1.0",
    }
    assert row == {
        "trace_id": trace_id("a"),
        "span_id": span_id("2"),
        "parent_id": span_id("1"),
        "service": "vitrine",
        "name": "rank candidates",
        "kind": "internal",
        "duration_seconds": 1.23e-7,
        "duration_nanoseconds": 123,
        "status": "error",
        "status_message": "",
        "attributes": {
            v.SCORE_TOP: "0.25",
            v.RESULTS: "5",
            v.DEGRADED: "false",
            v.MODEL_NAME: "fusion",
        },
        "scope": v.SCOPE,
        "events": happened,
        "links": [{"trace_id": trace_id("b"), "span_id": span_id("7"), "attributes": {}}],
    }


def test_logs(reports: Reports) -> None:
    """SigNoz stores no event name, and times as doubles."""
    ago = 100.0005  # no edge of a millisecond is near
    reports.insert(Record(body=v.SERVED, ago=ago, attributes={v.RESULTS: 5}, trace="a", span="1"))
    known = "* EXCEPT (time, event), toDateTime64(time, 3) AS time"
    [row] = same(reports, f"SELECT {known} FROM vitrine.logs")
    assert dict(row.pop("resource"))["service.name"] == "vitrine"  # type: ignore[call-overload]
    assert row == {
        "trace_id": trace_id("a"),
        "span_id": span_id("1"),
        "service": "vitrine",
        "severity": "INFO",
        "severity_number": 9,
        "body": v.SERVED,
        "attributes": {v.RESULTS: "5"},
        "scope": v.SCOPE,
        "time": reports.moment(ago),
    }
    names = [reports.ask("SELECT event FROM vitrine.logs", flavour) for flavour in FLAVOURS]
    assert names == [[{"event": v.SERVED}], [{"event": ""}]]


def test_metrics(reports: Reports) -> None:
    """SigNoz counts the measurements of a histogram once more, as a metric of its own."""
    reports.insert(
        Number(name="g", ago=100, value=1.5, kind="gauge", attributes={"a": True}),
        Number(name="c", ago=100, value=2),
        Number(name="u", ago=100, value=-3, kind="updowncounter"),
        Histogram(name="h", ago=100, counts=(1, 2, 3, 4), unit="s"),
    )
    columns = "name, service, kind, unit, value, attributes, toDateTime64(time, 3) AS time"
    rows = same(
        reports,
        f"SELECT {columns} FROM vitrine.metrics WHERE name NOT IN ('h.count', 'h.sum') ORDER BY 1",
    )
    common = {"service": "vitrine", "attributes": {}, "time": reports.moment(100)}
    assert rows == [
        {"name": "c", "kind": "counter", "unit": "1", "value": 2, **common},
        {"name": "g", "kind": "gauge", "unit": "1", "value": 1.5, **common}
        | {"attributes": {"a": "true"}},
        {"name": "h", "kind": "histogram", "unit": "s", "value": 10, **common},
        {"name": "u", "kind": "updowncounter", "unit": "1", "value": -3, **common},
    ]


def test_sums(reports: Reports) -> None:
    reports.insert(
        Histogram(name="h", ago=100, counts=(1, 2, 0, 4), attributes={"a": 1}, total=2.5)
    )
    rows = same(reports, "SELECT name, service, unit, value, attributes FROM vitrine.sums")
    assert [[*row.values()] for row in rows] == [["h", "vitrine", "s", 2.5, {"a": "1"}]]


def test_buckets(reports: Reports) -> None:
    reports.insert(Histogram(name="h", ago=100, counts=(1, 2, 0, 4), attributes={"a": 1}))
    columns = "name, unit, nullIf(le, inf) AS at_most, count, attributes"
    rows = same(reports, f"SELECT {columns} FROM vitrine.buckets ORDER BY le")
    assert [[*row.values()] for row in rows] == [
        ["h", "s", at_most, count, {"a": "1"}]
        for at_most, count in ((0.1, 1), (0.25, 3), (1, 3), (None, 7))
    ]


@pytest.mark.parametrize("counts", ["[]", "[7]"])
def test_buckets_of_a_histogram_without(reports: Reports, both: Engine, counts: str) -> None:
    both.run(
        "INSERT INTO otel.otel_metrics_histogram (MetricName, TimeUnix, Count, BucketCounts) "
        f"VALUES ('h', now(), 7, {counts})"
    )
    rows = reports.ask("SELECT isInfinite(le) AS last, count FROM vitrine.buckets", "otel")
    assert rows == [{"last": 1, "count": 7}]


FILTERS = [
    ("spans", "service = 'a' AND name = 'b'", ["ServiceName", "SpanName"]),
    ("spans", "trace_id = 'a'", ["Name: idx_trace_id"]),
    ("spans", "duration_seconds > 9", ["Name: idx_duration"]),
    ("spans", f"attributes['{v.CORE.stage}'] = 'a'", ["Name: idx_span_attr_value"]),
    ("logs", "service = 'a'", ["ServiceName"]),
    ("logs", "trace_id = 'a'", ["Name: idx_trace_id"]),
    ("logs", f"body = '{v.SERVED}'", ["Name: idx_body"]),
    ("metrics", "service = 'a' AND name = 'b'", ["ServiceName", "MetricName"]),
    ("buckets", "service = 'a' AND name = 'b' AND le = 1", ["ServiceName", "MetricName"]),
    ("exemplars", "service = 'a' AND name = 'b'", ["ServiceName", "MetricName"]),
]


def test_filters_reach_our_indexes(
    reports: Reports, both: Engine, subtests: pytest.Subtests
) -> None:
    """That by time leaves out partitions: of two, one is read."""
    for ago in (10, 180_000):
        reports.insert(
            Span(name="b", trace="a", id="1", ago=ago, seconds=1),
            Record(body="b", ago=ago),
            Number(name="b", ago=ago, value=1),
            Histogram(name="b", ago=ago, counts=(1, 1, 1, 1)),
        )
    for view, condition, used in FILTERS:
        with subtests.test(f"{view}: {condition}"):
            plan = plan_of(both, f"SELECT count() FROM vitrine.{view} {AROUND} AND {condition}")
            for each in used:
                assert each in plan
            assert "Parts: 1/2" in plan or view == "logs"


def plan_of(engine: Engine, sql: str) -> str:
    """What a query reads by which indexes."""
    return engine.run(f"EXPLAIN indexes = 1 {sql} FORMAT TSVRaw").decode()


@pytest.mark.parametrize(
    ("view", "used"),
    [
        ("spans", ["Name: idx_timestamp", "name in"]),
        ("logs", ["timestamp"]),
        ("metrics", ["unix_milli", "metric_name in"]),
        ("buckets", ["unix_milli"]),
    ],
)
def test_filters_reach_the_indexes_of_signoz(
    reports: Reports, both: Engine, view: str, used: list[str]
) -> None:
    reports.insert(
        SPAN, Record(body="b", ago=10), Number(name="b", ago=10, value=1),
        Histogram(name="b", ago=10, counts=(1, 1, 1, 1)),
    )  # fmt: skip
    reports.ask("SELECT 1", "signoz")
    named = "" if view == "logs" else "AND name = 'b'"
    plan = plan_of(both, f"SELECT any(resource) FROM vitrine.{view} {AROUND} {named}")
    conditions = [line for line in plan.splitlines() if "Condition:" in line or "Name:" in line]
    for each in used:
        assert each in "\n".join(conditions)

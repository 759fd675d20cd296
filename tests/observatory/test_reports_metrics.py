"""Figures of the reports that count increases, compared with values worked out by hand."""

from opentelemetry.semconv._incubating.attributes.db_attributes import DB_OPERATION_NAME
from opentelemetry.semconv._incubating.metrics.process_metrics import (
    PROCESS_CPU_TIME,
    PROCESS_MEMORY_USAGE,
    PROCESS_THREAD_COUNT,
    PROCESS_UNIX_FILE_DESCRIPTOR_COUNT,
)
from opentelemetry.semconv.attributes.db_attributes import DB_SYSTEM_NAME
from opentelemetry.semconv.attributes.error_attributes import ERROR_TYPE
from opentelemetry.semconv.attributes.http_attributes import (
    HTTP_REQUEST_METHOD,
    HTTP_RESPONSE_STATUS_CODE,
    HTTP_ROUTE,
)
from opentelemetry.semconv.attributes.server_attributes import SERVER_ADDRESS

from app.telemetry import vocabulary as v
from app.telemetry.kit import vocabulary as kit_names
from tests.observatory.report_results import Reports
from tests.observatory.report_telemetry import Attributes, Histogram, Number, trace_id


def lookup(
    ago: float, value: float, outcome: str = "hit", began: float = 5400, instance: str = "one"
) -> Number:
    """The value of a counter of lookups."""
    return Number(
        name=v.CACHE_REQUESTS, ago=ago, value=value, began=began, instance=instance,
        attributes={v.CACHE: "answers", v.CACHE_OUTCOME: outcome},
    )  # fmt: skip


def held(name: str, value: float) -> Number:
    """What a process has of something."""
    return Number(name=name, ago=100, value=value, kind="updowncounter")


def test_caches(reports: Reports) -> None:
    """Hits: 30, after a restart 20 and 30, and 7 of another process; misses: 5 and 15."""
    reports.insert(
        lookup(8000, 90, began=90_000),
        lookup(4000, 100, began=90_000),
        lookup(300, 130, began=90_000),
        lookup(100, 20, began=200),
        lookup(50, 50, began=200),
        lookup(100, 5, "miss", began=200),
        lookup(50, 20, "miss", began=200),
        lookup(400, 7, instance="two"),
    )
    assert reports.rows("caches") == [
        {"service": "vitrine", "cache": "answers", "hits": 87, "misses": 20, "hit_percent": 81.31}
    ]


def test_caches_of_a_process_that_is_older_than_its_telemetry(reports: Reports) -> None:
    """Its 1000 hits are of long ago; what is counted for the first time later is not."""
    reports.insert(
        lookup(300, 1000, began=90_000),
        lookup(100, 1010, began=90_000),
        lookup(100, 3, "miss", began=90_000),
    )
    [ours], [signoz] = (reports.rows_of("caches", flavour) for flavour in ("otel", "signoz"))
    assert (ours["hits"], ours["misses"]) == (10, 3)
    assert (signoz["hits"], signoz["misses"]) == (1010, 3)  # it keeps no beginnings


def test_caches_after_a_restart_that_no_fall_betrays(reports: Reports) -> None:
    """10, and 40 since the restart: SigNoz can't know that these are not 30 more."""
    reports.insert(lookup(300, 10, began=400), lookup(100, 40, began=200))
    [ours], [signoz] = (reports.rows_of("caches", flavour) for flavour in ("otel", "signoz"))
    assert (ours["hits"], signoz["hits"]) == (50, 40)


def test_latency_histogram(reports: Reports) -> None:
    """Of nine requests the first bucket got three, whose slowest example is that of 0.08 s.

    The third bucket has none.
    """
    about: Attributes = {HTTP_REQUEST_METHOD: "GET", HTTP_ROUTE: "/documents"}
    examples = ((0.05, "a"), (0.08, "b"), (0.2, "c"), (3.0, "d"))
    reports.insert(
        Histogram(name=kit_names.SERVER_DURATION, ago=4000, counts=(1, 0, 0, 0), attributes=about),
        Histogram(
            name=kit_names.SERVER_DURATION, ago=60, counts=(4, 3, 2, 1), attributes=about,
            exemplars=examples,
        ),
        Histogram(name=v.CORE.loop_lag, ago=60, counts=(4, 3, 0, 1)),
    )  # fmt: skip
    rows = reports.rows("latency_histogram", "trace_id")
    first, second, third, fourth = (len(row.pop("share")) for row in rows)
    assert first == second > third > fourth
    assert [[*row.values()] for row in rows] == [
        ["GET", "/documents", 0.1, 3, 33.33, trace_id("b")],
        ["GET", "/documents", 0.25, 3, 33.33, trace_id("c")],
        ["GET", "/documents", 1, 2, 22.22, ""],
        ["GET", "/documents", None, 1, 11.11, trace_id("d")],
    ]


def test_dependency_health(reports: Reports) -> None:
    """Half of ten calls took at most 0.1 s, nine and a half at most 1 s."""
    call: Attributes = {SERVER_ADDRESS: "en.wikipedia.org", HTTP_REQUEST_METHOD: "GET"}
    fine: Attributes = {**call, HTTP_RESPONSE_STATUS_CODE: 200}
    failed: Attributes = {**call, HTTP_RESPONSE_STATUS_CODE: 500, ERROR_TYPE: "500"}
    query: Attributes = {DB_SYSTEM_NAME: "sqlite", DB_OPERATION_NAME: "SELECT"}
    late: Attributes = {v.TOPIC_OUTCOME: "timeout", ERROR_TYPE: "TimeoutError"}
    reports.insert(
        Histogram(name=kit_names.CLIENT_DURATION, ago=60, counts=(8, 1, 1, 0), attributes=fine),
        Histogram(name=kit_names.CLIENT_DURATION, ago=60, counts=(0, 0, 0, 1), attributes=failed),
        Histogram(name=kit_names.DATABASE_DURATION, ago=60, counts=(20, 0, 0, 0), attributes=query),
        Number(name=v.TOPIC_REQUESTS, ago=60, value=6, attributes={v.TOPIC_OUTCOME: "hit"}),
        Number(name=v.TOPIC_REQUESTS, ago=4000, value=1, attributes=late),
        Number(name=v.TOPIC_REQUESTS, ago=60, value=3, attributes=late),
    )
    rows = reports.rows("dependency_health")
    unknown = [None] * 3
    assert [[*row.values()] for row in rows] == [
        ["en.wikipedia.org", "GET", "200", "", 10, 90.91, 0.1, 1, 1],
        ["en.wikipedia.org", "GET", "500", "500", 1, 9.09, *unknown],
        ["sqlite", "SELECT", "", "", 20, 100, 0.1, 0.1, 0.1],
        ["topic signal", "", "hit", "", 6, 75, *unknown],
        ["topic signal", "", "timeout", "TimeoutError", 2, 25, *unknown],
    ]


def test_telemetry_lost(reports: Reports) -> None:
    full: Attributes = {ERROR_TYPE: "queue_full"}
    spans, logs, metrics = (
        "otel.sdk.processor.span.processed",
        "otel.sdk.processor.log.processed",
        "otel.sdk.metric_reader.collection.duration",
    )
    reports.insert(
        Number(name=spans, ago=60, value=90),
        Number(name=spans, ago=60, value=10, attributes=full),
        Number(name=logs, ago=60, value=50),
        Histogram(name=metrics, ago=60, counts=(9, 1, 0, 0)),
        Number(name=v.CORE.lost, ago=60, value=5, attributes={v.CORE.signal: "traces"}),
        Number(name=v.CORE.lost, ago=60, value=0, attributes={v.CORE.signal: "logs"}),
        Number(name=v.CORE.lost, ago=60, value=1, attributes={v.CORE.signal: "metrics"}),
        Number(name=v.RECOMMENDATIONS, ago=60, value=20, attributes={v.DEGRADED: False}),
        Number(name=v.JOURNAL_DROPPED, ago=60, value=4),
    )
    rows = reports.rows("telemetry_lost")
    assert [[*row.values()] for row in rows] == [
        ["vitrine", "logs", 50, 0, 0, 0],
        ["vitrine", "metrics", 10, 0, 1, 10],
        ["vitrine", "recommendations", 20, 4, 0, 20],
        ["vitrine", "traces", 100, 10, 5, 15],
    ]


def test_instances(reports: Reports) -> None:
    """12 s as user and 3 s as system in 200 s; 99 of 100 timers were at most 0.005 s late."""
    lag = (0.001, 0.005, 0.1)
    user, system = {"cpu.mode": "user"}, {"cpu.mode": "system"}
    reports.insert(
        Number(name=PROCESS_CPU_TIME, ago=300, value=10, attributes=user),
        Number(name=PROCESS_CPU_TIME, ago=300, value=1, attributes=system),
        Number(name=PROCESS_CPU_TIME, ago=100, value=22, attributes=user),
        Number(name=PROCESS_CPU_TIME, ago=100, value=4, attributes=system),
        held(PROCESS_MEMORY_USAGE, 256 << 20),
        held(PROCESS_THREAD_COUNT, 9),
        held(PROCESS_UNIX_FILE_DESCRIPTOR_COUNT, 30),
        Number(name=v.CORE.active_requests, ago=300, value=3, kind="gauge"),
        Number(name=v.CORE.active_requests, ago=100, value=1, kind="gauge"),
        Histogram(name=v.CORE.loop_lag, ago=300, counts=(7, 0, 0, 9), bounds=lag),
        Histogram(name=v.CORE.loop_lag, ago=100, counts=(57, 49, 1, 9), bounds=lag),
        Number(name=PROCESS_CPU_TIME, ago=200, value=5, attributes=user, instance="two"),
    )
    first, second, third = (reports.moment(ago, 0) for ago in (300, 200, 100))
    rows = reports.rows("instances")
    assert [[*row.values()] for row in rows] == [
        ["vitrine", "one", "0.1.0", "", "", first, third, 0.075, 256, 9, 30, 3, 0.005],
        ["vitrine", "two", "0.1.0", "", "", second, second, None, 0, 0, 0, 0, None],
    ]

"""The exporters of the Python SDK against the real process: what they send is stored."""

from opentelemetry._logs import SeverityNumber
from opentelemetry.trace import SpanKind, StatusCode

from tests.cases import cases
from tests.observatory.messages import fresh
from tests.observatory.observatory_process import Observatory
from tests.telemetry.exporting import exporting

WAYS = [("grpc", None), ("http", "gzip")]


def endpoint(observatory: Observatory, protocol: str) -> str:
    return observatory.grpc if protocol == "grpc" else observatory.otlp


@cases(("protocol", "packing"), WAYS)
def test_spans(observatory: Observatory, protocol: str, packing: str | None) -> None:
    name = fresh()
    with exporting(protocol, endpoint(observatory, protocol), packing) as sdk:
        tracer = sdk.tracing.get_tracer("library", "1.0")
        with tracer.start_as_current_span(name, kind=SpanKind.SERVER, attributes={"n": 1}) as root:
            root.add_event("seen", {"at": 2.5})
            with tracer.start_as_current_span(f"{name} child") as child:
                child.set_status(StatusCode.ERROR, "no")
    rows = observatory.rows(
        "SELECT SpanName, SpanKind, StatusCode, StatusMessage, ServiceName, ScopeName, "
        "ScopeVersion, SpanAttributes, Duration > 0 AS lasted, `Events.Name`, TraceId, SpanId, "
        f"ParentSpanId FROM otel.otel_traces WHERE startsWith(SpanName, '{name}') ORDER BY SpanName"
    )
    common = {"ServiceName": "vitrine", "ScopeName": "library", "ScopeVersion": "1.0"}
    trace = f"{root.get_span_context().trace_id:032x}"
    own = [f"{each.get_span_context().span_id:016x}" for each in (root, child)]
    assert rows == [
        {
            **common, "SpanName": name, "SpanKind": "Server", "StatusCode": "Unset",
            "StatusMessage": "", "SpanAttributes": {"n": "1"}, "lasted": 1,
            "Events.Name": ["seen"], "TraceId": trace, "SpanId": own[0], "ParentSpanId": "",
        },
        {
            **common, "SpanName": f"{name} child", "SpanKind": "Internal", "StatusCode": "Error",
            "StatusMessage": "no", "SpanAttributes": {}, "lasted": 1,
            "Events.Name": [], "TraceId": trace, "SpanId": own[1], "ParentSpanId": own[0],
        },
    ]  # fmt: skip


@cases(("protocol", "packing"), WAYS)
def test_logs(observatory: Observatory, protocol: str, packing: str | None) -> None:
    name = fresh()
    with exporting(protocol, endpoint(observatory, protocol), packing) as sdk:
        sdk.logging.get_logger("library").emit(
            body=name,
            severity_number=SeverityNumber.WARN,
            severity_text="WARN",
            attributes={"deep": {"list": [1, "two"]}},
            event_name="vitrine.test",
        )
    assert observatory.rows(
        "SELECT SeverityNumber AS n, SeverityText AS t, LogAttributes AS a, EventName AS e, "
        f"ServiceName AS s FROM otel.otel_logs WHERE Body = '{name}'"
    ) == [
        {
            "n": 13,
            "t": "WARN",
            "a": {"deep": '{"list":[1,"two"]}'},
            "e": "vitrine.test",
            "s": "vitrine",
        }
    ]


@cases(("protocol", "packing"), WAYS)
def test_metrics(observatory: Observatory, protocol: str, packing: str | None) -> None:
    name = f"m{fresh()}"
    with exporting(protocol, endpoint(observatory, protocol), packing) as sdk:
        meter = sdk.metering.get_meter("library")
        meter.create_counter(f"{name}.total", unit="1").add(3, {"kind": "a"})
        meter.create_gauge(f"{name}.level").set(-1.5)
        meter.create_histogram(f"{name}.duration", unit="s").record(0.25)
        assert sdk.metering.force_flush()
    counts = {
        "sum": "any(Value) = 3 AND any(Attributes['kind']) = 'a' AND any(IsMonotonic)",
        "gauge": "any(Value) = -1.5",
        "histogram": "any(Count) = 1 AND any(Sum) = 0.25 AND any(MetricUnit) = 's'",
    }
    for kind, check in counts.items():
        sql = f"SELECT {check} FROM otel.otel_metrics_{kind} WHERE startsWith(MetricName, '{name}')"
        assert observatory.value(sql) == 1

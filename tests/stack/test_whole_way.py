"""What is sent to the Collector can be read from ClickHouse."""

from tests.observatory.messages import fresh, log, request, span
from tests.observatory.observing import Observatory
from tests.observatory.sending import over_grpc
from tests.stack.collecting import Collector
from tests.waiting import until


def test_spans_and_logs_arrive(collector: Collector, store: Observatory) -> None:
    name = fresh()
    over_grpc(collector, "traces", request("traces", [span(name)]))
    over_grpc(collector, "logs", request("logs", [log(name)]))
    until(lambda: store.value(f"SELECT count() FROM otel.otel_traces WHERE SpanName = '{name}'"))
    until(lambda: store.value(f"SELECT count() FROM otel.otel_logs WHERE Body = '{name}'"))

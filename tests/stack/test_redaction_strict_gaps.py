"""Where redaction does not reach: a Collector that gets there makes these tests fail, and the
configuration's comment, which names these positions, false.
"""

from base64 import b64encode
from time import time_ns
from typing import Any

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.observatory.messages import attributes, fresh, gauge, log, request, span, value
from tests.observatory.observatory_process import Observatory
from tests.observatory.otlp_client import over_grpc
from tests.stack.collector_process import Collector
from tests.stack.every_field import rows
from tests.waiting import until

pytestmark = pytest.mark.lasting

CARD = "4532015112830366"
BYTES = b64encode(CARD.encode()).decode()
ATTRIBUTES: dict[str, Any] = {"text": CARD}


def _stored(
    strict: Collector, store: Observatory, signal: str, table: str, record: Any
) -> dict[str, Any]:
    service = fresh()
    over_grpc(strict, signal, request(signal, [record], {"service.name": service}))
    until(lambda: bool(rows(store, table, service)))
    [row] = rows(store, table, service)
    return row


def test_links(strict: Collector, store: Observatory) -> None:
    link = Span.Link(
        trace_id=b"t" * 16,
        span_id=b"s" * 8,
        trace_state=f"a={CARD}",
        attributes=attributes(ATTRIBUTES),
    )
    row = _stored(strict, store, "traces", "otel_traces", span("span", links=[link]))
    assert row["Links.Attributes"] == [ATTRIBUTES]
    assert row["Links.TraceState"] == [f"a={CARD}"]


def test_exemplars(strict: Collector, store: Observatory) -> None:
    exemplar = {
        "time_unix_nano": time_ns(),
        "as_int": 1,
        "filtered_attributes": attributes(ATTRIBUTES),
    }
    point = gauge("gauge", exemplars=[exemplar])
    row = _stored(strict, store, "metrics", "otel_metrics_gauge", point)
    assert row["Exemplars.FilteredAttributes"] == [ATTRIBUTES]


def test_bytes(strict: Collector, store: Observatory) -> None:
    record = log("", attributes=attributes({"bytes": CARD.encode()}))
    row = _stored(strict, store, "logs", "otel_logs", record)
    assert row["LogAttributes"] == {"bytes": BYTES}


def test_a_body_of_bytes_is_within_reach(strict: Collector, store: Observatory) -> None:
    for body, expected in ((CARD.encode(), "****"), (b"\xff no text", "/yBubyB0ZXh0")):
        row = _stored(strict, store, "logs", "otel_logs", log("", body=value(body)))
        assert row["Body"] == expected


def test_a_tracestate_with_a_sampling_decision_is_passed_and_another_stays(
    strict: Collector, store: Observatory
) -> None:
    for state, expected in ((f"vendor={CARD}", ""), ("vendor=00f067aa0ba902b7", None)):
        row = _stored(strict, store, "traces", "otel_traces", span("span", trace_state=state))
        assert row["TraceState"] == (state if expected is None else expected)


def test_what_no_pattern_can_distinguish_from_a_card_is_masked(
    strict: Collector, store: Observatory
) -> None:
    """Ids of 16 digits and runs of numbers in fours: a Luhn digit would distinguish nine of ten."""
    for text, expected in (("span 4532015112830366", "span****"), ("4096 5120 6144 7168", "****")):
        row = _stored(strict, store, "logs", "otel_logs", log(text))
        assert row["Body"] == expected

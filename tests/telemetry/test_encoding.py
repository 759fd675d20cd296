"""What is sent is what the libraries would send, to the byte."""

import logging
import struct
from collections.abc import Mapping
from functools import _lru_cache_wrapper
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry._logs import LogRecord
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.common import _log_encoder, trace_encoder
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import NonRecordingSpan, SpanContext, set_span_in_context

from app.telemetry import encoding
from app.telemetry.encoding import encode_logs, encode_spans
from tests.telemetry.encodable import records, spans

CONTEXT = SpanContext(1, 2, is_remote=False)
RESOURCE = Resource({})


@pytest.fixture(autouse=True)
def _quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """The library says what it leaves out, in words that pytest's workers can't hand on."""
    monkeypatch.setattr(logging.getLogger("opentelemetry"), "level", logging.CRITICAL + 1)
    logging.getLogger("opentelemetry").manager._clear_cache()  # type: ignore[attr-defined]


def written(message: Any) -> bytes:
    """Comparable also where a NaN is in it, which equals nothing."""
    return bytes(message.SerializeToString(deterministic=True))


def span(
    attributes: Mapping[str, Any], name: str = "", scope: InstrumentationScope | None = None
) -> ReadableSpan:
    """A span with little in it but these attributes."""
    return ReadableSpan(
        name,
        CONTEXT,
        attributes=attributes,
        resource=RESOURCE,
        start_time=1,
        end_time=2,
        instrumentation_scope=scope,
    )


def record(body: str, attributes: Mapping[str, Any]) -> ReadableLogRecord:
    """A log record with little in it but this."""
    about = set_span_in_context(NonRecordingSpan(CONTEXT), Context())
    written = LogRecord(
        timestamp=1, observed_timestamp=1, body=body, attributes=attributes, context=about
    )
    return ReadableLogRecord(written, RESOURCE)


def same(*batch: Any) -> bool:
    """Whether a batch of spans is encoded as the library does it."""
    return written(encode_spans(batch)) == written(trace_encoder.encode_spans(batch))


def assert_equal(ours: Any, theirs: Any) -> None:
    assert str(ours) == str(theirs)  # which shows where they differ
    assert written(ours) == written(theirs)


@given(st.lists(spans, max_size=3))
@settings(max_examples=200)
def test_spans(batch: list[Any]) -> None:
    assert_equal(encode_spans(batch), trace_encoder.encode_spans(batch))


@given(st.lists(records, max_size=3))
@settings(max_examples=200)
def test_log_records(batch: list[Any]) -> None:
    assert_equal(encode_logs(batch), _log_encoder.encode_logs(batch))


def test_a_record_that_says_nothing() -> None:
    batch = [record("", {})]
    assert_equal(encode_logs(batch), _log_encoder.encode_logs(batch))


def test_equal_values_of_other_types_under_the_same_key() -> None:
    for value in (1, True, 1.0, "1", b"1", 1, False, 0, -0.0, 0.0, True):
        assert same(span({"key": value})), value


def test_numbers_that_are_equal_to_nothing_and_beyond_everything() -> None:
    quiet, other = (struct.unpack("<d", bytes(6) + end)[0] for end in (b"\xf8\x7f", b"\xf8\xff"))
    assert same(*(span({"key": each}) for each in (quiet, other, float("inf"), -float("inf"))))


def test_long_texts() -> None:
    for length in (127, 128, 255, 256, 257, 2**14, 2**20):
        assert same(span({"key": "v" * length, "k" * length: 1}, "n" * length))


@pytest.mark.parametrize(
    "attributes",
    [
        pytest.param({"key": "\ud800"}, id="lone surrogate"),
        pytest.param({"\ud800": "value"}, id="lone surrogate in a key"),
        pytest.param({"\ud800": 0.5}, id="lone surrogate in the key of a number"),
        pytest.param({"key": ("fine", "\ud800")}, id="lone surrogate among others"),
        pytest.param({"key": object()}, id="object"),
        pytest.param({"key": 2**63}, id="too large"),
    ],
)
def test_what_cannot_be_encoded_is_left_out(attributes: dict[str, Any]) -> None:
    mixed = {"before": 1} | attributes | {"after": 2}
    spans, records = [span(mixed), span({"fine": True})], [record("said", mixed)]
    library = trace_encoder.encode_spans(spans)
    [told] = library.resource_spans[0].scope_spans
    assert [len(each.attributes) for each in told.spans] == [2, 1]
    assert_equal(encode_spans(spans), library)
    assert_equal(encode_logs(records), _log_encoder.encode_logs(records))


def test_attributes_of_a_scope() -> None:
    assert same(span({}, scope=InstrumentationScope("here", attributes={"key": "value"})))


def test_what_is_kept_is_bounded() -> None:
    for start in range(0, 3 * encoding.KEPT, 1000):
        batch = [
            span({f"key {each}": f"value {each}", "number": each, "x": each / 7}, f"name {each}")
            for each in range(start, start + 1000)
        ]
        assert same(*batch)
    caches = [each for each in vars(encoding).values() if isinstance(each, _lru_cache_wrapper)]
    bounds = [cache.cache_info().maxsize for cache in caches]
    assert all(bound is not None and bound <= encoding.KEPT for bound in bounds)
    assert max(len(known) for known in encoding.KINDS.values()) <= encoding.KEPT


def test_nothing_long_is_kept() -> None:
    before = {kind: set(known) for kind, known in encoding.KINDS.items()}
    assert same(span({"key": "v" * 10_000, "k" * 10_000: True}))
    assert {kind: set(known) for kind, known in encoding.KINDS.items()} == before

"""Consistency of a request's response, spans, metrics and wide event."""

import httpx
from opentelemetry._logs import SeverityNumber
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.semconv.attributes.error_attributes import ERROR_TYPE
from opentelemetry.trace import SpanKind, StatusCode

from app.telemetry import vocabulary as v
from tests.telemetry.recorded_service import Service


def server_span(service: Service, answer: httpx.Response) -> ReadableSpan:
    """The span of the request itself."""
    (found,) = [each for each in service.of_trace(answer) if each.kind is SpanKind.SERVER]
    return found


def span_of(service: Service, answer: httpx.Response, name: str) -> ReadableSpan:
    """The one span of this name."""
    (found,) = [each for each in service.of_trace(answer) if each.name == name]
    return found


def assert_agreement(service: Service, answer: httpx.Response) -> None:
    """Attributes that spans and the wide event share are equal."""
    emitted = service.wide_event(answer).attributes or {}
    ours = [each for each in service.of_trace(answer) if each.kind is not SpanKind.CLIENT]
    both = [
        (name, value, emitted[name])
        for each in ours
        for name, value in (each.attributes or {}).items()
        if name in emitted and name != ERROR_TYPE  # each span has its own
    ]
    assert {v.DEGRADED, v.SCORE_TOP, v.CANDIDATES} <= {name for name, _, _ in both}
    assert [each for each in both if each[1] != each[2]] == []


def assert_served(service: Service, answer: httpx.Response) -> None:
    """All signals agree that this answer is complete."""
    assert answer.json()["degraded"] == []
    emitted = service.wide_event(answer)
    assert (emitted.event_name, emitted.severity_number) == (v.SERVED, SeverityNumber.INFO)
    assert ERROR_TYPE not in (emitted.attributes or {})
    assert_agreement(service, answer)
    assert service.counts(v.RECOMMENDATIONS) == {("fusion", "2", False): 1}
    assert service.counts(v.RECOMMEND_DURATION) == {("fusion", "2", False, None): 1}


def assert_degraded(
    service: Service, answer: httpx.Response, part: str, stage: str, error: str
) -> None:
    """All signals agree that `part` is missing from this answer, as `error` ended `stage`."""
    assert answer.json()["degraded"] == [part]
    failed, root = span_of(service, answer, stage), server_span(service, answer)
    assert failed.status.status_code is StatusCode.ERROR
    assert (failed.attributes or {})[ERROR_TYPE] == error
    assert root.status.status_code is StatusCode.UNSET
    emitted = service.wide_event(answer)
    assert (emitted.event_name, emitted.severity_number) == (v.SERVED, SeverityNumber.WARN)
    missing = {v.DEGRADED: True, v.MISSING: (part,)}
    assert missing.items() <= (root.attributes or {}).items()
    assert (missing | {ERROR_TYPE: error}).items() <= (emitted.attributes or {}).items()
    assert_agreement(service, answer)
    assert service.counts(v.CORE.stage_duration)[stage, error] == 1
    assert service.counts(v.RECOMMENDATIONS) == {("fusion", "2", True): 1}
    assert service.counts(v.RECOMMEND_DURATION) == {("fusion", "2", True, None): 1}

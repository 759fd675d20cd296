"""The check of what is told catches every kind of violation."""

from collections.abc import Callable
from typing import Any

import pytest
from opentelemetry._logs import LogRecord

from app.settings import TelemetrySettings
from app.telemetry import vocabulary as v
from app.telemetry.setup import Telemetry
from tests.telemetry.conformance import violations
from tests.telemetry.telling import Heard
from tests.telemetry.trees import Attributes

NAMES = frozenset({"analyze query", "SELECT"})
HASH = "0123456789abcdef"
Tells = Callable[[Telemetry], None]


def found(tells: Tells) -> list[str]:
    """What the check finds in what is told."""
    heard = Heard()
    telemetry = heard.listen(TelemetrySettings(logs="off"))
    tells(telemetry)
    telemetry.close()
    return violations(heard, NAMES)


def attribute(name: str, value: Any) -> Tells:
    """Tells it on a span that is declared."""

    def tells(telemetry: Telemetry) -> None:
        span = telemetry.traces.get_tracer("tests").start_span("analyze query")
        span.set_attribute(name, value)
        span.end()

    return tells


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("http.request.method", "GET"),
        ("http.response.status_code", 200),
        ("exception.type", "KeyError"),
        (v.TERM_COUNT, 0),
        (v.OOV_RATIO, 0.5),
        (v.LENGTH_BUCKET, "1-20"),
        (v.CORE.input_hash, HASH),
        (v.DEGRADED, False),
        (v.MISSING, ("topic_signal",)),
        (v.MISSING, ()),
    ],
)
def test_what_is_declared_passes(name: str, value: Any) -> None:
    assert found(attribute(name, value)) == []


@pytest.mark.parametrize(
    ("name", "value", "complaint"),
    [
        ("vitrine.nonsense", 1, "not declared"),
        ("nonsense", 1, "not declared"),
        ("http.method", "GET", "not declared"),  # once was
        ("GET", 1, "not declared"),  # the value of an enumeration
        ("http.server.request.duration", 1.0, "not declared"),  # a metric's name
        (v.SERVED, 1, "not declared"),  # an event's
        (v.TERM_COUNT, "1", "is '1', not a int"),
        (v.TERM_COUNT, 1.0, "is 1.0, not a int"),
        (v.TERM_COUNT, True, "is True, not a int"),
        (v.OOV_RATIO, 1, "is 1, not a double"),
        (v.DEGRADED, 1, "is 1, not a boolean"),
        (v.LENGTH_BUCKET, "1-21", "is '1-21', none of"),
        (v.CORE.input_hash, HASH[1:], "not of the form"),
        (v.CORE.input_hash, f"{HASH}0", "not of the form"),
        (v.CORE.input_hash, f"{HASH}\n", "not of the form"),
        (v.MISSING, "topic_signal", "not a string[]"),
        (v.MISSING, ("topic_signal", 1), "not a string[]"),
        (v.MISSING, ("topic_signal", "index"), "is 'index', none of"),
    ],
)
def test_an_attribute_is_caught(name: str, value: Any, complaint: str) -> None:
    (sentence,) = found(attribute(name, value))
    assert name in sentence
    assert complaint in sentence


def test_other_parts_of_a_span_are_caught() -> None:
    def tells(telemetry: Telemetry) -> None:
        span = telemetry.traces.get_tracer("tests").start_span("analyze everything")
        span.add_event("nonsense")
        span.add_event(v.CACHE_MISS, {"vitrine.event": 1})
        span.add_event("exception", {v.TERM_COUNT: "many"})
        span.add_link(span.get_span_context(), {"vitrine.link": 1})
        span.end()

    where = "span “analyze everything”"
    assert found(tells) == [
        f"a link of {where} has an attribute “vitrine.link” that is not declared",
        f"event “cache_miss” of {where} has an attribute “vitrine.event” that is not declared",
        f"event “exception” of {where}: vitrine.query.term_count is 'many', not a int",
        f"{where} has a name that is not declared",
        f"{where} has an event “nonsense” that is not declared",
    ]


def test_a_resource_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "vitrine.shelf=3")
    sentence = "the resource has an attribute “vitrine.shelf” that is not declared"
    assert found(attribute(v.TERM_COUNT, 1)) == [sentence]
    assert found(record()) == [sentence]


def record(attributes: Attributes | None = None, event: str | None = None) -> Tells:
    """Logs a line."""

    def tells(telemetry: Telemetry) -> None:
        told = LogRecord(body="a line", event_name=event, attributes=attributes)
        telemetry.logs.get_logger("app").emit(told)

    return tells


@pytest.mark.parametrize(
    ("tells", "complaint"),
    [
        (record({"vitrine.nonsense": 1}), "an attribute “vitrine.nonsense” that is not declared"),
        (record({v.DEGRADED: "no"}), "vitrine.ranking.degraded is 'no', not a boolean"),
        (record(event="nonsense"), "record “nonsense” has an event name that is not declared"),
    ],
)
def test_a_record_is_caught(tells: Tells, complaint: str) -> None:
    (sentence,) = found(tells)
    assert complaint in sentence


def test_a_declared_record_passes() -> None:
    assert found(record()) == []
    assert found(record({v.TERM_COUNT: 1, "exception.type": "KeyError"}, v.CIRCUIT)) == []


def test_a_wide_event_is_caught() -> None:
    """It takes another way than other records."""

    def tells(telemetry: Telemetry) -> None:
        about: dict[str, Any] = {v.TERM_COUNT: 1, "vitrine.nonsense": 1}
        telemetry.logs.get_logger("here").emit(event_name=str(v.SERVED), attributes=about)

    (sentence,) = found(tells)
    assert "record “recommendation.served” has an attribute “vitrine.nonsense”" in sentence

"""A span holds so much and no more, and nothing that is nobody's business."""

from typing import Any

import pytest
from opentelemetry.trace import Link, SpanContext, StatusCode

from app.telemetry.privacy import TYPED
from app.telemetry.spans import MOST_ATTRIBUTES, MOST_EVENTS
from app.wikipedia.client import SearchFailed
from tests.telemetry.side_by_side import LONGEST, of_ours

OTHER = SpanContext(0xA, 0xB, is_remote=True)
LONG = "x" * (LONGEST + 1)
SECRET = "what was typed"


def attributes(span: Any) -> dict[str, Any]:
    return dict(span.attributes)


@pytest.mark.parametrize("together", [True, False])
def test_attributes_are_bounded(together: bool) -> None:
    ours, given = of_ours(), {f"key {each}": each for each in range(2 * MOST_ATTRIBUTES)}
    with ours.tracer.start_as_current_span("full") as span:
        if together:
            span.set_attributes(given)
        else:
            for key, value in given.items():
                span.set_attribute(key, value)
    assert attributes(ours.only) == dict(list(given.items())[:MOST_ATTRIBUTES])


def test_what_is_known_can_be_changed_when_nothing_more_can_be_added() -> None:
    ours = of_ours()
    with ours.tracer.start_as_current_span("full") as span:
        span.set_attributes({f"key {each}": each for each in range(2 * MOST_ATTRIBUTES)})
        span.set_attribute("key 1", "changed")
    assert attributes(ours.only)["key 1"] == "changed"


def test_events_are_bounded() -> None:
    ours = of_ours()
    with ours.tracer.start_as_current_span("full") as span:
        for each in range(2 * MOST_EVENTS):
            span.add_event(f"event {each}")
    assert [each.name for each in ours.only.events] == [f"event {n}" for n in range(MOST_EVENTS)]


def test_links_are_bounded() -> None:
    ours = of_ours()
    with ours.tracer.start_as_current_span("full", links=[Link(OTHER)] * 500) as span:
        for _ in range(500):
            span.add_link(OTHER)
    assert 1 <= len(ours.only.links) <= 128  # what the SDK allows


def test_texts_are_bounded() -> None:
    ours = of_ours()
    with ours.tracer.start_as_current_span("full", attributes={"a": LONG}) as span:
        span.set_attribute("b", LONG)
        span.set_attributes({"c": LONG, "d": LONG[:LONGEST]})
    assert attributes(ours.only) == dict.fromkeys("abcd", LONG[:LONGEST])


@pytest.mark.parametrize("where", ["sequence", "event", "link"])
def test_texts_inside_of_others_are_bounded(where: str) -> None:
    ours = of_ours()
    with ours.tracer.start_as_current_span("full") as span:
        if where == "sequence":
            span.set_attribute("words", ["short", LONG])
        elif where == "event":
            span.add_event("happened", {"text": LONG})
        else:
            span.add_link(OTHER, {"text": LONG})
    assert LONG[:LONGEST] in ours.only.to_json()
    assert LONG not in ours.only.to_json()


def test_a_stack_is_bounded() -> None:
    def down(more: int) -> int:
        return further(more - 1) if more else 1 // 0

    def further(more: int) -> int:
        return down(more)  # the traceback of a function that calls itself is short

    ours = of_ours(longest=1000)
    with pytest.raises(ZeroDivisionError), ours.tracer.start_as_current_span("deep"):
        down(200)
    [event] = ours.only.events
    assert len(str((event.attributes or {})["exception.stacktrace"])) <= 1000


def test_exceptions_are_told_without_their_message() -> None:
    ours = of_ours()
    with pytest.raises(ValueError, match=SECRET), ours.tracer.start_as_current_span("failing"):
        raise ValueError(SECRET) from LookupError(SECRET)
    assert (ours.only.status.status_code, ours.only.status.description) == (StatusCode.ERROR, None)
    [event] = ours.only.events
    told = dict(event.attributes or {})
    assert (event.name, told["exception.type"]) == ("exception", "ValueError")
    assert set(told) == {"exception.type", "exception.stacktrace"}
    assert "raise ValueError" in str(told["exception.stacktrace"])
    assert attributes(ours.only)["error.type"] == "ValueError"
    assert SECRET not in ours.only.to_json()


def test_a_status_has_no_description() -> None:
    ours = of_ours()
    with ours.tracer.start_as_current_span("failing") as span:
        span.set_status(StatusCode.ERROR, SECRET)
    assert SECRET not in ours.only.to_json()


@pytest.mark.parametrize(
    ("error", "kind"),
    [(SearchFailed(SECRET), "SearchFailed"), (TimeoutError(SECRET), "TimeoutError")],
)
def test_what_was_foreseen_needs_no_stack(error: Exception, kind: str) -> None:
    ours = of_ours()
    with pytest.raises(type(error)), ours.tracer.start_as_current_span("failing"):
        raise error
    assert attributes(ours.only) == {"error.type": kind}
    assert ours.only.events == ()


def test_what_people_type_is_left_out() -> None:
    private = dict.fromkeys(TYPED, SECRET)
    ours = of_ours()
    with ours.tracer.start_as_current_span("asked", attributes=private) as span:
        span.set_attributes(private)
        for key, value in private.items():
            span.set_attribute(key, value)
        span.set_attribute("url.full", f"https://host:80/w/rest.php?q={SECRET}#{SECRET}")
        span.set_attribute("http.route", "/recommend")
    assert attributes(ours.only) == {
        "url.full": "https://host:80/w/rest.php",
        "http.route": "/recommend",
    }


def test_what_people_type_is_kept_where_it_is_wanted() -> None:
    ours, private = of_ours(plain=True), dict.fromkeys(TYPED, SECRET)
    with ours.tracer.start_as_current_span("asked", attributes=private) as span:
        span.set_attribute("url.full", "https://host/w?q=text")
    assert attributes(ours.only) == private | {"url.full": "https://host/w?q=text"}

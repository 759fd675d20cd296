"""The span trees of answers that Wikipedia failed, and all other signals of them."""

from typing import NamedTuple

import pytest
from opentelemetry.semconv.attributes.error_attributes import ERROR_TYPE

from app.recommend.stages import FETCH_TOPIC
from app.telemetry import vocabulary as v
from tests.fake_wikipedia import Behaviour, FakeWikipedia, drops, fails, finds, in_turn, replies
from tests.telemetry.consistency import assert_degraded, assert_served, span_of
from tests.telemetry.expected import BREAD, answered, get, noted, topic
from tests.telemetry.recorded_service import OpenService, wikipedia_settings
from tests.telemetry.span_trees import Like, Tree, assert_same

pytestmark = pytest.mark.anyio
BROKEN = Like("broken connection", str, "RemoteProtocolError|ReadError")
"""It depends on how far the call got."""


class Failure(NamedTuple):
    """How Wikipedia behaves, the expected span of the call, and what else is counted."""

    behaviour: Behaviour
    asked: Tree
    occurred: tuple[str, ...] = ()
    attempts: int = 2


MALFORMED = topic(
    "error", 0, v.CACHE_MISS, get(200), error="SearchMalformed", cause="ValidationError"
)
FAILURES = {
    "429": Failure(
        fails(429, "3600"),
        topic(
            "error", 0, noted(v.CIRCUIT, "429"), v.CACHE_MISS, get(429, error="429"), error="429"
        ),
        (v.CIRCUIT,),
    ),
    "500": Failure(
        fails(500, "0"),
        topic(
            "error", 0, noted(v.RETRY, "500"), v.CACHE_MISS,
            get(500, error="500"), get(500, error="500"), error="500",
        ),
        (v.RETRY,),
    ),
    "404": Failure(
        fails(404), topic("error", 0, v.CACHE_MISS, get(404, error="404"), error="404")
    ),
    "not JSON": Failure(replies(200, b"<html>"), MALFORMED),
    "another shape": Failure(replies(200, b'{"pages": [{}]}'), MALFORMED),
}  # fmt: skip


@pytest.mark.parametrize("failure", FAILURES.values(), ids=FAILURES.keys())
async def test_wikipedia_fails(
    open_service: OpenService, wikipedia: FakeWikipedia, failure: Failure
) -> None:
    wikipedia.behaviour = failure.behaviour
    async with open_service(wikipedia_settings(wikipedia)) as service:
        answer = await service.ask(BREAD)
    assert_same(service.tree(answer), answered(topic=failure.asked))
    error = failure.asked.attributes[ERROR_TYPE]
    assert_degraded(service, answer, "topic_signal", FETCH_TOPIC, error)
    assert service.counts(v.TOPIC_REQUESTS) == {("error", error): 1}
    assert service.counts(v.CORE.occurrence_count) == {
        (each, error): 1 for each in failure.occurred
    }
    noted = {
        each.event_name: each
        for each in service.logs_of(answer)
        if each.event_name in v.VOCABULARY.events
    }
    assert set(noted) == {v.SERVED, *failure.occurred}
    asked = span_of(service, answer, FETCH_TOPIC).context.span_id
    assert {noted[each].span_id for each in failure.occurred} <= {asked}


async def test_a_retry_helps(open_service: OpenService, wikipedia: FakeWikipedia) -> None:
    """Then nothing is missing, and only the call that failed is an error."""
    wikipedia.behaviour = in_turn(fails(503, "0"), finds("Staling"))
    async with open_service(wikipedia_settings(wikipedia)) as service:
        answer = await service.ask(BREAD)
    asked = topic("hit", 1, noted(v.RETRY, "503"), v.CACHE_MISS, get(503, error="503"), get(200))
    assert_same(service.tree(answer), answered(topic=asked))
    assert_served(service, answer)
    assert service.counts(v.CORE.occurrence_count) == {(v.RETRY, "503"): 1}


async def test_the_connection_breaks(open_service: OpenService, wikipedia: FakeWikipedia) -> None:
    """The call's span has no more of it than its name: it was foreseen."""
    wikipedia.behaviour = drops
    async with open_service(wikipedia_settings(wikipedia, attempts=1)) as service:
        answer = await service.ask(BREAD)
    call = get(error=BROKEN)
    asked = topic(
        "error", 0, v.CACHE_MISS, call, error="SearchUnreachable", cause="RemoteProtocolError"
    )
    assert_same(service.tree(answer), answered(topic=asked))
    assert_degraded(service, answer, "topic_signal", FETCH_TOPIC, "SearchUnreachable")

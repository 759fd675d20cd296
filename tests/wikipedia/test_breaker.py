"""Consecutive failures open the breaker; one success closes it."""

import pytest

from app.recommend.topic_signal import Outcome
from tests.fake_wikipedia import Behaviour, FakeWikipedia, drops, fails, finds, hangs, replies
from tests.waiting import TIMEOUT
from tests.wikipedia.conftest import ObservedSignal, OpenSignal

pytestmark = pytest.mark.anyio
FOREVER, SHORTLY = 3600, 0.2


async def fail(ask: ObservedSignal, times: int) -> None:
    """So many calls, each with another query."""
    for number in range(times):
        assert (await ask(f"failing {number}")).outcome.degraded


@pytest.mark.parametrize(
    "failure", [fails(500), fails(429), replies(200, b"no"), drops, hangs],
    ids=["500", "429", "malformed", "drops", "hangs"],
)  # fmt: skip
async def test_failures_in_a_row_open_the_circuit(
    wikipedia: FakeWikipedia, open_signal: OpenSignal, failure: Behaviour
) -> None:
    wikipedia.behaviour = failure
    seconds = 0.2 if failure is hangs else TIMEOUT
    ask = open_signal(breaker_failures=3, breaker_seconds=FOREVER, timeout_seconds=seconds)
    await fail(ask, 3)
    assert await ask.signal.circuit() == "opened"
    for number in range(5):
        found = await ask(f"more {number}")
        assert (found.outcome, found.pages) == (Outcome.OPEN_CIRCUIT, ())
        assert found.outcome.degraded
    assert wikipedia.calls == 3


async def test_fewer_failures_do_not(wikipedia: FakeWikipedia, open_signal: OpenSignal) -> None:
    ask = open_signal(breaker_failures=3, breaker_seconds=FOREVER)
    for number in range(3):
        wikipedia.behaviour = fails(500)
        await fail(ask, 2)
        wikipedia.behaviour = finds("Bread")
        assert (await ask(f"good {number}")).outcome is Outcome.HIT
    assert await ask.signal.circuit() == "closed"


async def test_what_is_in_the_cache_is_given_while_the_circuit_is_open(
    wikipedia: FakeWikipedia, open_signal: OpenSignal
) -> None:
    ask = open_signal(breaker_failures=1, breaker_seconds=FOREVER)
    await ask("bread")
    wikipedia.behaviour = fails(500)
    await fail(ask, 1)
    assert (await ask("tides")).outcome is Outcome.OPEN_CIRCUIT
    assert (await ask("bread")).outcome is Outcome.CACHED


async def test_one_good_answer_closes_it_again(
    wikipedia: FakeWikipedia, open_signal: OpenSignal
) -> None:
    ask = open_signal(breaker_failures=1, breaker_seconds=SHORTLY)
    wikipedia.behaviour = fails(500)
    await fail(ask, 1)
    wikipedia.behaviour = finds("Bread")
    assert (await ask.until_past(Outcome.OPEN_CIRCUIT, "something new")).outcome is Outcome.HIT
    assert await ask.signal.circuit() == "closed"
    assert wikipedia.calls == 2


async def test_one_more_failure_opens_it_again(
    wikipedia: FakeWikipedia, open_signal: OpenSignal
) -> None:
    ask = open_signal(breaker_failures=2, breaker_seconds=SHORTLY)
    wikipedia.behaviour = fails(500)
    await fail(ask, 2)
    assert (await ask.until_past(Outcome.OPEN_CIRCUIT, "something new")).outcome is Outcome.ERROR
    assert await ask.signal.circuit() == "opened"
    assert wikipedia.calls == 3


async def test_the_open_circuit_holds_on_to_nothing(
    wikipedia: FakeWikipedia, open_signal: OpenSignal
) -> None:
    """The same exception is raised for everybody; it must not gather their frames."""
    wikipedia.behaviour = fails(500)
    ask = open_signal(breaker_failures=1, breaker_seconds=FOREVER)
    await fail(ask, 1)
    assert await held_frames(ask, 5) == await held_frames(ask, 50)


async def held_frames(ask: ObservedSignal, times: int) -> int:
    """How long the traceback of the open circuit is after so many more questions."""
    for number in range(times):
        await ask(f"more {number}")
    state = (await ask.signal._breakers.get_breaker("wikipedia")).context._state
    trace, length = getattr(state, "__traceback__", None), 0
    while trace is not None:
        trace, length = trace.tb_next, length + 1
    return length


async def test_refusals_of_single_queries_do_not_open_it(
    wikipedia: FakeWikipedia, open_signal: OpenSignal
) -> None:
    ask = open_signal(breaker_failures=3, breaker_seconds=FOREVER)
    wikipedia.behaviour = fails(400)
    await fail(ask, 5)
    assert await ask.signal.circuit() == "closed"
    assert wikipedia.calls == 5


async def test_no_one_is_asked_before_the_time_the_server_named(
    wikipedia: FakeWikipedia, open_signal: OpenSignal
) -> None:
    ask = open_signal(breaker_failures=100, breaker_seconds=FOREVER)
    wikipedia.behaviour = fails(429, "120")
    await fail(ask, 1)
    wikipedia.behaviour = finds("Bread")
    assert (await ask("another query")).outcome is Outcome.OPEN_CIRCUIT
    assert wikipedia.calls == 1

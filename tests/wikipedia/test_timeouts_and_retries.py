"""Retries, deadlines, and late answers."""

import asyncio
import time
from itertools import count

import pytest

from app.recommend.topic_signal import Outcome
from tests.fake_wikipedia import (
    Behaviour,
    FakeWikipedia,
    drops,
    fails,
    finds,
    hangs,
    in_turn,
    replies,
)
from tests.waiting import SOON, TIMEOUT, eventually
from tests.wikipedia.conftest import OpenSignal

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("failure", [fails(500), fails(503), fails(429), drops])
async def test_what_may_pass_is_tried_again(
    wikipedia: FakeWikipedia, open_signal: OpenSignal, failure: Behaviour
) -> None:
    wikipedia.behaviour = in_turn(failure, finds("Bread"))
    assert (await open_signal(attempts=2)("bread")).outcome is Outcome.HIT
    assert wikipedia.calls == 2


@pytest.mark.parametrize("failure", [fails(404), fails(400), replies(200, b"no")])
async def test_what_will_not_pass_is_not_tried_again(
    wikipedia: FakeWikipedia, open_signal: OpenSignal, failure: Behaviour
) -> None:
    wikipedia.behaviour = in_turn(failure, finds("Bread"))
    assert (await open_signal(attempts=3)("bread")).outcome is Outcome.ERROR
    assert wikipedia.calls == 1


@pytest.mark.parametrize("attempts", [1, 3])
async def test_attempts_are_bounded(
    wikipedia: FakeWikipedia, open_signal: OpenSignal, attempts: int
) -> None:
    wikipedia.behaviour = fails(500)
    assert (await open_signal(attempts=attempts)("bread")).outcome is Outcome.ERROR
    assert wikipedia.calls == attempts


async def test_a_short_retry_after_is_honoured(
    wikipedia: FakeWikipedia, open_signal: OpenSignal
) -> None:
    wikipedia.behaviour = in_turn(fails(429, "1"), finds("Bread"))
    assert (await open_signal(attempts=2)("bread")).outcome is Outcome.HIT
    first, second = wikipedia.received
    assert second.at - first.at >= 1


@pytest.mark.parametrize("status", [429, 503])
async def test_a_long_retry_after_is_not_waited_for(
    wikipedia: FakeWikipedia, open_signal: OpenSignal, status: int
) -> None:
    wikipedia.behaviour = in_turn(fails(status, "3600"), finds("Bread"))
    started = time.monotonic()
    assert (await open_signal(attempts=2)("bread")).outcome is Outcome.ERROR
    assert time.monotonic() - started < SOON
    assert wikipedia.calls == 1


@pytest.mark.parametrize("value", ["Fri, 31 Dec 2100 23:59:59 GMT", "-1", "soon", "9" * 400])
async def test_a_retry_after_that_is_no_number_of_seconds_is_not_read(
    wikipedia: FakeWikipedia, open_signal: OpenSignal, value: str
) -> None:
    wikipedia.behaviour = in_turn(fails(429, value), finds("Bread"))
    assert (await open_signal(attempts=2)("bread")).outcome is Outcome.HIT


async def test_the_deadline_is_kept_though_the_call_goes_on(
    wikipedia: FakeWikipedia, open_signal: OpenSignal
) -> None:
    wikipedia.behaviour = hangs
    ask = open_signal(deadline_seconds=0.05, timeout_seconds=60)
    started = time.monotonic()
    assert (await ask("bread")).outcome is Outcome.TIMEOUT
    assert time.monotonic() - started < SOON
    await eventually(lambda: wikipedia.under_way == 1)


async def test_a_late_answer_serves_the_next_request(
    wikipedia: FakeWikipedia, open_signal: OpenSignal
) -> None:
    wikipedia.behaviour = wikipedia.held(finds("Bread"))
    ask = open_signal(deadline_seconds=0.05, timeout_seconds=60)
    assert (await ask("bread")).outcome is Outcome.TIMEOUT
    wikipedia.release()
    outcomes = [(await ask("bread")).outcome]
    while outcomes[-1] is not Outcome.CACHED:
        assert len(outcomes) < 100
        outcomes.append((await ask("bread")).outcome)
    assert wikipedia.calls == 1


async def test_the_deadline_covers_the_retries(
    wikipedia: FakeWikipedia, open_signal: OpenSignal
) -> None:
    wikipedia.behaviour = fails(429, "5")
    ask = open_signal(attempts=5, deadline_seconds=0.1, timeout_seconds=30)
    started = time.monotonic()
    assert (await ask("bread")).outcome is Outcome.TIMEOUT
    assert time.monotonic() - started < SOON
    await eventually(lambda: wikipedia.calls == 1)


@pytest.mark.lasting
async def test_pauses_of_the_event_loop_keep_no_place_in_the_pool(
    wikipedia: FakeWikipedia, open_signal: OpenSignal
) -> None:
    """A cancelled call must give its connection back, wherever the cancellation arrives."""
    wikipedia.behaviour = finds("Bread")
    limits = {"timeout_seconds": 0.12, "deadline_seconds": 0.12}
    ask = open_signal(connections=2, attempts=1, breaker_failures=10_000, **limits)
    running = True

    async def pause() -> None:
        while running:
            time.sleep(0.05)  # noqa: ASYNC251 - the pause
            await asyncio.sleep(0.001)

    pausing = asyncio.create_task(pause())
    for number in range(15):
        await asyncio.gather(ask(f"bread {number}"), ask(f"butter {number}"))
    running = False
    await pausing
    deadline = time.monotonic() + TIMEOUT
    for number in count():  # the first ones may be late on a busy machine
        if (await ask(f"afterwards {number}")).outcome is Outcome.HIT:
            break
        assert time.monotonic() < deadline

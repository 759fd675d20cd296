"""Retries, deadlines, and answers that come late."""

import time

import pytest

from app.recommend.topic_signal import Outcome
from tests.stand_in import Behaviour, StandIn, drops, fails, finds, hangs, in_turn, replies
from tests.waiting import SOON
from tests.wikipedia.conftest import OpenAsker

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("failure", [fails(500), fails(503), fails(429), drops])
async def test_what_may_pass_is_tried_again(
    stand_in: StandIn, open_asker: OpenAsker, failure: Behaviour
) -> None:
    stand_in.behaviour = in_turn(failure, finds("Bread"))
    assert (await open_asker(attempts=2)("bread")).outcome is Outcome.HIT
    assert stand_in.calls == 2


@pytest.mark.parametrize("failure", [fails(404), fails(400), replies(200, b"no")])
async def test_what_will_not_pass_is_not_tried_again(
    stand_in: StandIn, open_asker: OpenAsker, failure: Behaviour
) -> None:
    stand_in.behaviour = in_turn(failure, finds("Bread"))
    assert (await open_asker(attempts=3)("bread")).outcome is Outcome.ERROR
    assert stand_in.calls == 1


@pytest.mark.parametrize("attempts", [1, 3])
async def test_attempts_are_bounded(
    stand_in: StandIn, open_asker: OpenAsker, attempts: int
) -> None:
    stand_in.behaviour = fails(500)
    assert (await open_asker(attempts=attempts)("bread")).outcome is Outcome.ERROR
    assert stand_in.calls == attempts


async def test_a_short_retry_after_is_honoured(stand_in: StandIn, open_asker: OpenAsker) -> None:
    stand_in.behaviour = in_turn(fails(429, "1"), finds("Bread"))
    assert (await open_asker(attempts=2)("bread")).outcome is Outcome.HIT
    first, second = stand_in.received
    assert second.at - first.at >= 1


@pytest.mark.parametrize("status", [429, 503])
async def test_a_long_retry_after_is_not_waited_for(
    stand_in: StandIn, open_asker: OpenAsker, status: int
) -> None:
    stand_in.behaviour = in_turn(fails(status, "3600"), finds("Bread"))
    started = time.monotonic()
    assert (await open_asker(attempts=2)("bread")).outcome is Outcome.ERROR
    assert time.monotonic() - started < SOON
    assert stand_in.calls == 1


@pytest.mark.parametrize("value", ["Fri, 31 Dec 2100 23:59:59 GMT", "-1", "soon", "9" * 400])
async def test_a_retry_after_that_is_no_number_of_seconds_is_not_read(
    stand_in: StandIn, open_asker: OpenAsker, value: str
) -> None:
    stand_in.behaviour = in_turn(fails(429, value), finds("Bread"))
    assert (await open_asker(attempts=2)("bread")).outcome is Outcome.HIT


async def test_the_deadline_is_kept_though_the_call_goes_on(
    stand_in: StandIn, open_asker: OpenAsker
) -> None:
    stand_in.behaviour = hangs
    ask = open_asker(deadline_seconds=0.05, timeout_seconds=60)
    started = time.monotonic()
    assert (await ask("bread")).outcome is Outcome.TIMEOUT
    assert time.monotonic() - started < SOON
    assert stand_in.under_way == 1


async def test_a_late_answer_serves_the_next_request(
    stand_in: StandIn, open_asker: OpenAsker
) -> None:
    stand_in.behaviour = stand_in.held(finds("Bread"))
    ask = open_asker(deadline_seconds=0.05, timeout_seconds=60)
    assert (await ask("bread")).outcome is Outcome.TIMEOUT
    stand_in.release()
    outcomes = [(await ask("bread")).outcome]
    while outcomes[-1] is not Outcome.CACHED:
        assert len(outcomes) < 100
        outcomes.append((await ask("bread")).outcome)
    assert stand_in.calls == 1


async def test_the_deadline_covers_the_retries(stand_in: StandIn, open_asker: OpenAsker) -> None:
    stand_in.behaviour = fails(429, "5")
    ask = open_asker(attempts=5, deadline_seconds=0.1, timeout_seconds=30)
    started = time.monotonic()
    assert (await ask("bread")).outcome is Outcome.TIMEOUT
    assert time.monotonic() - started < SOON
    assert stand_in.calls == 1

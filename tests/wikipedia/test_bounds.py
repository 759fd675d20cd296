"""One call for many askers, few calls at a time, a cache that forgets, and a clean end."""

import asyncio

import pytest

from app.recommend.topic_signal import Evidence, Outcome
from app.recommend.types import Query
from tests.fake_wikipedia import FakeWikipedia, fails, finds, hangs
from tests.waiting import eventually
from tests.wikipedia.conftest import ObservedSignal, OpenSignal

pytestmark = pytest.mark.anyio


def begin(ask: ObservedSignal, *texts: str) -> list[asyncio.Future[Evidence]]:
    """Start all concurrently."""
    return [ask.signal.begin(Query(text, ())) for text in texts]


async def test_many_askers_share_one_call(
    wikipedia: FakeWikipedia, open_signal: OpenSignal
) -> None:
    wikipedia.behaviour = wikipedia.held(finds("Bread"))
    asked = begin(open_signal(), *["bread", "Bread", "BREAD"] * 10)
    await eventually(lambda: wikipedia.calls == 1)
    wikipedia.release()
    given = await asyncio.gather(*asked)
    assert {each.outcome for each in given} == {Outcome.HIT}
    assert wikipedia.calls == 1


async def test_many_askers_share_one_failure(
    wikipedia: FakeWikipedia, open_signal: OpenSignal
) -> None:
    wikipedia.behaviour = wikipedia.held(fails(500))
    asked = begin(open_signal(), *["bread"] * 10)
    wikipedia.release()
    assert {each.outcome for each in await asyncio.gather(*asked)} == {Outcome.ERROR}
    assert wikipedia.calls == 1


async def test_an_asker_who_leaves_does_not_end_the_call_of_the_others(
    wikipedia: FakeWikipedia, open_signal: OpenSignal
) -> None:
    wikipedia.behaviour = wikipedia.held(finds("Bread"))
    leaves, stays = begin(open_signal(), "bread", "bread")
    await eventually(lambda: wikipedia.calls == 1)
    leaves.cancel()
    wikipedia.release()
    assert (await stays).outcome is Outcome.HIT
    assert wikipedia.calls == 1


async def test_calls_under_way_are_bounded(
    wikipedia: FakeWikipedia, open_signal: OpenSignal
) -> None:
    wikipedia.behaviour = wikipedia.held(finds("Bread"))
    ask = open_signal(connections=3)
    asked = begin(ask, *(f"question {number}" for number in range(10)))
    await eventually(lambda: wikipedia.calls == 3)
    refused = await asyncio.gather(*asked[3:])
    assert {each.outcome for each in refused} == {Outcome.ERROR}
    assert all("too many concurrent calls" in str(each.failure) for each in refused)
    wikipedia.release()
    assert {each.outcome for each in await asyncio.gather(*asked[:3])} == {Outcome.HIT}
    assert wikipedia.most_under_way == 3
    assert (await ask("one more")).outcome is Outcome.HIT


async def test_what_is_kept_expires(wikipedia: FakeWikipedia, open_signal: OpenSignal) -> None:
    ask = open_signal(cache_seconds=0.2)
    assert (await ask("bread")).outcome is Outcome.HIT
    assert (await ask.until_past(Outcome.CACHED, "bread")).outcome is Outcome.HIT
    assert wikipedia.calls == 2


async def test_no_more_is_kept_than_allowed(
    wikipedia: FakeWikipedia, open_signal: OpenSignal
) -> None:
    ask = open_signal(cache_entries=2)
    for text in ("one", "two", "three"):
        await ask(text)
    assert (await ask("three")).outcome is Outcome.CACHED
    assert (await ask("two")).outcome is Outcome.CACHED
    assert (await ask("one")).outcome is Outcome.HIT
    assert wikipedia.calls == 4


async def test_failures_are_not_kept(wikipedia: FakeWikipedia, open_signal: OpenSignal) -> None:
    wikipedia.behaviour = fails(404)
    ask = open_signal()
    assert [(await ask("bread")).outcome for _ in range(2)] == [Outcome.ERROR] * 2
    assert wikipedia.calls == 2


async def test_closing_gives_up_what_is_under_way(
    wikipedia: FakeWikipedia, open_signal: OpenSignal
) -> None:
    wikipedia.behaviour = hangs
    before = asyncio.all_tasks()
    ask = open_signal()
    asked = begin(ask, "bread", "bread", "tides")
    await eventually(lambda: wikipedia.calls == 2)
    await ask.signal.close()
    given = await asyncio.gather(*asked)
    assert {each.outcome for each in given} == {Outcome.ERROR}
    assert asyncio.all_tasks() == before
    await eventually(lambda: wikipedia.under_way == 0)


async def test_closing_leaves_no_task(wikipedia: FakeWikipedia, open_signal: OpenSignal) -> None:
    wikipedia.behaviour = hangs
    before = asyncio.all_tasks()
    ask = open_signal(deadline_seconds=0.05)
    assert (await ask("bread")).outcome is Outcome.TIMEOUT
    await ask.signal.close()
    assert asyncio.all_tasks() == before

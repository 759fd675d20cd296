"""Every outcome of a call, which never raises."""

import socket

import numpy as np
import pytest

from app.recommend.embedding import Embedder
from app.recommend.stages import FETCH_TOPIC
from app.recommend.topic_signal import Outcome
from app.wikipedia.client import MAX_BODY, PAGES, SearchUnreachable
from tests.fake_wikipedia import (
    Behaviour,
    FakeWikipedia,
    drips,
    drops,
    fails,
    finds,
    hangs,
    page,
    replies,
)
from tests.wikipedia.conftest import OpenSignal

pytestmark = pytest.mark.anyio

UNUSABLE = {
    "500": fails(500),
    "503": fails(503),
    "404": fails(404),
    "429 for long": fails(429, "3600"),
    "a redirect": replies(302, b"", {"Location": "/elsewhere"}),
    "not JSON": replies(200, b"<html>It works!</html>"),
    "half of a JSON text": replies(200, b'{"pages": [{"title": "Br'),
    "not UTF-8": replies(200, b'{"pages": [{"title": "\xff\xfe"}]}'),
    "no body": replies(200, b""),
    "a list": replies(200, b"[]"),
    "no pages": replies(200, b'{"found": []}'),
    "pages of another type": replies(200, b'{"pages": "many"}'),
    "a page without title": replies(200, b'{"pages": [{"key": "Bread"}]}'),
    "an empty title": finds(""),
    "null for a title": replies(200, b'{"pages": [{"title": null}]}'),
    "more pages than anyone asked for": finds(*["Bread"] * 101),
    "a huge body": replies(200, b" " * (MAX_BODY + 1) + b'{"pages": []}'),
    "deep nesting": replies(200, b"[" * 100_000),
    "a body that is not what its header says": replies(200, b"x", {"Content-Encoding": "gzip"}),
    "a broken connection": drops,
}


async def test_a_hit_has_pages_their_vectors_and_titles(
    wikipedia: FakeWikipedia, open_signal: OpenSignal, embedder: Embedder
) -> None:
    wikipedia.behaviour = finds(page("Bread", "Staple food", "baked <b>dough</b>"), "Staling")
    found = await open_signal()("stale bread")
    assert found.outcome is Outcome.HIT
    assert [each.title for each in found.pages] == ["Bread", "Staling"]
    assert found.vectors is not None
    assert found.titles is not None
    assert len(found.titles) == 2
    expected = embedder.embed(["Bread\nStaple food baked dough", "Staling\n"])
    np.testing.assert_array_equal(found.vectors, expected)


async def test_no_pages_are_a_miss(wikipedia: FakeWikipedia, open_signal: OpenSignal) -> None:
    wikipedia.behaviour = finds()
    found = await open_signal()("qwertzuiop")
    assert (found.outcome, found.pages) == (Outcome.MISS, ())
    assert not found.outcome.degraded


@pytest.mark.parametrize("title", ["hit", "miss"])
async def test_what_was_asked_before_needs_no_call(
    wikipedia: FakeWikipedia, open_signal: OpenSignal, title: str
) -> None:
    wikipedia.behaviour = finds("Bread") if title == "hit" else finds()
    ask = open_signal()
    first, second = await ask("Stale Bread"), await ask("stale bread")
    assert (first.outcome.value, second.outcome) == (title, Outcome.CACHED)
    assert second.pages == first.pages
    assert wikipedia.calls == 1


@pytest.mark.parametrize("behaviour", UNUSABLE.values(), ids=UNUSABLE.keys())
async def test_an_answer_that_cannot_be_used_is_an_error(
    wikipedia: FakeWikipedia, open_signal: OpenSignal, behaviour: Behaviour
) -> None:
    wikipedia.behaviour = behaviour
    found = await open_signal()("bread")
    assert (found.outcome, found.pages) == (Outcome.ERROR, ())
    assert found.outcome.degraded
    assert "Search" in type(found.failure).__name__  # the name of the failure
    assert wikipedia.calls == 1


async def test_no_one_there_is_an_error(open_signal: OpenSignal) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    found = await open_signal(base_url=f"http://127.0.0.1:{port}/")("bread")
    assert found.outcome is Outcome.ERROR
    assert isinstance(found.failure, SearchUnreachable)


async def test_a_text_that_cannot_be_sent_is_an_error(open_signal: OpenSignal) -> None:
    found = await open_signal()("lone \ud800 surrogate")
    assert found.outcome is Outcome.ERROR


@pytest.mark.parametrize("behaviour", [hangs, drips], ids=["hangs", "drips"])
@pytest.mark.parametrize("limit", ["deadline_seconds", "timeout_seconds"])
async def test_no_answer_in_time_is_a_timeout(
    wikipedia: FakeWikipedia, open_signal: OpenSignal, behaviour: Behaviour, limit: str
) -> None:
    wikipedia.behaviour = behaviour
    found = await open_signal(**{limit: 0.1})("bread")
    assert (found.outcome, found.pages) == (Outcome.TIMEOUT, ())
    assert found.outcome.degraded


async def test_after_a_failure_the_next_answer_is_taken(
    wikipedia: FakeWikipedia, open_signal: OpenSignal
) -> None:
    ask = open_signal()
    wikipedia.behaviour = fails(500)
    assert (await ask("bread")).outcome is Outcome.ERROR
    wikipedia.behaviour = finds("Bread")
    assert (await ask("bread")).outcome is Outcome.HIT


async def test_every_outcome_is_observed(wikipedia: FakeWikipedia, open_signal: OpenSignal) -> None:
    ask = open_signal()
    given = [await ask("bread"), await ask("bread")]
    wikipedia.behaviour = fails(500)
    given.append(await ask("tides"))
    assert ask.stages.names == [FETCH_TOPIC] * 3
    outcomes = [each.result.outcome for each in ask.stages.seen]
    assert outcomes == [Outcome.HIT, Outcome.CACHED, Outcome.ERROR]
    assert [each.outcome for each in given] == outcomes
    assert all(each.error is None for each in ask.stages.seen)


async def test_pages_beyond_the_number_asked_for_are_left_out(
    wikipedia: FakeWikipedia, open_signal: OpenSignal
) -> None:
    wikipedia.behaviour = finds(*(f"Page {number}" for number in range(PAGES + 5)))
    assert len((await open_signal()("bread")).pages) == PAGES

"""The span trees of recommendations to which nothing was missing."""

import threading
from typing import Any

import pytest

from app.catalogue.index import SnapshotIndex
from app.telemetry import vocabulary as v
from tests.api.service import recommended
from tests.fake_wikipedia import FakeWikipedia, finds
from tests.telemetry.consistency import assert_agreement, assert_served, server_span, span_of
from tests.telemetry.expected import (
    BREAD,
    DOCUMENT,
    FUSION,
    SHOWN,
    TITLE,
    VECTORS,
    analyzed,
    answered,
    get,
    ranked,
    retrieved,
    select,
    server,
    topic,
)
from tests.telemetry.recorded_service import OpenService, wikipedia_settings
from tests.telemetry.span_trees import assert_same, span

pytestmark = pytest.mark.anyio


async def test_a_first_question_whose_pages_are_found(
    open_service: OpenService, wikipedia: FakeWikipedia
) -> None:
    async with open_service(wikipedia_settings(wikipedia)) as service:
        answer = await service.ask(BREAD)
    assert_same(service.tree(answer), answered(topic=topic("hit", 2, v.CACHE_MISS, get(200))))
    assert_served(service, answer)
    assert service.counts(v.TOPIC_REQUESTS) == {("hit", None): 1}
    assert service.counts(v.CACHE_REQUESTS) == {("answers", "miss"): 1, ("topic_signal", "miss"): 1}


async def test_a_question_to_which_there_are_no_pages(
    open_service: OpenService, wikipedia: FakeWikipedia
) -> None:
    wikipedia.behaviour = finds()
    async with open_service(wikipedia_settings(wikipedia)) as service:
        answer = await service.ask(BREAD)
    assert_same(service.tree(answer), answered(topic=topic("miss", 0, v.CACHE_MISS, get(200))))
    assert_served(service, answer)
    assert service.counts(v.TOPIC_REQUESTS) == {("miss", None): 1}


async def test_cached_pages_take_no_call(
    open_service: OpenService, wikipedia: FakeWikipedia
) -> None:
    """The pages are known, the answer is not."""
    async with open_service(wikipedia_settings(wikipedia), answers_bytes=0) as service:
        await service.ask(BREAD)
        answer = await service.ask(BREAD)
    expected = answered(topic=topic("cached", 2))
    assert_same(service.tree(answer), expected)
    assert_agreement(service, answer)
    assert service.counts(v.TOPIC_REQUESTS) == {("hit", None): 1, ("cached", None): 1}


async def test_an_answer_that_was_kept(open_service: OpenService, wikipedia: FakeWikipedia) -> None:
    async with open_service(wikipedia_settings(wikipedia)) as service:
        await service.ask(BREAD)
        answer = await service.ask(BREAD)
    assert_same(service.tree(answer), answered(topic=topic("cached", 2), cache="hit"))
    emitted = service.wide_event(answer).attributes or {}
    assert emitted[v.CACHE_OUTCOME] == "hit"
    assert emitted[v.RESULTS] == 5
    assert service.counts(v.CACHE_REQUESTS) == {
        ("answers", "miss"): 1, ("answers", "hit"): 1,
        ("topic_signal", "miss"): 1, ("topic_signal", "hit"): 1,
    }  # fmt: skip


async def test_a_question_in_the_address(open_service: OpenService) -> None:
    async with open_service() as service:
        answer = await service.client.get("/recommend", params={"q": BREAD, "limit": 2})
    expected = answered(rank=ranked(2), name="GET /recommend")
    assert_same(service.tree(answer), expected)
    assert_served(service, answer)
    assert service.counts(v.TOPIC_REQUESTS) == {}


async def test_similar_documents(open_service: OpenService) -> None:
    async with open_service() as service:
        answer = await service.client.get("/documents/staling/similar", params={"limit": 3})
    expected = answered(
        select(TITLE), select(VECTORS), select(VECTORS),
        analyze=None, rank=ranked(3, typed=False),
        name="GET /documents/{document_id}/similar", cache="",
    )  # fmt: skip
    assert_same(service.tree(answer), expected)
    assert_served(service, answer)
    assert service.counts(v.CACHE_REQUESTS) == service.counts(v.QUERY_OOV) == {}  # nor typed


async def test_a_document_is_read(open_service: OpenService) -> None:
    async with open_service() as service:
        answer = await service.client.get("/documents/staling")
    expected = server("GET /documents/{document_id}", 200, {}, select(DOCUMENT))
    assert_same(service.tree(answer), expected)


async def test_postings_in_memory_take_no_statement(open_service: OpenService) -> None:
    async with open_service(lexical_index="memory") as service:
        answer = await service.ask(BREAD)
    without = span(retrieved().name, retrieved().attributes)
    assert_same(service.tree(answer), answered(retrieve=without))


async def test_a_thread_keeps_the_tree(
    open_service: OpenService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Retrieval that takes its time runs in a thread."""
    ran_in: list[int] = []
    retrieve = SnapshotIndex.retrieve

    def noticed(self: SnapshotIndex, *args: Any) -> Any:
        ran_in.append(threading.get_ident())
        return retrieve(self, *args)

    monkeypatch.setattr(SnapshotIndex, "quick", False)
    monkeypatch.setattr(SnapshotIndex, "retrieve", noticed)
    async with open_service() as service:
        answer = await service.ask(BREAD)
    assert ran_in != [threading.get_ident()]
    assert_same(service.tree(answer), answered())
    assert_served(service, answer)


async def test_spans_carry_the_numbers_of_the_answer(open_service: OpenService) -> None:
    async with open_service() as service:
        answer = await service.ask(BREAD)
    found = recommended(answer)
    scores = [each.score for each in found.results]
    emitted = span_of(service, answer, "rank candidates").attributes or {}
    assert emitted[v.SCORE_TOP] == pytest.approx(scores[0], abs=1e-4)
    assert emitted[v.SCORE_MARGIN] == pytest.approx(scores[0] - scores[1], abs=1e-4)
    low, high = map(float, str(emitted[v.SCORE_BUCKET]).split("-"))
    assert low <= scores[0] < high
    assert (emitted[v.RELEVANCE], emitted[v.ANSWERED]) == (found.relevance, found.answered)
    assert service.counts(v.FIRST_RELEVANCE) == {(found.answered, "fusion", "2"): 1}
    about = server_span(service, answer).attributes or {}
    assert about[v.RECOMMENDATION_ID] == found.recommendation_id
    assert FUSION.items() <= about.items()


async def test_nothing_found_is_reported_without_scores(
    open_service: OpenService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And words that no document has are counted. The category is deleted after its check."""
    monkeypatch.setattr("app.api.recommend.check_categories", lambda *_: None)
    async with open_service() as service:
        answer = await service.client.post(
            "/recommend", json={"query": "qqqqzzzz", "categories": ["nowhere"]}
        )
    assert recommended(answer).results == []
    expected = answered(
        analyze=span("analyze query", {**analyzed(1).attributes, v.OOV_RATIO: 1.0}),
        retrieve=span("retrieve candidates", {v.CANDIDATES: 0}),
        rank=span(
            "rank candidates",
            {v.RESULTS: 0, v.RELEVANCE: 0.0, v.ANSWERED: False},
            select(SHOWN.format("")),
        ),
    )
    assert_same(service.tree(answer), expected)
    assert service.counts(v.TOP_SCORE) == {}


async def test_what_was_typed_is_emitted_where_configured(open_service: OpenService) -> None:
    plain = {"logs": "off", "query_text": "plain"}
    async with open_service(telemetry=plain) as service:
        answer = await service.ask(BREAD)
    emitted = span_of(service, answer, "analyze query").attributes or {}
    assert emitted[v.QUERY_TEXT] == BREAD
    assert (service.wide_event(answer).attributes or {})[v.QUERY_TEXT] == BREAD

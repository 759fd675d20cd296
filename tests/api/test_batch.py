"""Many queries in one request: each has its own result or problem, and counts in the limits."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.api.admission import InFlight, Slot
from app.api.problems import Problem
from app.api.wire import MAX_ITEMS, BatchResponse, RecommendResponse
from app.catalogue.index import SnapshotIndex
from app.recommend.batch import BatchRecommender
from app.recommend.types import Probe, Query
from tests.api.service import problem, serving, settings
from tests.fakes import SHELF

pytestmark = pytest.mark.anyio
QUERIES = ("stale bread", "tide tables", "black hole", "computers", "one file")


async def send(client: httpx.AsyncClient, *items: object) -> BatchResponse:
    answer = await client.post("/recommend/batch", json={"items": items})
    assert answer.status_code == 200, answer.text
    return BatchResponse.model_validate_json(answer.content)


def comparable(found: RecommendResponse | None) -> dict[str, Any]:
    assert found is not None
    return found.model_dump(exclude={"recommendation_id", "trace_id", "took_ms"})


async def test_each_item_has_the_answer_of_a_request_of_its_own(shelf: httpx.AsyncClient) -> None:
    items = [{"query": text, "limit": 3} for text in QUERIES]
    items.append({"query": "computers", "categories": ["astronomy"], "explain": False})
    together = await send(shelf, *items)
    for item, outcome in zip(items, together.items, strict=True):
        alone = await shelf.post("/recommend", json=item)
        expected = RecommendResponse.model_validate_json(alone.content)
        assert comparable(outcome.recommendation) == comparable(expected)
        assert outcome.problem is None


async def test_the_queries_are_encoded_at_once(
    shelf: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts, probes = list[int](), SnapshotIndex.probes

    def counted(self: SnapshotIndex, queries: Sequence[Query]) -> list[Probe]:
        counts.append(len(queries))
        return probes(self, queries)

    monkeypatch.setattr(SnapshotIndex, "probes", counted)
    await send(shelf, *({"query": text} for text in QUERIES))
    assert counts == [len(QUERIES)]


async def test_a_bad_item_does_not_affect_the_others(
    shelf: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = BatchRecommender._answer

    def fails_for_tides(self: Any, index: Any, model: Any, query: Any, *rest: Any) -> Any:
        if query.text == "tide":
            raise ZeroDivisionError
        return answer(self, index, model, query, *rest)

    monkeypatch.setattr(BatchRecommender, "_answer", fails_for_tides)
    items = (
        {"query": "bread"}, "bread", {"query": "x" * 501}, {"query": "?!"},
        {"query": "bread", "categories": ["nowhere"]}, {"query": "bread", "limit": 99},
        {"query": "tide"}, {"query": "bread", "traceparent": "nonsense"},
    )  # fmt: skip
    found = (await send(shelf, *items)).items
    answered = [each.recommendation is not None for each in found]
    assert answered == [True, *[False] * 6, True]
    problems = [each.problem for each in found[1:7]]
    kinds = [each.type.rpartition(":")[2] for each in problems if each]
    assert kinds == [*["invalid-input"] * 5, "internal"]
    pointers = [each.errors[0].pointer for each in problems[1:5] if each]
    assert pointers == ["/query", "/query", "/categories", "/limit"]


async def test_feedback_can_refer_to_each_item(shelf: httpx.AsyncClient) -> None:
    (outcome,) = (await send(shelf, {"query": "stale bread"})).items
    assert outcome.recommendation is not None
    given = {
        "recommendation_id": outcome.recommendation.recommendation_id,
        "document_id": outcome.recommendation.results[0].document.id, "kind": "click",
    }  # fmt: skip
    assert (await shelf.post("/feedback", json=given)).status_code == 201


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/items"), ({"items": []}, "/items"), ({"items": "bread"}, "/items"),
        ({"items": [{"query": "bread"}] * (MAX_ITEMS + 1)}, "/items"),
    ],
)  # fmt: skip
async def test_a_batch_that_is_none_is_refused(
    shelf: httpx.AsyncClient, body: object, pointer: str
) -> None:
    details = problem(await shelf.post("/recommend/batch", json=body), 422)
    assert details.errors[0].pointer == pointer


async def test_a_batch_counts_as_its_items(shelf_data: Path) -> None:
    rate = {"requests_per_second": 0.001, "burst": len(SHELF)}
    async with serving(settings(shelf_data, limits=rate)) as client:
        body = {"items": [{"query": "bread"}] * (len(SHELF) + 1)}
        details = problem(await client.post("/recommend/batch", json=body), 422)
        assert "at most 8 requests" in details.detail
        await send(client, *[{"query": "bread"}] * (len(SHELF) - 3))
        again = await client.post("/recommend/batch", json={"items": [{"query": "bread"}] * 3})
        assert "slow down" in problem(again, 429).detail
        assert int(again.headers["retry-after"]) > 0


def test_a_batch_takes_the_slots_of_its_items_and_gives_them_back() -> None:
    in_flight = InFlight(most=10, most_per_client=6)
    first, second, third = (Slot(in_flight, client) for client in ("a", "b", "a"))
    first.begin(has_body=False)
    first.weigh(4)
    assert in_flight.count == 4
    second.begin(has_body=False)
    second.weigh(100)
    assert in_flight.count == 10, "at most as many as one client may have"
    with pytest.raises(Problem):
        third.begin(has_body=False)
    second.release()
    second.release()
    third.begin(has_body=False)
    with pytest.raises(Problem, match="per client"):
        third.weigh(3)
    for each in (first, third):
        each.release()
    assert in_flight.count == 0

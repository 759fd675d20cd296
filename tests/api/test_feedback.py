"""What people did with what was recommended."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.api.wire import FeedbackResponse
from tests.api.service import JSON, escaped, ids, problem, recommended, serving, settings
from tests.fakes import SHELF

pytestmark = pytest.mark.anyio


async def recommendation(client: httpx.AsyncClient) -> tuple[str, list[str]]:
    """The id of a new recommendation, and the documents in it."""
    found = recommended(await client.get("/recommend", params={"q": "bread", "limit": 3}))
    return found.recommendation_id, ids(found)


async def give(client: httpx.AsyncClient, **feedback: Any) -> httpx.Response:
    return await client.post("/feedback", content=escaped(feedback), headers=JSON)


@pytest.mark.parametrize("kind", ["click", "dismiss", "thumbs_up", "thumbs_down", "dwell"])
async def test_feedback_is_new_once(shelf: httpx.AsyncClient, kind: str) -> None:
    name, documents = await recommendation(shelf)
    given: dict[str, Any] = {"recommendation_id": name, "document_id": documents[1], "kind": kind}
    if kind == "dwell":
        given["dwell_ms"] = 1200
    first, second = await give(shelf, **given), await give(shelf, **given)
    assert (first.status_code, second.status_code) == (201, 200)
    assert FeedbackResponse.model_validate_json(first.text).model_dump() == {
        "rank": 2, "repeated": False,
    }  # fmt: skip
    assert second.json() == {"rank": 2, "repeated": True}


async def test_kinds_and_documents_are_kept_apart(shelf: httpx.AsyncClient) -> None:
    name, documents = await recommendation(shelf)
    for document in documents[:2]:
        for kind in ("click", "thumbs_up"):
            answer = await give(shelf, recommendation_id=name, document_id=document, kind=kind)
            assert answer.status_code == 201


async def test_similar_documents_take_feedback_too(shelf: httpx.AsyncClient) -> None:
    found = recommended(await shelf.get("/documents/staling/similar"))
    answer = await give(
        shelf,
        recommendation_id=found.recommendation_id,
        document_id=ids(found)[0],
        kind="click",
    )
    assert answer.status_code == 201


async def test_feedback_outlives_the_service(shelf_data: Path) -> None:
    async with serving(settings(shelf_data)) as client:
        name, documents = await recommendation(client)
        given = {"recommendation_id": name, "document_id": documents[0], "kind": "click"}
        assert (await give(client, **given)).status_code == 201
        later, _ = await recommendation(client)
    async with serving(settings(shelf_data)) as client:
        assert (await give(client, **given)).status_code == 200
        given["recommendation_id"] = later
        assert (await give(client, **given)).status_code == 201


async def test_an_unknown_recommendation_is_not_found(shelf: httpx.AsyncClient) -> None:
    answer = await give(shelf, recommendation_id="0" * 32, document_id="tide", kind="click")
    assert "0" * 32 in problem(answer, 404).detail


async def test_a_document_that_was_not_recommended_is_refused(shelf: httpx.AsyncClient) -> None:
    name, documents = await recommendation(shelf)
    other = next(each.id for each in SHELF if each.id not in documents)
    answer = await give(shelf, recommendation_id=name, document_id=other, kind="click")
    details = problem(answer, 422)
    assert [each.pointer for each in details.errors] == ["/document_id"]


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"kind": "dwell"}, "/dwell_ms"),
        ({"kind": "click", "dwell_ms": 5}, "/dwell_ms"),
        ({"kind": "dwell", "dwell_ms": -1}, "/dwell_ms"),
        ({"kind": "dwell", "dwell_ms": 86_400_001}, "/dwell_ms"),
        ({"kind": "dwell", "dwell_ms": 1.5}, "/dwell_ms"),
        ({"kind": "dwell", "dwell_ms": "5"}, "/dwell_ms"),
        ({"kind": "purchase"}, "/kind"),
        ({"kind": None}, "/kind"),
        ({"kind": "\ud800"}, "/kind"),
        ({"recommendation_id": "x"}, "/recommendation_id"),
        ({"recommendation_id": "A" * 32}, "/recommendation_id"),
        ({"recommendation_id": "0" * 32 + "\n"}, "/recommendation_id"),
        ({"recommendation_id": None}, "/recommendation_id"),
        ({"document_id": "No Slug"}, "/document_id"),
        ({"document_id": "x" * 129}, "/document_id"),
        ({"document_id": "tide\n"}, "/document_id"),
        ({"note": "lovely"}, "/note"),
    ],
)
async def test_feedback_that_is_invalid_is_refused(
    shelf: httpx.AsyncClient, changes: dict[str, Any], pointer: str
) -> None:
    name, documents = await recommendation(shelf)
    right = {"recommendation_id": name, "document_id": documents[0], "kind": "click"}
    details = problem(await give(shelf, **(right | changes)), 422)
    assert [each.pointer for each in details.errors] == [pointer]
    assert (await give(shelf, **right)).status_code == 201


async def test_only_queries_without_a_filter_are_compared_by_rank(shelf_data: Path) -> None:
    filtered = {"query": "bread", "categories": ["astronomy"]}
    async with serving(settings(shelf_data)) as client:
        for body in ({"query": "bread"}, filtered):
            await client.post("/recommend", json=body)
            await client.post("/recommend/batch", json={"items": [body]})
        await client.get("/documents/staling/similar")
    with closing(sqlite3.connect(shelf_data / "journal.db")) as connection:
        rows = connection.execute("SELECT query_hash <> '' FROM recommendations ORDER BY sequence")
        assert [hashed for (hashed,) in rows] == [1, 1, 0, 0, 0]

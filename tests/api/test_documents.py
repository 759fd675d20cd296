"""Reading and writing single documents."""

from collections import Counter
from typing import Any

import httpx
import pytest

from app.api.wire import DocumentPage, WireDocument
from app.catalogue.incoming_documents import MAX_CATEGORY, MAX_TITLE
from tests.api.service import JSON, WRITER, escaped, ids, problem, recommended
from tests.fakes import SHELF

pytestmark = pytest.mark.anyio
PIZZA = {
    "title": "Pizza",
    "text": "A flat dough with tomatoes and cheese, baked very hot.",
    "category": "cooking",
    "url": "https://en.wikipedia.org/wiki/Pizza",
}


async def test_all_documents_are_listed_a_page_at_a_time(shelf: httpx.AsyncClient) -> None:
    listed: list[str] = []
    params: dict[str, Any] = {"limit": 3}
    while True:
        page = DocumentPage.model_validate_json((await shelf.get("/documents", params=params)).text)
        listed += [each.id for each in page.documents]
        if page.next is None:
            break
        assert len(page.documents) == 3
        params["after"] = page.next
    assert listed == sorted(each.id for each in SHELF)


async def test_a_page_that_ends_with_the_last_document_is_the_last(
    shelf: httpx.AsyncClient,
) -> None:
    answer = await shelf.get("/documents", params={"limit": len(SHELF)})
    assert answer.json()["next"] is None


async def test_one_category_is_listed_on_demand(shelf: httpx.AsyncClient) -> None:
    answer = await shelf.get("/documents", params={"category": "astronomy"})
    assert [each["id"] for each in answer.json()["documents"]] == ["black-hole", "tide"]


@pytest.mark.parametrize(
    "params",
    [{"limit": 0}, {"limit": 201}, {"limit": "x"}, {"after": "x" * 129}, {"category": "x" * 65}],
)
async def test_what_is_invalid_is_refused(shelf: httpx.AsyncClient, params: dict[str, Any]) -> None:
    (name,) = params
    assert name in problem(await shelf.get("/documents", params=params), 422).detail


async def test_one_document_is_read(shelf: httpx.AsyncClient) -> None:
    answer = await shelf.get("/documents/staling")
    found = WireDocument.model_validate_json(answer.text)
    assert (found.id, found.title, found.category) == ("staling", "Staling", "cooking")
    assert found.updated_at.endswith("Z")


@pytest.mark.parametrize("method", ["GET", "DELETE"])
async def test_an_unknown_document_is_named(shelf: httpx.AsyncClient, method: str) -> None:
    answer = await shelf.request(method, "/documents/nowhere", headers=WRITER)
    assert "“nowhere”" in problem(answer, 404).detail


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
@pytest.mark.parametrize("name", ["-bread", "br%20ead", "%00", "bröd", "x" * 129, "a%0a"])
async def test_a_name_that_is_no_id_is_refused(
    shelf: httpx.AsyncClient, method: str, name: str
) -> None:
    body = PIZZA if method == "PUT" else None
    answer = await shelf.request(method, f"/documents/{name}", json=body, headers=WRITER)
    assert "document_id" in problem(answer, 422).detail


async def test_a_document_is_created_then_replaced(shelf: httpx.AsyncClient) -> None:
    created = await shelf.put("/documents/pizza", json=PIZZA, headers=WRITER)
    assert created.status_code == 201
    assert PIZZA.items() <= created.json().items()
    again = await shelf.put("/documents/pizza", json=PIZZA, headers=WRITER)
    assert (again.status_code, again.json()) == (200, created.json())
    changed = PIZZA | {"title": "Pizza Margherita"}
    replaced = await shelf.put("/documents/pizza", json=changed, headers=WRITER)
    assert (replaced.status_code, replaced.json()["title"]) == (200, "Pizza Margherita")
    assert (await shelf.get("/documents/pizza")).json() == replaced.json()


async def test_text_comes_back_in_nfc_and_without_blanks_around(shelf: httpx.AsyncClient) -> None:
    content = {"title": "  Cafe\u0301 ", "text": "خبز \U0001f35e 面包\nnext line"}
    answer = await shelf.put("/documents/cafe", json=content, headers=WRITER)
    assert (answer.json()["title"], answer.json()["text"]) == ("Caf\u00e9", content["text"])


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"title": ""}, "/title"),
        ({"title": "  "}, "/title"),
        ({"title": None}, "/title"),
        ({"title": "x" * (MAX_TITLE + 1)}, "/title"),
        ({"title": "a\x00b"}, "/title"),
        ({"title": "\ud800"}, "/title"),
        ({"text": 5}, "/text"),
        ({"category": "x" * (MAX_CATEGORY + 1)}, "/category"),
        ({"text": "a" + "\u0301\u0316" * 1000}, "/text"),
        ({"category": "x" * 65}, "/category"),
        ({"category": ["cooking"]}, "/category"),
        ({"url": "javascript:alert(1)"}, "/url"),
        ({"url": "https://"}, "/url"),
        ({"url": "https://a b"}, "/url"),
        ({"url": "https://example.org/" + "x" * 2048}, "/url"),
        ({"id": "other"}, "/id"),
        ({"id": "another"}, "/id"),
        ({"colour": "red"}, "/colour"),
    ],
)
async def test_content_that_is_invalid_is_refused(
    shelf: httpx.AsyncClient, changes: dict[str, Any], pointer: str
) -> None:
    body = escaped(PIZZA | changes)
    answer = await shelf.put("/documents/pizza", content=body, headers=WRITER | JSON)
    details = problem(answer, 422)
    assert [each.pointer for each in details.errors] == [pointer]
    assert (await shelf.get("/documents/pizza")).status_code == 404


async def test_a_missing_field_is_named(shelf: httpx.AsyncClient) -> None:
    details = problem(await shelf.put("/documents/x", json={"title": "X"}, headers=WRITER), 422)
    assert [each.pointer for each in details.errors] == ["/text"]


async def test_a_document_is_deleted_once(shelf: httpx.AsyncClient) -> None:
    deleted = await shelf.delete("/documents/tide", headers=WRITER)
    assert (deleted.status_code, deleted.content) == (204, b"")
    problem(await shelf.get("/documents/tide"), 404)
    problem(await shelf.delete("/documents/tide", headers=WRITER), 404)


async def test_the_next_recommendation_sees_every_write(shelf: httpx.AsyncClient) -> None:
    async def answers(query: str) -> list[str]:
        return ids(recommended(await shelf.get("/recommend", params={"q": query, "limit": 50})))

    assert "pizza" not in await answers("tomatoes and cheese")
    await shelf.put("/documents/pizza", json=PIZZA, headers=WRITER)
    assert (await answers("tomatoes and cheese"))[0] == "pizza"
    assert "pizza" in ids(recommended(await shelf.get("/documents/staling/similar?limit=50")))
    changed = PIZZA | {"title": "Zeppelin", "text": "A rigid airship filled with hydrogen."}
    await shelf.put("/documents/pizza", json=changed, headers=WRITER)
    assert (await answers("airship"))[0] == "pizza"
    found = recommended(await shelf.get("/recommend", params={"q": "tomatoes"}))
    assert all(not each.reasons.matched_terms for each in found.results if each.reasons)
    await shelf.delete("/documents/pizza", headers=WRITER)
    assert "pizza" not in await answers("airship")


async def test_categories_are_listed_with_their_size(shelf: httpx.AsyncClient) -> None:
    listed = (await shelf.get("/categories")).json()["categories"]
    assert listed == Counter(each.category for each in SHELF)
    assert list(listed) == sorted(listed)


async def test_a_document_is_put_back_as_it_was_read(shelf: httpx.AsyncClient) -> None:
    read = (await shelf.get("/documents/staling")).json()
    answer = await shelf.put("/documents/staling", json=read, headers=WRITER)
    assert answer.status_code == 200
    assert answer.json() == read

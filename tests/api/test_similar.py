"""Documents like another one."""

import httpx
import pytest

from tests.api.service import ids, problem, recommended
from tests.cases import cases

pytestmark = pytest.mark.anyio


async def test_the_nearest_documents_come_without_the_document_itself(
    client: httpx.AsyncClient,
) -> None:
    found = recommended(await client.get("/documents/bread/similar", params={"limit": 10}))
    assert len(found.results) == 10
    assert "bread" not in ids(found)
    assert {each.document.category for each in found.results[:3]} == {"cooking"}
    assert found.query.text == "Bread"
    assert found.degraded == []
    assert all(each.reasons is not None for each in found.results)


async def test_reasons_are_left_out_on_demand(client: httpx.AsyncClient) -> None:
    found = recommended(await client.get("/documents/bread/similar", params={"explain": "false"}))
    assert all(each.reasons is None for each in found.results)


@cases("limit", ["0", "51", "-1", "many", "", "5.5"])
async def test_the_limit_is_bounded(client: httpx.AsyncClient, limit: str) -> None:
    answer = await client.get("/documents/bread/similar", params={"limit": limit})
    assert "limit" in problem(answer, 422).detail


@cases("name", ["no-such-document", "Bread", "%00", "..%2f..", "bread%20", "🍞"])
async def test_an_unknown_document_is_named(client: httpx.AsyncClient, name: str) -> None:
    problem(await client.get(f"/documents/{name}/similar"), 404)

"""Host checks of the service (DNS rebinding)."""

from pathlib import Path

import httpx
import pytest

from tests.api.service import JSON, problem, serving, settings
from tests.cases import cases

pytestmark = pytest.mark.anyio
OWN = [
    "localhost", "LOCALHOST:8000", "localhost.", "vitrine.localhost", "127.0.0.1", "127.0.0.1:8000",
    "[::1]", "[::1]:8000", "192.168.1.7:8000", "app:8000",
]  # fmt: skip
FOREIGN = [
    "rebound.example", "rebound.example:8000", "rebound.example.", "127.0.0.1.rebound.example",
    "localhost.rebound.example", "x@rebound.example", "[::1", "127.0.0.1.nip.io",
]  # fmt: skip


@cases("host", OWN)
async def test_its_own_names_and_any_address_are_fine(client: httpx.AsyncClient, host: str) -> None:
    answer = await client.get("/categories", headers={"Host": host})
    assert answer.status_code == 200


@cases("host", FOREIGN)
async def test_another_name_is_refused(client: httpx.AsyncClient, host: str) -> None:
    for method, path in (("GET", "/"), ("GET", "/documents"), ("GET", "/livez"), ("GET", "/no")):
        answer = await client.request(method, path, headers={"Host": host})
        assert "VITRINE_SERVER__ALLOWED_HOSTS" in problem(answer, 421).detail
    feedback = {"recommendation_id": "0" * 32, "document_id": "tide", "kind": "click"}
    answer = await client.post("/feedback", json=feedback, headers=JSON | {"Host": host})
    assert problem(answer, 421).type == "urn:vitrine:problem:misdirected"


async def test_one_foreign_name_of_two_is_enough(client: httpx.AsyncClient) -> None:
    headers = [("Host", "localhost"), ("Host", "rebound.example")]
    problem(await client.get("/categories", headers=headers), 421)


@pytest.mark.parametrize(
    ("allowed", "host", "status"),
    [
        ("one.example, Two.example", "TWO.example:80", 200),
        ("one.example", "sub.one.example", 421),
        ("*.one.example", "a.b.one.example", 200),
        ("*.one.example", "one.example", 421),
        ("*.one.example", "evilone.example", 421),
        ("*", "anything.example", 200),
    ],
)
async def test_more_names_can_be_allowed(
    shelf_data: Path, allowed: str, host: str, status: int
) -> None:
    async with serving(settings(shelf_data, server={"allowed_hosts": allowed})) as client:
        assert (await client.get("/categories", headers={"Host": host})).status_code == status

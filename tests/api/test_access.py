"""Writing takes the token of the settings."""

import json
from pathlib import Path

import httpx
import pytest

from tests.api.service import JSON, TOKEN, WRITER, problem, serving, settings

pytestmark = pytest.mark.anyio
NDJSON = {"Content-Type": "application/x-ndjson"}
CONTENT = {"title": "Pizza", "text": "A flat dough, baked very hot."}
Headers = dict[str, str]
WRITES: dict[str, tuple[str, str | None, Headers]] = {
    "PUT": ("/documents/pizza", json.dumps(CONTENT), JSON),
    "DELETE": ("/documents/tide", None, {}),
    "POST": ("/documents", json.dumps(CONTENT | {"id": "pizza"}), NDJSON),
}
WRONG: dict[str, Headers] = {
    "none": {},
    "another": {"Authorization": f"Bearer {TOKEN[::-1]}"},
    "half": {"Authorization": f"Bearer {TOKEN[:-1]}"},
    "more": {"Authorization": f"Bearer {TOKEN}x"},
    "empty": {"Authorization": "Bearer "},
    "another scheme": {"Authorization": f"Basic {TOKEN}"},
    "no scheme": {"Authorization": TOKEN},
    "not ASCII": {"Authorization": "Bearer tökèn"},
    "in the wrong place": {"X-Token": TOKEN},
}


async def write(client: httpx.AsyncClient, method: str, headers: Headers) -> httpx.Response:
    """A write that is right but for its headers."""
    path, body, kind = WRITES[method]
    sent = httpx.Headers(kind | headers, encoding="latin-1")
    return await client.request(method, path, content=body, headers=sent)


async def nothing_was_written(client: httpx.AsyncClient) -> bool:
    """Whether all writes of this file were refused."""
    created = (await client.get("/documents/pizza")).status_code == 200
    deleted = (await client.get("/documents/tide")).status_code == 404
    return not created and not deleted


@pytest.mark.parametrize("method", WRITES)
async def test_without_a_token_in_the_settings_writing_is_off(
    shelf_data: Path, method: str
) -> None:
    async with serving(settings(shelf_data, token=None)) as client:
        for headers in ({}, WRITER):
            details = problem(await write(client, method, headers), 403)
            assert "VITRINE_TOKEN" in details.detail
        assert await nothing_was_written(client)


@pytest.mark.parametrize("method", WRITES)
@pytest.mark.parametrize("headers", WRONG.values(), ids=WRONG.keys())
async def test_the_wrong_token_is_refused(
    shelf: httpx.AsyncClient, method: str, headers: Headers
) -> None:
    answer = await write(shelf, method, headers)
    assert "Authorization: Bearer" in problem(answer, 401).detail
    assert answer.headers["www-authenticate"] == "Bearer"
    assert TOKEN not in answer.text
    assert await nothing_was_written(shelf)


@pytest.mark.parametrize("method", WRITES)
async def test_the_right_token_writes(shelf: httpx.AsyncClient, method: str) -> None:
    assert (await write(shelf, method, WRITER)).is_success
    assert not await nothing_was_written(shelf)


@pytest.mark.parametrize(
    "path",
    ["/documents", "/documents/tide", "/documents/tide/similar", "/recommend?q=tide", "/readyz"],
)
async def test_reading_takes_no_token(shelf_data: Path, path: str) -> None:
    async with serving(settings(shelf_data, token=None)) as client:
        assert (await client.get(path)).status_code == 200

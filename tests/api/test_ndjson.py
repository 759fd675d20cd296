"""Many documents in one stream of lines."""

import json
from typing import Any

import httpx
import pytest

from app.catalogue.importers.json_files import MAX_LINE
from tests.api.service import WRITER, ids, recommended

pytestmark = pytest.mark.anyio
LINES = WRITER | {"Content-Type": "application/x-ndjson"}


def line(document_id: str, title: str = "Title", **more: Any) -> bytes:
    """One document as a line."""
    return json.dumps({"id": document_id, "title": title, "text": "A text."} | more).encode()


async def write(client: httpx.AsyncClient, *lines: bytes) -> list[dict[str, Any]]:
    """Send lines; the outcomes."""
    answer = await client.post("/documents", content=b"\n".join(lines), headers=LINES)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/x-ndjson"
    return [json.loads(each) for each in answer.text.splitlines()]


async def test_every_line_has_its_outcome(shelf: httpx.AsyncClient) -> None:
    outcomes = await write(
        shelf, line("one"), line("two"), line("one"), line("two", "Other"), line("tide")
    )
    assert outcomes == [
        {"line": 1, "id": "one", "outcome": "created"},
        {"line": 2, "id": "two", "outcome": "created"},
        {"line": 3, "id": "one", "outcome": "unchanged"},
        {"line": 4, "id": "two", "outcome": "updated"},
        {"line": 5, "id": "tide", "outcome": "updated"},
    ]
    assert (await shelf.get("/documents/two")).json()["title"] == "Other"


BAD_LINES = {
    "not JSON": (b"{", "JSON"),
    "a list": (b"[1]", "object"),
    "no id": (b'{"title": "T", "text": "T"}', "id"),
    "a bad id": (line("No Slug"), "id"),
    "no text": (b'{"id": "x", "title": "T"}', "text"),
    "an empty title": (line("x", "  "), "title"),
    "a long title": (line("x", "t" * 301), "title"),
    "an unknown field": (line("x", colour="red"), "colour"),
    "a wrong type": (line("x", category=5), "category"),
    "a bad address": (line("x", url="ftp://x"), "url"),
    "a control character": (line("x", "a\x00b"), "U+0000"),
    "a lone surrogate": (line("x", "\ud800"), "hex escape"),
    "not UTF-8": (b'{"id": "x", "title": "\xff", "text": "T"}', "JSON"),
    "a pile of marks": (line("x", text="e" + "\u0301\u0316" * 8000), "combining marks"),
    "too long": (line("x", text="t" * MAX_LINE), "longer than"),
    "deep nesting": (b"[" * 100_000, "JSON"),
}


@pytest.mark.parametrize(("bad", "reason"), BAD_LINES.values(), ids=BAD_LINES.keys())
async def test_a_bad_line_is_rejected_with_its_reason_and_the_others_go_in(
    shelf: httpx.AsyncClient, bad: bytes, reason: str
) -> None:
    before, rejected, after = await write(shelf, line("before"), bad, line("after"))
    assert (before["outcome"], after["outcome"]) == ("created", "created")
    assert (rejected["line"], rejected["outcome"]) == (2, "rejected")
    assert reason in rejected["reason"]
    assert "id" not in rejected
    assert (await shelf.get("/documents/after")).status_code == 200


async def test_empty_lines_count_but_say_nothing(shelf: httpx.AsyncClient) -> None:
    outcomes = await write(shelf, b"", line("one"), b"  ", line("two"), b"\r")
    assert [(each["line"], each["id"]) for each in outcomes] == [(2, "one"), (4, "two")]


@pytest.mark.parametrize("body", [b"", b"\n\n"])
async def test_nothing_sent_has_no_outcomes(shelf: httpx.AsyncClient, body: bytes) -> None:
    assert await write(shelf, body) == []


async def test_more_lines_than_one_batch(shelf: httpx.AsyncClient) -> None:
    outcomes = await write(shelf, *(line(f"n-{number}") for number in range(250)))
    assert [each["line"] for each in outcomes] == list(range(1, 251))
    assert {each["outcome"] for each in outcomes} == {"created"}
    page = (await shelf.get("/documents", params={"after": "n-", "limit": 200})).json()
    assert len(page["documents"]) == 200


async def test_the_next_recommendation_sees_the_lines(shelf: httpx.AsyncClient) -> None:
    await write(shelf, line("zeppelin", "Zeppelin", text="A rigid airship with hydrogen in it."))
    answer = await shelf.get("/recommend", params={"q": "hydrogen airship"})
    assert ids(recommended(answer))[0] == "zeppelin"


async def test_what_is_exported_can_be_sent_back(shelf: httpx.AsyncClient) -> None:
    documents = (await shelf.get("/documents")).json()["documents"]
    outcomes = await write(shelf, *(json.dumps(each).encode() for each in documents))
    assert [each["outcome"] for each in outcomes] == ["unchanged"] * len(documents)

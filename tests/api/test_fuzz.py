"""Any text, bytes and lines are answered, or are a problem of the sender's.

What the description of the API lets through, or does not, is in test_fuzz_schema.py.
"""

import json
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.api.wire import WireDocument
from tests.api.hostile_queries import ACCEPTED, REFUSED, SAME_MEANING
from tests.api.service import JSON, NDJSON, WRITER, escaped, problem, recommended

pytestmark = pytest.mark.anyio
FEW, MANY = settings(max_examples=40), settings(max_examples=100)

any_text = st.text(st.characters())
"""Surrogates and control characters included."""
written = st.text(st.characters(exclude_categories=["Cs"]))
pieces = st.sampled_from(
    ["bread", "stale", "AND", "OR", "NOT", "NEAR(", '"', "'", "*", ":", "(", ")", "^", "-", "c++",
     "title:", "\u0301", "\u202e", "\u200d", "🍞", "面包", "خبز", "%", "\\", "\x00", " ", "\n"]
)  # fmt: skip
queries = st.one_of(
    any_text,
    st.lists(pieces, max_size=30).map("".join),
    st.lists(pieces, max_size=30).map(" ".join),
    st.sampled_from([*ACCEPTED.values(), *REFUSED.values(), *SAME_MEANING]),
)
scalars = st.none() | st.booleans() | st.integers() | st.floats() | any_text
anything = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(any_text, inner, max_size=5),
    max_leaves=10,
)


def objects(*names: str) -> st.SearchStrategy[Any]:
    """Objects that have some of these fields, with whatever in them, and perhaps others."""
    fields = st.sampled_from(names) | any_text
    return st.dictionaries(fields, anything, max_size=len(names)) | anything


def answered(answer: httpx.Response, *statuses: int) -> bool:
    """Whether it succeeded; if not, it is a problem with one of these statuses."""
    if answer.is_success:
        return True
    assert answer.status_code in statuses, answer.text
    problem(answer, answer.status_code)
    return False


@MANY
@given(queries)
async def test_any_query(client: httpx.AsyncClient, text: str) -> None:
    posted = await client.post("/recommend", content=escaped({"query": text}), headers=JSON)
    if answered(posted, 422):
        assert len(recommended(posted).results) <= 5
    if text.isprintable() and text.isascii():
        got = await client.get("/recommend", params={"q": text})
        assert got.status_code == posted.status_code


@FEW
@given(st.sampled_from(["/recommend", "/feedback"]), st.binary(max_size=300))
async def test_any_bytes(client: httpx.AsyncClient, path: str, body: bytes) -> None:
    answer = await client.post(path, content=body, headers=JSON)
    assert not answered(answer, 404, 422)


@FEW
@given(written, written, written)
async def test_what_is_written_is_read_and_found(
    shelf: httpx.AsyncClient, title: str, text: str, category: str
) -> None:
    content = {"title": title, "text": text, "category": category}
    answer = await shelf.put("/documents/any", json=content, headers=WRITER)
    if answered(answer, 422):
        read = (await shelf.get("/documents/any")).content
        assert WireDocument.model_validate_json(read).id == "any"
        assert read == answer.content
        recommended(await shelf.get("/documents/any/similar"))
        listed = (await shelf.get("/documents", params={"limit": 200})).json()["documents"]
        assert json.loads(read) in listed


@FEW
@given(
    st.lists(
        st.binary(max_size=60).map(lambda raw: raw.replace(b"\n", b""))
        | objects("id", "title", "text", "category", "url").map(escaped)
        | st.sampled_from([b'{"id": "good", "title": "Good", "text": "Good."}', b"", b" \t\r"]),
        max_size=20,
    )
)
async def test_any_lines(shelf: httpx.AsyncClient, lines: list[bytes]) -> None:
    answer = await shelf.post("/documents", content=b"\n".join(lines), headers=NDJSON)
    assert answer.status_code == 200
    outcomes = [json.loads(each) for each in answer.text.split("\n") if each]
    expected = [number for number, line in enumerate(lines, 1) if line.strip()]
    assert [each["line"] for each in outcomes] == expected
    for each in outcomes:
        assert each["outcome"] in {"created", "updated", "unchanged", "rejected"}
        assert ("reason" in each) == (each["outcome"] == "rejected")
        if lines[each["line"] - 1].startswith(b'{"id": "good"'):
            assert each["id"] == "good"

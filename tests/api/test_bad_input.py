"""Any input to /recommend gets an answer or a problem with advice, soon."""

import time
from typing import Any

import httpx
import pytest

from app.api.problems import ProblemDetails
from tests.api.hostile_queries import ACCEPTED, ONLY_IN_JSON, REFUSED, SAME_MEANING
from tests.api.service import JSON, escaped, ids, problem, recommended
from tests.cases import cases
from tests.waiting import SOON

pytestmark = pytest.mark.anyio
WAYS = ("POST", "GET")

BODIES: dict[str, Any] = {
    "query missing": ({"limit": 5}, "/query"),
    "query null": ({"query": None}, "/query"),
    "query a number": ({"query": 5}, "/query"),
    "query a list": ({"query": ["bread"]}, "/query"),
    "query an object": ({"query": {"text": "bread"}}, "/query"),
    "limit a text": ({"query": "bread", "limit": "5"}, "/limit"),
    "limit a fraction": ({"query": "bread", "limit": 5.5}, "/limit"),
    "limit true": ({"query": "bread", "limit": True}, "/limit"),
    "limit null": ({"query": "bread", "limit": None}, "/limit"),
    "limit zero": ({"query": "bread", "limit": 0}, "/limit"),
    "limit too high": ({"query": "bread", "limit": 51}, "/limit"),
    "limit negative": ({"query": "bread", "limit": -1}, "/limit"),
    "limit enormous": ({"query": "bread", "limit": 10**30}, "/limit"),
    "limit not a number": ({"query": "bread", "limit": float("nan")}, "/limit"),
    "limit infinite": ({"query": "bread", "limit": float("inf")}, "/limit"),
    "categories a text": ({"query": "bread", "categories": "cooking"}, "/categories"),
    "categories numbers": ({"query": "bread", "categories": [1]}, "/categories/0"),
    "categories null": ({"query": "bread", "categories": None}, "/categories"),
    "categories too many": ({"query": "bread", "categories": ["x"] * 51}, "/categories"),
    "a category too long": ({"query": "bread", "categories": ["x" * 65]}, "/categories/0"),
    "a category in pieces": ({"query": "bread", "categories": ["\ud800"]}, "/categories/0"),
    "a category with control": ({"query": "bread", "categories": ["a\x00"]}, "/categories/0"),
    "user_id a number": ({"query": "bread", "user_id": 5}, "/user_id"),
    "user_id too long": ({"query": "bread", "user_id": "x" * 129}, "/user_id"),
    "user_id in pieces": ({"query": "bread", "user_id": "\ud800"}, "/user_id"),
    "explain a text": ({"query": "bread", "explain": "yes"}, "/explain"),
    "explain a number": ({"query": "bread", "explain": 1}, "/explain"),
    "an unknown field": ({"query": "bread", "page": 2}, "/page"),
    "another case": ({"Query": "bread", "query": "bread"}, "/Query"),
}  # fmt: skip

UNREADABLE = {
    "nothing": b"",
    "a list": b"[]",
    "a text": b'"bread"',
    "a number": b"5",
    "null": b"null",
    "half of it": b'{"query": "br',
    "single quotes": b"{'query': 'bread'}",
    "a trailing comma": b'{"query": "bread",}',
    "not UTF-8": b'{"query": "br\xff\xfead"}',
    "binary": bytes(range(256)),
    "two objects": b'{"query": "bread"}{"query": "tide"}',
    "deep nesting": b"[" * 30_000,
    "deep objects": b'{"query":' * 7_000,
    "a number without end": b'{"query": "bread", "limit": ' + b"9" * 10_000 + b"}",
    "a field in pieces": b'{"query": "bread", "\\ud800": 1}',
    "a form": b"query=bread",
}


async def ask(client: httpx.AsyncClient, way: str, text: str) -> httpx.Response:
    """A request by GET or POST, answered soon."""
    started = time.monotonic()
    if way == "GET":
        answer = await client.get("/recommend", params={"q": text})
    else:
        answer = await client.post("/recommend", content=escaped({"query": text}), headers=JSON)
    assert time.monotonic() - started < SOON
    return answer


def says_what_to_do(details: ProblemDetails) -> None:
    """Every error has a place and a sentence, and the detail holds the first ones."""
    assert details.type == "urn:vitrine:problem:invalid-input"
    assert details.errors
    assert details.errors[0].detail in details.detail


@cases("way", WAYS)
@cases("text", ACCEPTED.values(), ids=ACCEPTED.keys())
async def test_odd_text_is_answered(client: httpx.AsyncClient, way: str, text: str) -> None:
    found = recommended(await ask(client, way, text))
    assert found.query.terms


@cases("way", WAYS)
@cases("text", REFUSED.values(), ids=REFUSED.keys())
async def test_text_that_cannot_be_searched_is_refused(
    client: httpx.AsyncClient, way: str, text: str
) -> None:
    details = problem(await ask(client, way, text), 422)
    says_what_to_do(details)
    assert details.errors[0].pointer == ("/query" if way == "POST" else "q")


@cases("text", ONLY_IN_JSON.values(), ids=ONLY_IN_JSON.keys())
async def test_text_in_pieces_is_refused(client: httpx.AsyncClient, text: str) -> None:
    says_what_to_do(problem(await ask(client, "POST", text), 422))


@cases("text", ["%ED%A0%80", "%ff%fe", "%c3%28", "%F4%90%80%80"])
async def test_an_address_that_is_not_utf8_never_breaks(
    client: httpx.AsyncClient, text: str
) -> None:
    says_what_to_do(problem(await client.get(f"/recommend?q={text}"), 422))
    recommended(await client.get(f"/recommend?q=bread{text}"))


@cases(("body", "pointer"), BODIES.values(), ids=BODIES.keys())
async def test_a_body_that_is_invalid_is_refused(
    client: httpx.AsyncClient, body: dict[str, Any], pointer: str
) -> None:
    details = problem(await client.post("/recommend", content=escaped(body), headers=JSON), 422)
    says_what_to_do(details)
    assert [each.pointer for each in details.errors] == [pointer]


@cases("body", UNREADABLE.values(), ids=UNREADABLE.keys())
async def test_a_body_that_cannot_be_read_is_refused(
    client: httpx.AsyncClient, body: bytes
) -> None:
    says_what_to_do(problem(await client.post("/recommend", content=body, headers=JSON), 422))


@cases(
    "address",
    ["q=bread&limit=0", "q=bread&limit=51", "q=bread&limit=x", "q=bread&limit=",
     "q=bread&limit=5.5", "q=bread&explain=perhaps", "q=bread&category=" + "x" * 65,
     "q=bread" + "&category=x" * 51, "q=bread&user_id=" + "x" * 129, "query=bread", ""],
)  # fmt: skip
async def test_an_address_that_is_invalid_is_refused(
    client: httpx.AsyncClient, address: str
) -> None:
    says_what_to_do(problem(await client.get(f"/recommend?{address}"), 422))


async def test_the_rejected_text_is_not_repeated(client: httpx.AsyncClient) -> None:
    """It may be private, and it may be anything."""
    answer = await ask(client, "POST", "secret \x00 password")
    problem(answer, 422)
    assert "secret" not in answer.text


async def test_no_more_than_some_errors_are_listed(client: httpx.AsyncClient) -> None:
    body = {"query": "bread"} | {f"field {number}": number for number in range(500)}
    details = problem(await client.post("/recommend", json=body), 422)
    assert len(details.errors) == 20


@cases("way", WAYS)
@cases(("written", "meant"), SAME_MEANING.items())
async def test_operators_and_quotes_are_only_words(
    client: httpx.AsyncClient, way: str, written: str, meant: str
) -> None:
    found = recommended(await ask(client, way, written))
    plain = recommended(await ask(client, way, meant))
    assert found.query.text == written
    assert [term.lower() for term in found.query.terms] == plain.query.terms
    assert ids(found) == ids(plain)
    assert [each.score for each in found.results] == [each.score for each in plain.results]


async def test_a_sign_that_belongs_to_the_word_is_kept(client: httpx.AsyncClient) -> None:
    found = recommended(await ask(client, "POST", "c++"))
    assert found.query.terms == ["c++"]
    assert ids(found) != ids(recommended(await ask(client, "POST", "c")))

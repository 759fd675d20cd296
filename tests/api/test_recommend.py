"""/recommend, by POST and by GET."""

from typing import Any

import httpx
import pytest

from app.api.wire import RecommendResponse
from app.recommend.types import LEGS
from tests.api.service import WRITER, ids, problem, recommended
from tests.cases import cases

pytestmark = pytest.mark.anyio
QUESTION = "keep bread from going stale"


async def ask(client: httpx.AsyncClient, query: str, **more: Any) -> RecommendResponse:
    """A recommendation by POST."""
    return recommended(await client.post("/recommend", json={"query": query, **more}))


@pytest.mark.parametrize(
    ("query", "sensible"),
    [
        (
            "how do computers learn from examples",
            {"machine-learning", "supervised-learning", "transfer-learning"},
        ),
        (QUESTION, {"staling", "bread", "food-preservation"}),
        (
            "who can read my password on public wifi",
            {"wi-fi-protected-access", "wi-fi", "evil-twin-wireless-networks"},
        ),
        ("kubernets autoscalling", {"kubernetes", "autoscaling"}),
    ],
)
async def test_the_first_result_makes_sense(
    client: httpx.AsyncClient, query: str, sensible: set[str]
) -> None:
    found = await ask(client, query)
    assert ids(found)[0] in sensible
    assert len(found.results) == 5
    assert found.degraded == []
    assert found.model.name == "fusion"
    assert len(found.recommendation_id) == 32
    assert found.took_ms >= 0


async def test_every_result_has_its_reasons(client: httpx.AsyncClient) -> None:
    found = await ask(client, QUESTION, limit=20)
    for each in found.results:
        assert each.reasons is not None
        assert set(each.reasons.scores.model_dump()) >= set(LEGS)
        assert set(each.reasons.matched_terms) <= set(found.query.terms)
        assert all(0 <= score <= 1 for score in each.reasons.scores.model_dump().values())
        assert sum(each.reasons.weights.model_dump().values()) == pytest.approx(1)
    first = found.results[0].reasons
    assert first is not None
    assert "stale" in first.matched_terms
    assert "“stale”" in first.summary


@cases(
    ("query", "answered", "unknown"),
    [
        (QUESTION, True, []),
        ("kubernets autoscalling", True, []),
        ("best pizza in Naples", False, ["pizza", "naples"]),
        ("the of and", False, []),
        ("asdf qwer zxcv", False, ["asdf", "qwer", "zxcv"]),
    ],
)
async def test_it_knows_when_it_does_not_know(
    client: httpx.AsyncClient, query: str, answered: bool, unknown: list[str]
) -> None:
    found = await ask(client, query)
    assert found.relevance is not None
    assert (found.relevance > 0.5) == found.answered == answered
    assert found.query.unknown == unknown
    if not answered:
        summaries = [each.reasons.summary for each in found.results if each.reasons]
        assert not [each for each in summaries if "shares its subject" in each]
        assert len(found.results) == 5, "the nearest are kept"


async def test_how_the_query_was_understood_is_reported(client: httpx.AsyncClient) -> None:
    found = await ask(client, "  Photosynthasis\t in PLANTS ")
    assert found.query.text == "Photosynthasis in PLANTS"
    assert found.query.terms == ["photosynthesis", "plants"]
    assert found.query.corrections == {"photosynthasis": "photosynthesis"}


async def test_reasons_are_left_out_on_demand(client: httpx.AsyncClient) -> None:
    with_reasons, without = await ask(client, QUESTION), await ask(client, QUESTION, explain=False)
    assert all(each.reasons is None for each in without.results)
    assert all(each.reasons is not None for each in with_reasons.results)
    assert ids(with_reasons) == ids(without)


@cases("limit", [1, 2, 50])
async def test_the_limit_is_how_many_come(client: httpx.AsyncClient, limit: int) -> None:
    found = await ask(client, "how do things grow and change over time", limit=limit)
    assert len(found.results) == limit
    fifty = await ask(client, "how do things grow and change over time", limit=50)
    assert ids(found) == ids(fifty)[:limit]


async def test_only_the_categories_asked_for_come(client: httpx.AsyncClient) -> None:
    one = await ask(client, QUESTION, categories=["physics"], limit=50)
    assert {each.document.category for each in one.results} == {"physics"}
    two = await ask(client, QUESTION, categories=["physics", "cooking"], limit=50)
    assert {each.document.category for each in two.results} == {"physics", "cooking"}


@cases("category", ["no such category", "Cooking", "", "%", "cooking' OR 1=1"])
async def test_an_unknown_category_is_named_with_those_there_are(
    client: httpx.AsyncClient, category: str
) -> None:
    answers = (
        (await client.post("/recommend", json={"query": QUESTION, "categories": ["web", category]}),
         "/categories"),
        (await client.get("/recommend", params={"q": QUESTION, "category": category}), "category"),
        (await client.get("/documents", params={"category": category}), "category"),
    )  # fmt: skip
    for answer, pointer in answers:
        [error] = problem(answer, 422).errors
        assert error.pointer == pointer
        assert f"no category “{category}”; there are: astronomy, biology, " in error.detail


async def test_a_category_is_found_in_any_normal_form(shelf: httpx.AsyncClient) -> None:
    content = {"title": "Café", "text": "Coffee is served here.", "category": "caf\u00e9s"}
    assert (await shelf.put("/documents/cafe", json=content, headers=WRITER)).status_code == 201
    assert ids(await ask(shelf, "coffee", categories=["cafe\u0301s"])) == ["cafe"]
    listed = await shelf.get("/documents", params={"category": "cafe\u0301s"})
    assert [each["id"] for each in listed.json()["documents"]] == ["cafe"]


@cases(
    "asked",
    [
        {"query": QUESTION},
        {"query": "c++ & more = 100%", "limit": 7},
        {"query": "tide", "limit": 50, "categories": ["astronomy", "physics"]},
        {"query": "خبز 🍞", "explain": False, "user_id": "somebody"},
    ],
)
async def test_get_gives_what_post_gives(client: httpx.AsyncClient, asked: dict[str, Any]) -> None:
    names = {"query": "q", "categories": "category"}
    params = {names.get(name, name): value for name, value in asked.items()}
    posted = recommended(await client.post("/recommend", json=asked))
    got = recommended(await client.get("/recommend", params=params))
    own = {"recommendation_id", "took_ms"}
    assert got.model_dump(exclude=own) == posted.model_dump(exclude=own)
    assert got.recommendation_id != posted.recommendation_id


async def test_the_same_question_gets_the_same_answer(client: httpx.AsyncClient) -> None:
    own = {"recommendation_id", "took_ms"}
    answers = [(await ask(client, QUESTION, limit=50)).model_dump(exclude=own) for _ in range(3)]
    assert answers[0] == answers[1] == answers[2]


async def test_normal_forms_and_blanks_make_no_difference(client: httpx.AsyncClient) -> None:
    composed, decomposed = "caf\u00e9 au lait", "  cafe\u0301\n au\u00a0 lait "
    assert ids(await ask(client, composed)) == ids(await ask(client, decomposed))


async def test_the_user_id_changes_nothing(client: httpx.AsyncClient) -> None:
    assert ids(await ask(client, QUESTION, user_id="one")) == ids(await ask(client, QUESTION))

"""Settings, limits and the environment change little of what is emitted about people."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import pytest

from app.telemetry.vocabulary import CORE, QUERY_TEXT, SERVED
from tests.api.service import WRITER
from tests.cases import cases
from tests.fake_wikipedia import FakeWikipedia, finds
from tests.telemetry.canaries import Secrets, leaks
from tests.telemetry.exporting_service import Watch, over
from tests.telemetry.receiver import Receiver
from tests.telemetry.recorded_service import OpenService
from tests.telemetry.secret_placement import addresses, headers, plant, questions
from tests.waiting import TIMEOUT, until

PERSON = Secrets("person", "4111 1111 1111 1111")
OTHER = Secrets("other", "5555 5555 5555 4444")
THIRD = Secrets("third", "6011 1111 1111 1117")
KEY = "the same on every machine"
STRICT = {
    "VITRINE_TOKEN": "",
    "VITRINE_LIMITS__IN_FLIGHT": "1",
    "VITRINE_LIMITS__REQUESTS_PER_SECOND": "0.001",
    "VITRINE_LIMITS__BURST": "5",
    "VITRINE_SERVER__ALLOWED_HOSTS": "",
}


class Plainly(NamedTuple):
    """What a service with query text enabled exported, and wrote."""

    receiver: Receiver
    output: bytes


@pytest.fixture(scope="module")
def plainly(watch: Watch) -> Plainly:
    plain = {"VITRINE_TELEMETRY__QUERY_TEXT": "plain"}
    with Receiver() as receiver, watch(over("grpc", receiver), plain) as server:
        asked = {"query": PERSON.query, "user_id": OTHER.user}
        server.client.post("/recommend", json=asked).raise_for_status()
        by_url = {"q": "stale bread", "user_id": THIRD.user}
        server.client.get("/recommend", params=by_url).raise_for_status()
        server.stop()
    return Plainly(receiver, server.output)


def test_plain_shows_the_query(plainly: Plainly) -> None:
    """So the search would find it elsewhere too."""
    emitted = [each.attributes.get(QUERY_TEXT) for each in plainly.receiver.spans]
    assert PERSON.query in emitted
    assert leaks(plainly.receiver.raw, PERSON) != set()
    assert leaks([plainly.output], PERSON) != set()


@cases("way", ["body", "address"])
def test_plain_shows_no_user(plainly: Plainly, way: str) -> None:
    user = {"body": OTHER, "address": THIRD}[way]
    assert leaks([*plainly.receiver.raw, plainly.output], user) == set()


@pytest.mark.lasting
def test_other_conventions_show_no_more(watch: Watch) -> None:
    """A variable that many set for all their services brings back the attributes of old."""
    old = {"OTEL_SEMCONV_STABILITY_OPT_IN": "http/dup,database/dup"}
    with Receiver() as receiver, watch(over("grpc", receiver), old) as server:
        for places in (questions, addresses, headers):
            plant(server.client, places(PERSON))
        server.stop()
    assert receiver.spans
    assert leaks([*receiver.raw, server.output], PERSON) == set()


@pytest.mark.lasting
def test_those_who_are_turned_away_are_safe_too(watch: Watch) -> None:
    """403, 421; 503 where too much is under way, and 429, which are only counted."""
    with Receiver() as receiver, FakeWikipedia() as wikipedia, ThreadPoolExecutor() as pool:
        wikipedia.behaviour = wikipedia.held(finds("Bread"))
        slow = {
            "VITRINE_WIKIPEDIA__ENABLED": "true",
            "VITRINE_WIKIPEDIA__BASE_URL": wikipedia.url,
            "VITRINE_WIKIPEDIA__DEADLINE_SECONDS": str(TIMEOUT),
            "VITRINE_WIKIPEDIA__TIMEOUT_SECONDS": str(TIMEOUT),
        }
        with watch(over("grpc", receiver), STRICT, slow) as server:
            content = {"json": {"title": PERSON.word, "text": PERSON.everything}}
            refused = [(403, "PUT", f"/documents/{PERSON.word}", content | {"headers": WRITER})]
            question: dict[str, Any] = {"json": {"query": PERSON.query, "user_id": PERSON.user}}
            plant(server.client, iter(refused))
            wikipedia_settings = pool.submit(server.client.post, "/recommend", **question)
            until(lambda: wikipedia.under_way == 1)
            plant(server.client, iter([(503, "POST", "/recommend", question)]))
            wikipedia.release()
            assert wikipedia_settings.result().status_code == 200
            plant(server.client, iter([(404, "GET", f"/{PERSON.word}", {})]))
            elsewhere = {"headers": {"Host": f"{PERSON.word}.example"}}
            plant(server.client, iter([(421, "GET", f"/{PERSON.word}", elsewhere)]))
            plant(server.client, iter([(429, "GET", f"/{PERSON.word}?q={PERSON.mail}", {})]))
            server.stop()
    statuses = {each.attributes.get("http.response.status_code") for each in receiver.logs}
    assert statuses >= {200, 403, 404, 421}
    assert leaks([*receiver.raw, server.output], PERSON) == set()


@pytest.mark.anyio
async def test_equal_queries_have_equal_hashes_where_the_key_is_the_same(
    open_service: OpenService,
) -> None:
    found: list[list[object]] = []
    for key in ({"hash_key": KEY}, {"hash_key": KEY}, {}, {}):
        async with open_service(telemetry={"logs": "off", **key}) as service:
            for query in ("stale bread", "fresh bread", "stale bread"):
                await service.ask(query)
            await service.client.get("/recommend", params={"q": "stale bread"})
        events = [each.attributes or {} for each in service.records if each.event_name == SERVED]
        found.append([each[CORE.input_hash] for each in events])
    (one, other, *rest), (again, *_), (alone, *_), (alone_too, *_) = found
    assert rest == [one, one]
    assert len({one, other, alone, alone_too}) == 4
    assert again == one

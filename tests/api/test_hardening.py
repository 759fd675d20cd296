"""What once went wrong and must not again: slow bodies, costly queries, leaking connections."""

import json
import socket
import threading
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from app.catalogue.database import Database
from app.catalogue.store import SCHEMA, SCHEMA_VERSION
from app.recommend.query import MAX_REPEATED, MAX_WORDS, analyze
from tests.api.server import Server
from tests.api.service import NDJSON, WRITER, problem, recommended
from tests.cases import cases
from tests.recommend.vocabularies import Known

UNFINISHED = b"POST /recommend HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"


@pytest.mark.lasting
def test_bodies_that_do_not_come_take_no_places(seed_data: Path) -> None:
    few = {"VITRINE_LIMITS__IN_FLIGHT": "2"}
    with Server(seed_data, seed_data / "log", **few) as server, ExitStack() as stack:
        address = server.client.base_url
        for _ in range(5):
            connection = socket.create_connection((address.host, address.port or 0))
            stack.enter_context(connection)
            connection.sendall(UNFINISHED + b"Content-Length: 50\r\n\r\n{")
        answer = server.client.post("/recommend", json={"query": "stale bread"})
        assert recommended(answer).results[0].document.id == "staling"


@cases("text", ["🤪" * 500, "bread " * 80, " ".join(f"w{n}" for n in range(100))])
def test_a_query_is_looked_up_in_a_bounded_number_of_words(text: str) -> None:
    query = analyze(text, Known())
    assert len(query.terms) <= MAX_WORDS
    assert max(term.count for term in query.terms) <= MAX_REPEATED


def test_connections_of_threads_that_ended_are_closed(tmp_path: Path) -> None:
    database = Database(tmp_path / "some.db", SCHEMA, SCHEMA_VERSION)
    descriptors = Path("/proc/self/fd")
    database.version()
    before = len(list(descriptors.iterdir()))
    for _ in range(20):
        thread = threading.Thread(target=database.version)
        thread.start()
        thread.join()
    assert len(list(descriptors.iterdir())) <= before + 4
    database.close()


@pytest.mark.anyio
async def test_an_unknown_parameter_is_refused_rather_than_ignored(
    client: httpx.AsyncClient,
) -> None:
    answer = await client.get("/recommend", params={"q": "bread", "categories": "physics"})
    assert "categories" in problem(answer, 422).detail


@pytest.mark.lasting
def test_a_database_that_others_keep_busy_gives_503_and_says_when(seed_data: Path) -> None:
    other = Database(seed_data / "catalogue.db", SCHEMA, SCHEMA_VERSION)
    with Server(seed_data, seed_data / "log") as server, other.write():
        body = {"title": "A title", "text": "A text."}
        many = json.dumps({"id": "new", **body}).encode()
        for answer in (
            server.client.put("/documents/new", json=body, headers=WRITER),
            server.client.post("/documents", content=many, headers=NDJSON),
        ):
            assert answer.headers["Retry-After"] == "1"
            assert "Retry" in problem(answer, 503).detail
        assert server.client.get("/documents/staling").status_code == 200
    other.close()

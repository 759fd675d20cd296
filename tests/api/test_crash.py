"""Killed right after an acknowledgement: nothing acknowledged is lost."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.api.server import Server
from tests.api.service import WRITER, ids, recommended

pytestmark = pytest.mark.lasting

LINES = 1000
NDJSON = WRITER | {"Content-Type": "application/x-ndjson"}


def lines() -> Iterator[bytes]:
    """More documents than are written before the end."""
    for number in range(LINES):
        content = {"id": f"n-{number}", "title": f"Number {number}", "text": f"About {number}."}
        yield json.dumps(content).encode() + b"\n"


def give_feedback(server: Server) -> list[dict[str, str]]:
    """Acknowledged feedback."""
    given = []
    for query in ("stale bread", "computers", "the moon"):
        found = recommended(server.client.get("/recommend", params={"q": query}))
        for document in ids(found)[:3]:
            feedback = {
                "recommendation_id": found.recommendation_id,
                "document_id": document,
                "kind": "click",
            }
            assert server.client.post("/feedback", json=feedback).status_code == 201
            given.append(feedback)
    return given


def write_one_by_one(server: Server) -> list[str]:
    """The ids of documents that were acknowledged."""
    for number in range(20):
        content = {"title": f"Single {number}", "text": "Written alone."}
        answer = server.client.put(f"/documents/single-{number}", json=content, headers=WRITER)
        assert answer.status_code == 201
    assert server.client.delete("/documents/tide", headers=WRITER).status_code == 204
    return [f"single-{number}" for number in range(20)]


def write_until_killed(server: Server) -> list[str]:
    """The ids of documents that were acknowledged before the server was killed among them."""
    acknowledged: list[str] = []
    with server.client.stream("POST", "/documents", content=lines(), headers=NDJSON) as answer:
        for line in answer.iter_lines():
            acknowledged.append(json.loads(line)["id"])
            if len(acknowledged) == 150:
                server.kill()
                break
    return acknowledged


def intact(path: Path) -> bool:
    """Whether SQLite finds nothing wrong with a file."""
    with closing(sqlite3.connect(path)) as connection:
        found: list[tuple[str]] = connection.execute("PRAGMA integrity_check").fetchall()
        return found == [("ok",)]


def test_nothing_acknowledged_is_lost(shelf_data: Path) -> None:
    with Server(shelf_data, shelf_data / "log") as server:
        feedback = give_feedback(server)
        documents = write_one_by_one(server) + write_until_killed(server)
    assert len(documents) == 170
    assert intact(shelf_data / "catalogue.db")
    assert intact(shelf_data / "journal.db")
    with Server(shelf_data, shelf_data / "second log") as server:
        for document in documents:
            assert server.client.get(f"/documents/{document}").status_code == 200
        assert server.client.get("/documents/tide").status_code == 404
        assert (
            server.client.get(f"/documents/n-{LINES - 1}").status_code == 404
        )  # it was killed among them
        for each in feedback:
            again = server.client.post("/feedback", json=each)
            assert (again.status_code, again.json()["repeated"]) == (200, True)
        found = recommended(server.client.get("/recommend", params={"q": "number 149"}))
        assert "n-149" in ids(found)
        assert server.client.get("/readyz").status_code == 200
        outcomes = server.client.post("/documents", content=lines(), headers=NDJSON).text
    finished = [json.loads(each)["outcome"] for each in outcomes.splitlines()]
    assert finished[:150] == ["unchanged"] * 150
    assert set(finished) == {"unchanged", "created"}
    assert len(finished) == LINES


def test_feedback_is_kept_when_the_very_next_thing_is_the_end(shelf_data: Path) -> None:
    with Server(shelf_data, shelf_data / "log") as server:
        found = recommended(server.client.get("/recommend", params={"q": "bread"}))
        feedback = {
            "recommendation_id": found.recommendation_id,
            "document_id": ids(found)[0],
            "kind": "thumbs_up",
        }
        assert server.client.post("/feedback", json=feedback).status_code == 201
        server.kill()
    with closing(sqlite3.connect(shelf_data / "journal.db")) as connection:
        assert connection.execute("SELECT count(*) FROM feedback").fetchone() == (1,)

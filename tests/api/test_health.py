"""Is it alive, is it ready, what is it?"""

import sqlite3
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from app import __version__
from app.api.health import Health, Version
from app.settings import WikipediaSettings
from tests.api.service import recommended, serving, settings
from tests.fake_wikipedia import FakeWikipedia, fails
from tests.model.versions import damaged_champion

RANKS = {"ranking_model": "ok", "relevance": "ok", "encoder": "ok"}
pytestmark = pytest.mark.anyio


async def readiness(client: httpx.AsyncClient, status: int) -> Health:
    answer = await client.get("/readyz")
    assert answer.status_code == status
    return Health.model_validate_json(answer.text)


async def test_it_is_alive(shelf: httpx.AsyncClient) -> None:
    answer = await shelf.get("/livez")
    assert (answer.status_code, answer.json()) == (200, {"status": "alive"})


async def test_it_is_ready(shelf: httpx.AsyncClient) -> None:
    health = await readiness(shelf, 200)
    assert health.status == "ready"
    assert health.parts == {"catalogue": "ok", "journal": "ok", "topic_signal": "off", **RANKS}


async def test_an_empty_catalogue_is_alive_and_unready(tmp_path: Path) -> None:
    async with serving(settings(tmp_path)) as client:
        health = await readiness(client, 503)
        assert health.status == "unready"
        assert health.parts["catalogue"] == "empty: import documents"
        assert health.parts["journal"] == "ok"
        assert (await client.get("/livez")).status_code == 200
        found = recommended(await client.get("/recommend", params={"q": "bread"}))
        assert found.results == []


@pytest.mark.parametrize(
    ("file", "table", "part"),
    [("catalogue.db", "documents", "catalogue"), ("journal.db", "feedback", "journal")],
)
async def test_a_part_that_is_broken_is_named(
    shelf: httpx.AsyncClient, shelf_data: Path, file: str, table: str, part: str
) -> None:
    with closing(sqlite3.connect(shelf_data / file)) as connection, connection:
        connection.execute(f"DROP TABLE {table}")
    health = await readiness(shelf, 503)
    assert health.status == "unready"
    assert "no such table" in health.parts.pop(part)
    assert set(health.parts.values()) == {"ok", "off"}


async def test_without_wikipedia_it_is_degraded_and_ready(
    shelf_data: Path, wikipedia: FakeWikipedia
) -> None:
    asked = WikipediaSettings(
        base_url=wikipedia.url, breaker_failures=1, attempts=1, deadline_seconds=60
    )
    async with serving(settings(shelf_data, wikipedia=asked)) as client:
        assert (await readiness(client, 200)).parts["topic_signal"] == "ok"
        wikipedia.behaviour = fails(500)
        await client.get("/recommend", params={"q": "bread"})
        health = await readiness(client, 200)
        assert health.status == "degraded"
        assert health.parts == {
            "catalogue": "ok", "journal": "ok", "topic_signal": "circuit opened", **RANKS,
        }  # fmt: skip


async def test_version_reports_what_is_running(shelf: httpx.AsyncClient) -> None:
    found = Version.model_validate_json((await shelf.get("/version")).text)
    assert found.version == __version__
    assert (found.model.name, found.model.version) == ("fusion", "2")
    assert found.embedder.name.startswith("wordllama")
    assert "+" in found.embedder.version


async def test_a_model_that_is_no_model_is_reported_and_does_not_stop_it(shelf_data: Path) -> None:
    damaged_champion(shelf_data)
    async with serving(settings(shelf_data)) as client:
        found = recommended(await client.get("/recommend", params={"q": "bread"}))
        assert found.degraded == ["ranking_model"]
        assert found.results


async def test_a_calibrator_that_is_none_is_reported_and_relevance_is_null(
    shelf_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.model.calibrators.files", lambda _: shelf_data)  # nothing is shipped
    (shelf_data / "relevance-fusion.json").write_text("{}")
    async with serving(settings(shelf_data)) as client:
        found = recommended(await client.get("/recommend", params={"q": "bread"}))
        assert found.results
        assert (found.relevance, found.answered, found.degraded) == (None, None, [])
        health = await readiness(client, 200)
        assert health.status == "degraded"
        assert health.parts["relevance"].startswith("relevance-fusion.json is refused: not an")


async def test_an_encoder_that_is_none_is_named_and_static_embeddings_serve(
    shelf_data: Path,
) -> None:
    (shelf_data / "encoder.safetensors").write_bytes(b"half of one")
    async with serving(settings(shelf_data, encoder="student")) as client:
        found = recommended(await client.get("/recommend", params={"q": "bread"}))
        assert found.results
        assert found.relevance is not None
        health = await readiness(client, 200)
        assert health.status == "degraded"
        assert health.parts["encoder"].startswith("student is refused: encoder.safetensors: it is")

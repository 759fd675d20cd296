"""Versions over HTTP: listed by anybody, promoted and rolled back with the token, at once."""

import itertools
import threading
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.composition import open_catalogue
from app.model.registry import Registry
from app.model.version_loader import RANKER
from tests.api.server import Server
from tests.api.service import WRITER, problem, recommended, serving, settings
from tests.model.versions import register, truncate
from tests.waiting import TIMEOUT, until

pytestmark = pytest.mark.anyio
QUERIES = ("stale bread", "light escapes", "computers", "the Moon", "one file")


def registered(data: Path, *weights: float, gate: tuple[str, ...] = ()) -> list[str]:
    """The ids of new versions in a data folder."""
    with closing((catalogue := open_catalogue(data)).database):
        registry = Registry(data / "models")
        return [register(catalogue, registry, each, gate) for each in weights]


async def test_a_promotion_changes_the_next_answer_and_a_rollback_too(shelf_data: Path) -> None:
    first, second = registered(shelf_data, 1, 5)
    async with serving(settings(shelf_data)) as client:

        async def version() -> str:
            answer = await client.get("/recommend", params={"q": "stale bread"})
            return recommended(answer).model.version

        assert await version() == "2"
        done = await client.post("/models/1/promote", json={"by": "ada"}, headers=WRITER)
        assert done.status_code == 200
        assert (done.json()["version"], done.json()["replaced"]) == (first, "fusion")
        assert await version() == first
        given = {"reason": "a test"}
        await client.post(f"/models/{second}/promote", json=given, headers=WRITER)
        assert await version() == second
        await client.post("/models/rollback", json={}, headers=WRITER)
        assert await version() == first
        listed = (await client.get("/models")).json()
        assert listed["serving"] == {"name": "pairwise", "version": first}
        assert (listed["champion"], listed["previous"]) == (first, ["fusion"])
        roles = {each["id"]: each["role"] for each in listed["versions"]}
        assert roles == {"fusion": "previous", first: "champion", second: None}
        changes = [(each["action"], each["by"], each["reason"]) for each in listed["changes"][2:]]
        assert changes == [
            ("promote", "ada", ""), ("promote", "api", "a test"), ("rollback", "api", ""),
        ]  # fmt: skip
        found = (await client.get("/version")).json()["model"]
        assert found == {"name": "pairwise", "version": first}


async def test_what_can_not_be_promoted(shelf_data: Path) -> None:
    bad, damaged = *registered(shelf_data, 1, gate=("worse",)), *registered(shelf_data, 2)
    truncate(shelf_data / "models" / damaged / RANKER)

    async def post(path: str, body: dict[str, Any], status: int) -> str:
        return problem(await client.post(path, json=body, headers=WRITER), status).detail

    async with serving(settings(shelf_data)) as client:
        assert "there is no" in (await post("/models/7/promote", {}, 404)).lower()
        assert "worse" in await post(f"/models/{bad}/promote", {}, 409)
        assert "its checksum" in await post(f"/models/{damaged}/promote", {}, 409)
        assert "no usable version" in await post("/models/rollback", {}, 409)
        await post("/models/1/promote", {"by": ""}, 422)
        await post("/models/1/promote", {"who": "ada"}, 422)
        forced = await client.post(f"/models/{bad}/promote", json={"force": True}, headers=WRITER)
        assert forced.json()["forced"] is True
        (shelf_data / "models" / damaged / "manifest.json").unlink()
        listed = (await client.get("/models")).json()
        assert [each["damaged"] for each in listed["versions"]][2].startswith("manifest.json can")
        assert list(listed["refused"]) == [damaged], "the challenger"


@pytest.mark.parametrize("path", ["/models/1/promote", "/models/rollback"])
async def test_changes_take_the_token(shelf_data: Path, path: str) -> None:
    registered(shelf_data, 1)
    async with serving(settings(shelf_data)) as client:
        problem(await client.post(path, json={}), 401)
    async with serving(settings(shelf_data, token=None)) as client:
        problem(await client.post(path, json={}, headers=WRITER), 403)
    assert len(Registry(shelf_data / "models").changes()) == 1, "the registration"


def content(found: dict[str, Any]) -> str:
    """Everything of an answer that depends on the version."""
    results = [
        (each["document"]["id"], each["score"], each["reasons"]) for each in found["results"]
    ]
    return repr((found["relevance"], found["answered"], results))


def is_up(server: Server) -> bool:
    """Whether a worker listens: the supervisor says so before."""
    try:
        return server.client.get("/livez").is_success
    except httpx.ConnectError:
        return False


class Load:
    """Clients that ask until they are stopped; `wrong`: failures, and answers of two versions."""

    def __init__(self, address: httpx.URL, expected: dict[tuple[str, str], str]) -> None:
        self._address, self._expected, self._ended = address, expected, threading.Event()
        self.seen: Counter[str] = Counter()
        self.wrong: list[object] = []
        self._threads = [threading.Thread(target=self._ask) for _ in range(6)]
        for each in self._threads:
            each.start()

    def _ask(self) -> None:
        with httpx.Client(base_url=self._address, timeout=TIMEOUT) as client:
            for query in itertools.cycle(QUERIES):
                if self._ended.is_set():
                    break
                try:
                    answer = client.get("/recommend", params={"q": query}).raise_for_status().json()
                except httpx.HTTPError as error:
                    self.wrong.append(error)
                    continue
                version = answer["model"]["version"]
                if content(answer) != self._expected[query, version]:
                    self.wrong.append((query, version))
                self.seen[version] += 1

    def wait_for(self, version: str) -> None:
        """Return after some more answers of this version."""
        before = self.seen[version]
        until(lambda: self.seen[version] > before + 10 or bool(self.wrong))

    def stop(self) -> None:
        self._ended.set()
        for each in self._threads:
            each.join()


@pytest.mark.lasting
def test_promotions_under_load_fail_no_request_and_no_answer_is_of_two_versions(
    shelf_data: Path,
) -> None:
    versions = registered(shelf_data, 1, 5, 9)
    registry, expected = Registry(shelf_data / "models"), dict[tuple[str, str], str]()
    with Server(shelf_data, shelf_data / "log", 2) as server:
        until(lambda: is_up(server))

        def post(path: str) -> None:
            server.client.post(path, json={}, headers=WRITER).raise_for_status()

        for version, query in itertools.product(versions, QUERIES):
            post(f"/models/{version}/promote")
            found = server.client.get("/recommend", params={"q": query}).json()
            expected[query, found["model"]["version"]] = content(found)
        assert len(set(expected.values())) == len(versions) * len(QUERIES), "all are different"
        load = Load(server.client.base_url, expected)
        for number in range(12):
            back = number % 5 == 4
            post("/models/rollback" if back else f"/models/{versions[number % 3]}/promote")
            load.wait_for(registry.state().champion)
        load.stop()
        assert "Traceback" not in server.output
    assert load.wrong == []
    assert set(load.seen) == set(versions)

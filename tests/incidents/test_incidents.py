"""Each fault has its effect, ends, harms no data, and leaves no trace of itself in telemetry."""

import asyncio
import faulthandler
import json
import re
import time
from contextlib import closing, suppress
from hashlib import sha256
from pathlib import Path
from sqlite3 import connect
from time import monotonic
from types import SimpleNamespace

import httpx
import pytest

from app.faults import storage
from app.faults.catalogue import FAULTS
from benchmarks.drills.__main__ import PAIRS
from benchmarks.drills.switched import ALL, SWITCHED, TUNED
from observatory.diagnose.causes import CAUSES
from tests.api.service import TOKEN, WRITER, serving, settings
from tests.fake_wikipedia import FakeWikipedia, finds
from tests.incidents.effects import EFFECTS, PARAMETERS, SLOW, Effect, Observed
from tests.telemetry.recorded_service import OpenService, Service, wikipedia_settings
from tests.waiting import TIMEOUT, eventually

pytestmark = pytest.mark.anyio
MARKERS = re.compile(
    "|".join(["(?<!de)fault", "inject", "ledger", "switchboard", *FAULTS]), re.IGNORECASE
)
LONG = 300.0
PATIENT = {
    "deadline_seconds": 20.0,
    "timeout_seconds": 20.0,
    "breaker_failures": 100,
    "attempts": 1,
}


def test_every_one_is_tried() -> None:
    assert EFFECTS.keys() == FAULTS.keys()
    assert len(FAULTS) >= 24


def test_every_one_has_a_drill() -> None:
    assert SWITCHED.keys() == FAULTS.keys() >= TUNED
    for each in ALL.values():
        assert {cause.partition(":")[0] for cause in each.expected} <= CAUSES.keys()
    assert {name for pair in PAIRS for name in pair.split("+")} <= ALL.keys()


@pytest.mark.parametrize("name", EFFECTS)
@pytest.mark.lasting
async def test_effect(
    open_service: OpenService,
    wikipedia: FakeWikipedia,
    shelf_data: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
) -> None:
    monkeypatch.setattr("app.catalogue.database.BUSY_SECONDS", 0.1)
    wikipedia.behaviour = finds("Bread", "Staling")
    hurried = {"deadline_seconds": 3.0} if name in ("wikipedia-slow", "wikipedia-hangs") else {}
    before = checksum(shelf_data)
    allowed = {"allowed": True}
    service = open_service(wikipedia_settings(wikipedia, **PATIENT | hurried), faults=allowed)
    async with service:
        seen, effect = Observed(service), EFFECTS[name]
        await shows(effect, seen, False)
        how = {"duration_seconds": LONG, "delay_seconds": PARAMETERS.get(name, SLOW)}
        assert (await switch(service, name, how)).status_code == httpx.codes.OK
        await shows(effect, seen, True)
        again = await switch(service, name, how)
        assert again.status_code == httpx.codes.CONFLICT
        await service.client.delete(f"/faults/{name}", headers=WRITER)
        await shows(effect, seen, False)
        await switch(service, name, {**how, "duration_seconds": 0.01})
        await eventually(lambda: has_ended(shelf_data))
        await shows(effect, seen, False)
        await service.client.delete("/documents/seven", headers=WRITER)
    assert checksum(shelf_data) == before
    assert [each["fault"] for each in lines(shelf_data)] == [name] * 4
    assert exported(service, MARKERS) == []


async def shows(effect: Effect, seen: Observed, expected: bool) -> None:
    """Look until it is not there once, or until it is there three times in a row: a busy machine is
    slow sometimes, and one with a fault always."""
    deadline, needed, in_a_row = monotonic() + TIMEOUT, 3 if expected else 1, 0
    while in_a_row < needed:
        assert monotonic() < deadline, "not there" if expected else "still there"
        in_a_row = in_a_row + 1 if await effect(seen) is expected else 0
        await asyncio.sleep(0)


async def switch(service: Service, name: str, how: dict[str, float]) -> httpx.Response:
    return await service.client.put(f"/faults/{name}", json=how, headers=WRITER)


def lines(data: Path) -> list[dict[str, object]]:
    """What was noted."""
    return [json.loads(line) for line in (data / "faults.jsonl").read_text().splitlines()]


def has_ended(data: Path) -> bool:
    """Whether the last one has; not if no file can be opened."""
    with suppress(OSError):
        return "ended" in lines(data)[-1]
    return False


def checksum(data: Path) -> str:
    """Of every document, word and vector."""
    tables = ("id, title, text, category FROM documents", "stems FROM words")
    with closing(connect(data / "catalogue.db")) as connection:
        connection.execute("PRAGMA integrity_check").fetchone()
        rows = [connection.execute(f"SELECT {each} ORDER BY 1").fetchall() for each in tables]
    return sha256(repr(rows).encode()).hexdigest()


def exported(service: Service, marker: re.Pattern[str]) -> list[str]:
    """Every occurrence of the marker in an exported byte, with what is around it."""
    everything = [
        *(each.to_json() for each in service.spans),
        *(each.to_json() for each in service.readable),
        *(each.to_json() for each in service.metrics.exports),
    ]
    return [
        text[max(found.start() - 60, 0) : found.end() + 60]
        for text in everything
        for found in marker.finditer(text)
    ]


async def test_by_default_there_is_nothing_to_switch(shelf_data: Path) -> None:
    async with serving(settings(shelf_data)) as client:
        for method in ("GET", "PUT", "DELETE"):
            answer = await client.request(method, "/faults/model-nan", headers=WRITER)
            assert answer.status_code == httpx.codes.NOT_FOUND


@pytest.mark.parametrize(
    ("name", "body", "headers", "status"),
    [
        ("model-nan", {}, {}, 401),
        ("model-nan", {}, {"Authorization": f"Bearer {TOKEN}x"}, 401),
        ("no-such", {}, WRITER, 404),
        ("model-nan", {"duration_seconds": 1e9}, WRITER, 422),
        ("model-nan", {"rate": 2}, WRITER, 422),
        ("model-nan", {"nonsense": 2}, WRITER, 422),
    ],
)
async def test_who_may_switch_and_how(
    shelf_data: Path, name: str, body: dict[str, float], headers: dict[str, str], status: int
) -> None:
    async with serving(settings(shelf_data, faults={"allowed": True})) as client:
        answer = await client.put(f"/faults/{name}", json=body, headers=headers)
        assert answer.status_code == status
        listed = (await client.get("/faults", headers=WRITER)).json()
        assert {each["name"] for each in listed} == FAULTS.keys()
        assert {each["seconds_left"] for each in listed} == {0}


async def test_a_restart_ends_it_and_a_rate_spares_some(shelf_data: Path) -> None:
    allowed = settings(shelf_data, faults={"allowed": True})
    async with serving(allowed) as client:
        how = {"duration_seconds": LONG, "rate": 0.5, "seed": 3}
        await client.put("/faults/model-nan", json=how, headers=WRITER)
        statuses = [
            (await client.get("/recommend", params={"q": f"bread {each}"})).status_code
            for each in range(20)
        ]
        assert set(statuses) == {200, 500}
    async with serving(allowed) as client:
        answer = await client.get("/recommend", params={"q": "bread"})
        assert answer.status_code == httpx.codes.OK
    assert [*lines(shelf_data)[-1]][-1] == "ended"


async def test_slow_statements_end_while_one_runs(
    shelf_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The statement of another thread holds SQLite's lock, and needs the interpreter's."""
    begun = asyncio.Event()
    loop, pause = asyncio.get_running_loop(), time.sleep

    def delay(seconds: float) -> None:
        loop.call_soon_threadsafe(begun.set)
        pause(seconds)

    monkeypatch.setattr(storage, "time", SimpleNamespace(sleep=delay))
    faulthandler.dump_traceback_later(TIMEOUT, exit=True)  # a deadlock would stop every thread
    try:
        async with serving(settings(shelf_data, faults={"allowed": True})) as client:
            how = {"duration_seconds": LONG, "delay_seconds": 0.5}
            await client.put("/faults/sqlite-slow", json=how, headers=WRITER)
            asking = asyncio.create_task(client.get("/documents"))
            await begun.wait()
            await client.delete("/faults/sqlite-slow", headers=WRITER)
            assert (await asking).status_code == httpx.codes.OK
    finally:
        faulthandler.cancel_dump_traceback_later()

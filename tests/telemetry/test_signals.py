"""What tells apart causes that look alike in rates and durations."""

import time
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from opentelemetry._logs import LogRecord, SeverityNumber
from starlette.types import Receive, Scope, Send

from app.composition import open_catalogue
from app.recommend.stages import FLUSH, REFRESH
from app.recommend.types import LEGS, Document, Ranking
from app.telemetry import vocabulary as v
from app.telemetry.kit.process import Limits, accept_overflows, open_files, run_queue_seconds
from app.telemetry.kit.requests import RECEIVED
from app.telemetry.kit.testing import leaks
from tests.api.service import WRITER, client_of
from tests.fake_wikipedia import FakeWikipedia, finds
from tests.telemetry.expected import BREAD
from tests.telemetry.recorded_service import OpenService, wikipedia_settings
from tests.waiting import eventually

pytestmark = pytest.mark.anyio
SECRET = "somebody@example.org"


def event_of(records: Iterable[LogRecord], name: str) -> dict[str, Any]:
    (found,) = [each for each in records if each.event_name == name]
    return dict(found.attributes or {})


async def test_the_start_tells_what_is_running(open_service: OpenService, shelf_data: Path) -> None:
    """Settings, models and catalogue; the hash differs with the settings, and holds no secret."""
    wikipedia = {"enabled": False, "contact": SECRET}
    hashes = set()
    for rows in (1000, 1000, 2000):
        async with open_service(wikipedia, journal_rows=rows) as service:  # type: ignore[arg-type]
            service.telemetry.flush()
            emitted = event_of(service.records, v.CORE.started)
            (info,) = service.counts(v.INSTANCE)
        assert f"journal_rows={rows}" in emitted[v.CORE.settings]
        assert {"token=(set)", "wikipedia.contact=(set)"} <= set(emitted[v.CORE.settings])
        assert (emitted[v.MODEL_NAME], emitted[v.DOCUMENTS]) == ("fusion", 8)
        assert emitted[v.WEIGHTS].startswith("lexical=0.5000 ")
        assert info == (emitted[v.CORE.settings_hash], "fusion", "2", emitted[v.EMBEDDER])
        assert leaks(service, [SECRET, "the-token-of-the-tests"]) == []
        hashes.add(emitted[v.CORE.settings_hash])
    assert len(hashes) == 2


async def test_one_client_can_be_told_from_many(open_service: OpenService) -> None:
    """By a hash, which is on the wide event only."""
    hashes = []
    async with open_service() as service:
        for address in ("192.0.2.1", "192.0.2.1", "192.0.2.2", "2001:db8::1", "2001:db8::2"):
            async with client_of(service.running, address) as client:
                answer = await client.post("/recommend", json={"query": BREAD})
            service.telemetry.flush()
            hashes.append(service.wide_event(answer))
    found = [dict(each.attributes or {})[v.CORE.client_hash] for each in hashes]
    assert [found.index(each) for each in found] == [0, 0, 2, 3, 3]  # one network is one client
    assert leaks(service, ["192.0.2.1", "2001:db8"]) == []
    assert [each for each in service.spans if v.CORE.client_hash in (each.attributes or {})] == []


async def test_a_request_that_waited_before_its_span(open_service: OpenService) -> None:
    async with open_service(limits={"queue_seconds": 60}) as service:

        async def running(scope: Scope, receive: Receive, send: Send) -> None:
            received = time.monotonic() - 0.25, 0.5
            await service.running({**scope, RECEIVED: received}, receive, send)

        async with client_of(running) as client:
            answer = await client.post("/recommend", json={"query": BREAD})
        service.telemetry.flush()
        emitted = service.wide_event(answer).attributes or {}
        (age,) = service.measured()[v.CORE.request_age].data.data_points
    assert 0.75 <= float(str(emitted[v.CORE.age])) < 60
    assert getattr(age, "sum", 0) >= 0.75


async def test_contributions_add_up(open_service: OpenService, wikipedia: FakeWikipedia) -> None:
    """Of the first result, the topic among them; and the weights that were applied."""
    wikipedia.behaviour = finds("Staling", "Bread")
    async with open_service(wikipedia_settings(wikipedia)) as service:
        answer = await service.ask(BREAD)
    emitted = service.wide_event(answer).attributes or {}
    parts = {leg: float(str(emitted[name])) for leg, name in v.CONTRIBUTIONS.items()}
    first = answer.json()["results"][0]["reasons"]
    assert parts == pytest.approx({leg: first["contributions"][leg] for leg in LEGS}, abs=1e-4)
    assert sum(parts.values()) == pytest.approx(emitted[v.SCORE_TOP], abs=1e-3)
    weights = dict(each.split("=") for each in str(emitted[v.WEIGHTS]).split())
    assert {leg: float(each) for leg, each in weights.items()} == first["weights"]
    assert emitted[v.TOPIC_STRENGTH] == pytest.approx(first["scores"]["topic"], abs=1e-4)


async def test_a_search_that_finds_nothing_at_all(
    open_service: OpenService, wikipedia: FakeWikipedia
) -> None:
    """It responds with 200 to everything. The first answers may be right; then it is a failure."""
    wikipedia.behaviour = finds()
    async with open_service(wikipedia_settings(wikipedia, empty_answers=3)) as service:
        answers = [await service.ask(f"bread {each}") for each in "abcd"]
        wikipedia.behaviour = finds("Bread")
        answers += [await service.ask(f"bread {each}") for each in "de"]
    missing = [each.json()["degraded"] for each in answers]
    assert missing == [[], [], ["topic_signal"], ["topic_signal"], [], []]  # nothing is cached
    assert service.counts(v.TOPIC_REQUESTS)["error", "FoundNothing"] == 2
    assert service.counts(v.CORE.occurrence_count) == {(v.NOTHING_FOUND, "FoundNothing"): 1}
    assert service.wide_event(answers[2]).severity_number is SeverityNumber.WARN


async def test_an_answer_that_should_have_results(
    open_service: OpenService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is counted, degraded and a warning; an empty answer to unknown words is only counted."""
    async with open_service() as service:
        unknown = await service.ask("ꙮꙮꙮ")
        monkeypatch.setattr("app.recommend.answering.rank", lambda *_: Ranking((), 0))
        known = await service.ask(BREAD)
        service.telemetry.flush()
        counts = service.counts(v.EMPTY)
    assert [each.json()["degraded"] for each in (unknown, known)] == [[], ["results"]]
    severities = [service.wide_event(each).severity_number for each in (unknown, known)]
    assert severities == [SeverityNumber.INFO, SeverityNumber.WARN]
    assert counts == {("fusion", "2", False): 1, ("fusion", "2", True): 1}


async def test_changes_by_another_process(open_service: OpenService, shelf_data: Path) -> None:
    """How many, of which kind; the category by its hash."""
    async with open_service() as service:
        await service.ask(BREAD)
        other = open_catalogue(shelf_data)
        with closing(other.database):
            first = next(iter(other))
            other.put([Document("new", "A new one", "About bread."), _changed(first)])
            other.delete("tide")
        after = await service.ask("stale bread and tides")
        service.telemetry.flush()
        counts = service.counts(v.CATALOGUE_CHANGES)
    (span,) = [each for each in service.of_trace(after) if each.name == REFRESH]
    about = span.attributes or {}
    found = tuple(about[name] for name in v.CHANGE_COUNTS.values())
    assert (found, about[v.CHANGED_BY]) == ((1, 1, 1), "another_process")
    assert counts == {(each, "another_process"): 1 for each in v.CHANGE.values}
    assert v.CHANGED_CATEGORIES in (service.wide_event(after).attributes or {})


def _changed(document: Document) -> Document:
    return Document(document.id, "Changed", document.text, document.category)


async def test_changes_by_this_process(open_service: OpenService) -> None:
    async with open_service() as service:
        await service.client.put(
            "/documents/new", json={"title": "New", "text": "Bread."}, headers=WRITER
        )
        await service.ask(BREAD)
        service.telemetry.flush()
        assert service.counts(v.CATALOGUE_CHANGES) == {("created", "this_process"): 1}


async def test_the_journal_is_written_in_its_own_trace(open_service: OpenService) -> None:
    def flushed() -> bool:
        service.telemetry.flush()
        return FLUSH in {each.name for each in service.spans}

    async with open_service() as service:
        await service.ask(BREAD)
        await eventually(flushed)
    (flush,) = [each for each in service.spans if each.name == FLUSH]
    below = [each for each in service.spans if each.parent == flush.context]
    assert dict(flush.attributes or {}) == {v.BATCH_SIZE: 1}
    assert [dict(each.attributes or {}) for each in below] == [{v.DATABASE: "journal"}] * 2


async def test_limits_are_beside_their_gauges(
    open_service: OpenService, wikipedia: FakeWikipedia
) -> None:
    async with open_service(wikipedia_settings(wikipedia), limits={"in_flight": 7}) as service:
        service.telemetry.flush()
        used, most = service.counts(v.CORE.used), service.counts(v.CORE.limit)
    assert set(used) == {(each,) for each in v.CORE.resource.values}
    assert set(most) >= set(used) - {("file_descriptors",)}  # which can be unlimited
    assert most["requests",] == most["worker_threads",] == 7
    assert most["topic_signal_calls",] == 10
    assert all(each >= 0 for each in used.values())


async def test_exports_are_numbered(open_service: OpenService) -> None:
    """The numbers have no gaps, and the counts add up to what was exported."""
    service = open_service()
    service.numbered = True
    async with service:
        for _ in range(3):
            await service.ask(BREAD)
            service.telemetry.flush()
    for exported in (service.spans, service.records):
        marked = [
            dict(each.attributes or {})
            for each in exported
            if v.CORE.batch in (each.attributes or {})
        ]
        assert [each[v.CORE.batch] for each in marked] == [*range(1, len(marked) + 1)]
        assert sum(int(str(each[v.CORE.batch_items])) for each in marked) == len(exported)
        assert len(marked) >= 3


def test_what_the_system_tells(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Linux's files, as they are; nothing where a system has none of them."""
    monkeypatch.setattr("app.telemetry.kit.process.PROC", tmp_path)
    assert run_queue_seconds(7) is None
    assert accept_overflows() is None
    for name, text in {
        "self/task/7/schedstat": "1000000000 2500000000 12\n",
        "net/netstat": "TcpExt: SyncookiesSent ListenDrops\nTcpExt: 4 11\nIpExt: A\nIpExt: 1\n",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    assert run_queue_seconds(7) == 2.5
    assert accept_overflows() == 11


def test_a_limit_that_is_not_known_is_left_out(service_instruments: Any) -> None:
    limits = Limits(service_instruments, v.CORE)
    limits.observe("file_descriptors", open_files, lambda: None)
    used, most = (callback(None) for callback in service_instruments.callbacks)
    assert [each.attributes for each in used] == [{v.CORE.resource: "file_descriptors"}]
    assert list(most) == []


@pytest.fixture
def service_instruments() -> Any:
    """Keeps the callbacks of observed metrics."""

    class Kept:
        def __init__(self) -> None:
            self.callbacks: list[Any] = []

        def observe(self, _: object, callback: Any) -> None:
            self.callbacks.append(callback)

    return Kept()

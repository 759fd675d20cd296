"""What is declared is emitted; exemplars point to spans; other libraries' logs stay here."""

import errno
import itertools
import logging
import time
from contextlib import closing
from pathlib import Path
from typing import Any, NoReturn

import pytest
from opentelemetry.semconv.attributes.error_attributes import ERROR_TYPE
from starlette.types import Receive, Scope, Send

from app.api import documents
from app.catalogue.store import Catalogue
from app.composition import open_catalogue
from app.model.distillation import Sample, distill
from app.model.registry import Registry
from app.model.student_watch import StudentComparison
from app.model.version_loader import RANKER
from app.recommend.batch import BatchCounts, BatchRun
from app.recommend.ranking import PairwiseModel
from app.recommend.stages import (
    ANALYZE,
    COMPARE_STUDENT,
    FETCH_TOPIC,
    RANK,
    RETRIEVE,
    RUN_BATCH,
    SCORE,
)
from app.recommend.transformer import TransformerEmbedder
from app.settings import SplitSettings, WatchSettings
from app.telemetry import vocabulary as v
from app.telemetry.kit.requests import RECEIVED
from app.telemetry.kit.testing import Recorder
from tests.api.service import NDJSON, WRITER, client_of, document_lines
from tests.fake_wikipedia import FakeWikipedia, fails, finds, in_turn
from tests.fakes import SHELF
from tests.model.versions import ADA, register, truncate
from tests.recommend.tiny_transformer import write_transformer
from tests.stack import smoke
from tests.telemetry.consistency import span_of
from tests.telemetry.expected import BREAD
from tests.telemetry.recorded_service import (
    OpenService,
    Service,
    wikipedia_settings,
)
from tests.telemetry.watched_service import (
    TYPED,
    drift_and_recover,
    like_the_first,
    promoted_and_challenged,
    small_windows,
)
from tests.waiting import eventually

pytestmark = pytest.mark.anyio
REQUEST_STAGES = (ANALYZE, RETRIEVE, FETCH_TOPIC, SCORE, RANK)
OF_TRAINING = ("vitrine.training", "vitrine.evaluation.", "vitrine.gate.")
"""Beginnings of the names that a training emits; `tests/model/test_training.py` looks for them."""


def emitted(recorded: Recorder) -> set[str]:
    """Every name that was used, for whatever."""
    names: set[str] = set(recorded.measured())
    for span in recorded.spans:
        names |= {*(span.attributes or {}), *(each.name for each in span.events)}
    for record in recorded.records:
        names |= {*(record.attributes or {}), record.event_name or ""}
    for metric in recorded.measured().values():
        points: Any = metric.data.data_points
        names |= {name for each in points for name in each.attributes}
    return names


def breaks(*_: object) -> NoReturn:
    """Put in the place of anything."""
    raise RuntimeError from OSError(errno.ENOSPC, "no space")


async def over_a_socket(service: Service) -> None:
    """A request with what the server knows of its arrival."""

    async def running(scope: Scope, receive: Receive, send: Send) -> None:
        await service.running({**scope, RECEIVED: (time.monotonic(), 0.0)}, receive, send)

    async with client_of(running) as client:
        await client.get("/categories")


async def drive(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make it emit every name."""
    await service.ask("tide tables", {"vitrine-debug": "1"})
    answers = [await service.ask(text) for text in ("stale bread", "stale bread", "tide", "!!!")]
    await service.ask("ꙮꙮꙮ")  # no document has anything to do with it
    await over_a_socket(service)
    found = answers[0].json()
    clicked = found["results"][0]["document"]["id"]
    given = {"recommendation_id": found["recommendation_id"], "kind": "click"}
    await service.client.post("/feedback", json=given | {"document_id": clicked})
    await service.client.post("/recommend/batch", json={"items": [{"query": "bread"}, {}]})
    with service.telemetry.stages.observe(RUN_BATCH) as stage:
        stage.result = BatchRun(BatchCounts({None: 2}), 1, BatchCounts({None: 1}))
    for body in (document_lines(2), document_lines(2).replace("Number 1", "One") + "{\n"):
        await service.client.post("/documents", content=body, headers=NDJSON)
    for path in ("/models/rollback", "/models/fusion/promote", "/models/1/promote"):
        await service.client.post(path, json={}, headers=WRITER)
    put, written = Catalogue.put, itertools.count()
    with monkeypatch.context() as patch:
        patch.setattr(Catalogue, "put", lambda *given: breaks() if next(written) else put(*given))
        lines = document_lines(documents.STREAM_BATCH + 1)
        await service.client.post("/documents", content=lines, headers=NDJSON)


async def drive_watch(
    open_service: OpenService, data: Path, monkeypatch: pytest.MonkeyPatch
) -> Service:
    """Make it tell whatever it can about a watched model."""
    monkeypatch.undo()
    promoted_and_challenged(data)
    small_windows(monkeypatch)
    split = SplitSettings(share=0.5, key="header:X-User")
    async with open_service(watch=WatchSettings(shadow_share=1), split=split) as service:
        with service.telemetry.stages.observe(COMPARE_STUDENT) as stage:
            stage.result = StudentComparison("student-of-tiny", "53aa", 0.9, 0.7)
        await drift_and_recover(service)
        await like_the_first(service, TYPED)
    return service


async def test_nothing_is_declared_in_vain(
    open_service: OpenService,
    shelf_data: Path,
    wikipedia: FakeWikipedia,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with closing((catalogue := open_catalogue(shelf_data)).database):
        for weight in (1, 2):
            version = register(catalogue, registry := Registry(shelf_data / "models"), weight)
            registry.promote(version, ADA)
    truncate(registry.folder / version / RANKER)
    monkeypatch.setattr(PairwiseModel, "score", breaks)
    monkeypatch.setattr("app.telemetry.kit.process.LAG_SECONDS", 0.001)
    behaviours = fails(500, "0"), finds("Bread"), finds(), finds(), fails(429, "3600")
    wikipedia.behaviour = in_turn(*behaviours)
    plain = {"logs": "off", "query_text": "plain"}

    def lag_was_measured() -> bool:
        service.telemetry.flush()
        return v.CORE.loop_lag in service.measured()

    service = open_service(wikipedia_settings(wikipedia, empty_answers=2), telemetry=plain)
    service.numbered = True
    tiny = TransformerEmbedder(write_transformer(shelf_data / "tiny"))
    async with service:
        await drive(service, monkeypatch)
        distill(Sample.of(2 * SHELF), tiny, service.telemetry.stages)
        await eventually(lag_was_measured)
        service.refuse_spans()
        await service.ask(BREAD)
        service.telemetry.flush()
    watched = await drive_watch(open_service, shelf_data, monkeypatch)
    declared = {*v.VOCABULARY.attributes, *v.VOCABULARY.events, *v.VOCABULARY.metrics}
    of_requests = {name for name in declared if not name.startswith(OF_TRAINING)}
    # the stand-in has no TLS
    assert of_requests - emitted(service) - emitted(watched) == {v.CORE.phase_seconds["tls"]}


async def test_one_question_is_enough_for_what_is_always_present(
    open_service: OpenService, wikipedia: FakeWikipedia, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And `make smoke` reads back all of it."""
    monkeypatch.setattr("app.telemetry.kit.process.LAG_SECONDS", 0.001)
    always = {name for name, metric in v.VOCABULARY.metrics.items() if not metric.after}

    def missing() -> set[str]:
        service.telemetry.flush()
        return always - set(service.measured())

    wikipedia.behaviour = fails(404)
    async with open_service(wikipedia_settings(wikipedia)) as service:
        await service.ask(BREAD)
        await eventually(lambda: not missing())
    assert set(smoke.METRICS) == always


async def test_measurements_point_to_their_spans(
    open_service: OpenService, wikipedia: FakeWikipedia
) -> None:
    """One can go from a slow or failing stage in a chart to a trace of it."""
    wikipedia.behaviour = fails(404)
    async with open_service(wikipedia_settings(wikipedia)) as service:
        answer = await service.ask(BREAD)
    points: Any = service.measured()[v.CORE.stage_duration].data.data_points
    (failing,) = [each for each in points if ERROR_TYPE in each.attributes]
    (exemplar,) = failing.exemplars
    span = span_of(service, answer, FETCH_TOPIC).context
    assert (exemplar.trace_id, exemplar.span_id) == (span.trace_id, span.span_id)
    assert exemplar.value == failing.sum
    for each in points:
        if each.attributes[v.CORE.stage] not in REQUEST_STAGES:
            continue  # of a trace of its own
        assert {one.trace_id for one in each.exemplars} == {span.trace_id}


async def test_a_flush_sends_everything_at_once(open_service: OpenService) -> None:
    async with open_service() as service:
        answer = await service.ask(BREAD)
        service.telemetry.flush()
        names = [each.name for each in service.of_trace(answer)]
        assert "POST /recommend" in names
        assert service.wide_event(answer).event_name == v.SERVED
        assert service.counts(v.RECOMMENDATIONS) == {("fusion", "2", False): 1}


async def test_what_libraries_log_of_a_call_is_not_emitted(
    open_service: OpenService, wikipedia: FakeWikipedia, caplog: pytest.LogCaptureFixture
) -> None:
    """httpx logs the whole address, and what was typed is in it at INFO."""
    caplog.set_level(logging.INFO)
    async with open_service(wikipedia_settings(wikipedia)) as service:
        answer = await service.ask("zugzwang")
    assert wikipedia.received[0].params["q"] == ["zugzwang"]
    assert [each.event_name for each in service.logs_of(answer)] == [v.SERVED]
    assert [each for each in service.readable if "zugzwang" in each.to_json()] == []

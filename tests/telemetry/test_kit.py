"""The kit observes a service that is not ours, and knows nothing of ours."""

import ast
from pathlib import Path
from unittest.mock import patch

import pytest
from fastapi import FastAPI
from opentelemetry._logs import SeverityNumber
from opentelemetry.trace import StatusCode

import app.telemetry.kit
from app.telemetry.kit.testing import Recorder, broken_traces, leaks, violations
from examples import shop
from tests.api.service import client_of

pytestmark = pytest.mark.anyio
KIT = Path(app.telemetry.kit.__file__).parent
CANARY = "zyzzy4111111111111111"


def test_it_imports_nothing_of_the_service() -> None:
    for file in KIT.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.ImportFrom):
                foreign = node.level > 1 or (node.level == 0 and str(node.module).startswith("app"))
                assert not foreign, f"{file.name} imports {node.module}"
            elif isinstance(node, ast.Import):
                assert not any(each.name.startswith("app") for each in node.names), file.name


async def observed(paths: list[str], service: FastAPI) -> Recorder:
    """What is emitted while the paths are requested."""
    recorder = Recorder()
    with (
        patch("examples.shop.otlp", recorder.exporters),
        patch("examples.shop.use_globally"),
        patch("examples.shop.set_defaults"),
    ):
        async with (
            service.router.lifespan_context(service) as state,
            client_of(
                lambda scope, receive, send: service({**scope, "state": state}, receive, send)
            ) as client,
        ):
            for path in paths:
                await client.get(path)
            state["kit"].flush()  # type: ignore[index]
    return recorder


async def test_another_service_is_observed() -> None:
    recorder = await observed(["/price?item=bread", f"/price?item={CANARY}"], shop.app)
    found, unknown = [each for each in recorder.spans if each.name == "price item"]
    assert (found.attributes or {})[shop.DISCOUNTED] is True
    assert unknown.status.status_code is StatusCode.UNSET  # the caller's mistake
    assert recorder.counts(shop.AMOUNT) == {(True,): 1}
    served, refused = [each for each in recorder.records if each.event_name == "request.answered"]
    assert (served.attributes or {})["http.response.status_code"] == 200
    assert (refused.attributes or {})["http.response.status_code"] == 404
    assert {each.trace_id for each in (served, refused)} == {
        each.context.trace_id for each in (found, unknown)
    }
    assert violations(recorder, shop.VOCABULARY) == []
    assert leaks(recorder, [CANARY]) == []
    assert broken_traces(recorder) == []


async def test_what_nothing_handles_is_a_500_with_its_stack(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(shop, "price_of", lambda *_: 1 // 0)
    recorder = await observed([f"/price?item={CANARY}"], shop.app)
    exceptions = [event for span in recorder.spans for event in span.events]
    assert [each.name for each in exceptions] == ["exception"]
    (wide,) = [each for each in recorder.records if each.event_name == "request.answered"]
    assert (wide.attributes or {})["http.response.status_code"] == 500
    assert wide.severity_number is SeverityNumber.ERROR
    assert leaks(recorder, [CANARY]) == []

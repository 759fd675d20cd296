"""The standard variables do here what they do everywhere."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.settings import TelemetrySettings
from app.telemetry import vocabulary as v
from app.telemetry.kit import vocabulary as kit_names
from app.telemetry.kit.standard_variables import VARIABLES
from tests.api.service import serving, settings
from tests.telemetry.receiver import Receiver
from tests.waiting import TIMEOUT

pytestmark = pytest.mark.anyio
ALL = {"traces", "metrics", "logs"}
TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


@dataclass(frozen=True, slots=True)
class Served:
    """One answer, and what became of the telemetry."""

    answer: httpx.Response
    receiver: Receiver
    lines: list[dict[str, Any]]

    @property
    def signals(self) -> set[str]:
        """Those that were sent."""
        return {request.signal for request in self.receiver.requests}

    @property
    def trace(self) -> str | None:
        """As the answer has it, in its body and header alike."""
        trace: str | None = self.answer.json()["trace_id"]
        emitted = self.answer.headers.get("traceresponse", "00-None-").split("-")[1]
        assert str(trace) == emitted
        return trace


Serve = Callable[..., Awaitable[Served]]


@pytest.fixture
def serve(
    shelf_data: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Serve:
    """One recommendation by a service with these variables, which has then sent everything."""

    async def served(parent: str = "", *, enabled: bool = True, **variables: str) -> Served:
        with Receiver() as receiver:
            for name in VARIABLES:
                monkeypatch.delenv(name, raising=False)
            monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.grpc_endpoint)
            monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", str(TIMEOUT))
            for name, value in variables.items():
                monkeypatch.setenv(name, value)
            telemetry = TelemetrySettings(enabled=enabled, shutdown_seconds=TIMEOUT)
            async with serving(settings(shelf_data, telemetry=telemetry)) as client:
                headers = {"traceparent": parent} if parent else {}
                asked = {"query": "stale bread"}
                answer = await client.post("/recommend", json=asked, headers=headers)
        answer.raise_for_status()
        lines = [json.loads(each) for each in capfd.readouterr().out.splitlines()]
        return Served(answer, receiver, lines)

    return served


@pytest.mark.parametrize("off", [{"OTEL_SDK_DISABLED": "TRUE"}, {"enabled": False}], ids=str)
async def test_off(serve: Serve, off: dict[str, Any]) -> None:
    served = await serve(**off)
    assert served.receiver.calls == 0
    assert served.trace is None
    assert not {"traceresponse", "server-timing"} & set(served.answer.headers)
    assert [each for each in served.lines if "trace_id" in each] == []


@pytest.mark.parametrize("signal", sorted(ALL))
async def test_one_signal_off(serve: Serve, signal: str) -> None:
    served = await serve(**{f"OTEL_{signal.upper()}_EXPORTER": "none"})
    assert served.signals == ALL - {signal}
    assert served.trace
    [line] = [line for line in served.lines if line.get("event") == v.SERVED]
    assert line["trace_id"] == served.trace


async def test_nothing_sampled(serve: Serve) -> None:
    served = await serve(OTEL_TRACES_SAMPLER="traceidratio", OTEL_TRACES_SAMPLER_ARG="0")
    receiver = served.receiver
    assert receiver.spans == []
    [record] = [record for record in receiver.logs if record.event_name == v.SERVED]
    assert record.trace_id == served.trace
    [recommended] = receiver.latest(v.RECOMMENDATIONS)
    assert recommended.value == 1
    assert [each.count for each in receiver.latest(kit_names.SERVER_DURATION)] == [1]
    assert not any(point.exemplars for point in receiver.metrics)


async def test_sampled_because_its_parent_is(serve: Serve) -> None:
    parent = f"00-{TRACE}-{PARENT}-01"
    served = await serve(parent, OTEL_TRACES_SAMPLER="parentbased_always_off")
    assert served.trace == TRACE
    spans = served.receiver.spans
    assert {span.trace_id for span in spans} == {TRACE}
    assert [span.parent_id for span in spans if span.kind == "SERVER"] == [PARENT]
    assert len(spans) > 5


async def test_the_environment_says_who_it_is(serve: Serve) -> None:
    about = "deployment.environment.name=production,service.version=2.0,team=search,service.name=x"
    served = await serve(OTEL_SERVICE_NAME="shop window", OTEL_RESOURCE_ATTRIBUTES=about)
    receiver = served.receiver
    assert served.signals == ALL
    emitted = [span.resource for span in receiver.spans]
    emitted += [record.resource for record in receiver.logs]
    emitted += [point.resource for point in receiver.metrics]
    for resource in emitted:
        assert {
            "service.name": "shop window",
            "service.version": "2.0",
            "service.namespace": "vitrine",
            "deployment.environment.name": "production",
            "team": "search",
        }.items() <= resource.items()

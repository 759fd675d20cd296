"""The standard variables do here what they do everywhere."""

from dataclasses import dataclass

import httpx
import pytest

from app.telemetry import vocabulary as v
from app.telemetry.kit import vocabulary as kit_names
from tests.telemetry.receiver import Receiver
from tests.telemetry.watched import Watch, Watched, over

pytest_plugins = ["tests.telemetry.watching"]

ALL = {"traces", "metrics", "logs"}
TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


@dataclass(frozen=True, slots=True)
class Served:
    """One answer, and what became of the telemetry."""

    answer: httpx.Response
    receiver: Receiver
    server: Watched

    @property
    def signals(self) -> set[str]:
        """Those that were sent."""
        return {request.signal for request in self.receiver.requests}

    @property
    def trace(self) -> str | None:
        """As the answer has it, in its body and header alike."""
        trace: str | None = self.answer.json()["trace_id"]
        told = self.answer.headers.get("traceresponse", "00-None-").split("-")[1]
        assert str(trace) == told
        return trace


def serve(watch: Watch, environment: dict[str, str], parent: str = "") -> Served:
    """One recommendation, by a server that has then ended well."""
    headers = {"traceparent": parent} if parent else {}
    with Receiver() as receiver, watch(over("grpc", receiver), environment) as server:
        asked = {"query": "stale bread"}
        answer = server.client.post("/recommend", json=asked, headers=headers).raise_for_status()
        server.stop()
    return Served(answer, receiver, server)


@pytest.mark.parametrize(
    ("name", "value"), [("OTEL_SDK_DISABLED", "TRUE"), ("VITRINE_TELEMETRY__ENABLED", "false")]
)
def test_off(watch: Watch, name: str, value: str) -> None:
    served = serve(watch, {name: value})
    assert served.receiver.calls == 0
    assert served.trace is None
    assert not {"traceresponse", "server-timing"} & set(served.answer.headers)
    assert b"trace_id" not in served.server.said


@pytest.mark.parametrize("signal", sorted(ALL))
def test_one_signal_off(watch: Watch, signal: str) -> None:
    served = serve(watch, {f"OTEL_{signal.upper()}_EXPORTER": "none"})
    assert served.signals == ALL - {signal}
    assert served.trace
    [line] = [line for line in served.server.lines if line.get("event") == v.SERVED]
    assert line["trace_id"] == served.trace


def test_nothing_sampled(watch: Watch) -> None:
    nothing = {"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0"}
    served = serve(watch, nothing)
    receiver = served.receiver
    assert receiver.spans == []
    [record] = [record for record in receiver.logs if record.event_name == v.SERVED]
    assert record.trace_id == served.trace
    [recommended] = receiver.latest(v.RECOMMENDATIONS)
    assert recommended.value == 1
    assert [each.count for each in receiver.latest(kit_names.SERVER_DURATION)] == [1]
    assert not any(point.exemplars for point in receiver.metrics)


def test_sampled_because_its_parent_is(watch: Watch) -> None:
    by_parent = {"OTEL_TRACES_SAMPLER": "parentbased_always_off"}
    served = serve(watch, by_parent, f"00-{TRACE}-{PARENT}-01")
    assert served.trace == TRACE
    spans = served.receiver.spans
    assert {span.trace_id for span in spans} == {TRACE}
    assert [span.parent_id for span in spans if span.kind == "SERVER"] == [PARENT]
    assert len(spans) > 5


def test_the_environment_says_who_it_is(watch: Watch) -> None:
    about = "deployment.environment.name=production,service.version=2.0,team=search,service.name=x"
    named = {"OTEL_SERVICE_NAME": "shop window", "OTEL_RESOURCE_ATTRIBUTES": about}
    served = serve(watch, named)
    receiver = served.receiver
    assert served.signals == ALL
    told = [span.resource for span in receiver.spans]
    told += [record.resource for record in receiver.logs]
    told += [point.resource for point in receiver.metrics]
    for resource in told:
        assert {
            "service.name": "shop window",
            "service.version": "2.0",
            "service.namespace": "vitrine",
            "deployment.environment.name": "production",
            "team": "search",
        }.items() <= resource.items()

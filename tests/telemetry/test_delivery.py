"""Where telemetry goes, and how."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
from opentelemetry.sdk.trace.export import SpanExportResult

from app.telemetry.kit.exporters import Exporters, otlp
from tests.telemetry.observed_stages import Watch
from tests.telemetry.receiver import Receiver
from tests.waiting import TIMEOUT

SIGNALS = ("TRACES", "METRICS", "LOGS")


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Sets variables; none of those that matter here is set before."""
    for signal in ("", *(f"{signal}_" for signal in SIGNALS)):
        for name in ("ENDPOINT", "PROTOCOL", "TIMEOUT", "COMPRESSION", "HEADERS"):
            monkeypatch.delenv(f"OTEL_EXPORTER_OTLP_{signal}{name}", raising=False)
    for signal in SIGNALS:
        monkeypatch.delenv(f"OTEL_{signal}_EXPORTER", raising=False)
    return monkeypatch.setenv


@contextmanager
def made() -> Iterator[Exporters]:
    """The exporters, until the end of the block."""
    exporters = otlp()
    with ExitStack() as stack:
        for each in (exporters.spans, exporters.metrics, exporters.logs):
            if each is not None:
                stack.callback(each.shutdown)
        yield exporters


def protocols() -> list[str | None]:
    """By what each signal is sent."""
    with made() as exporters:
        found = (exporters.spans, exporters.metrics, exporters.logs)
        return [type(each).__base__.__module__.split(".")[4] if each else None for each in found]


def test_grpc_by_default() -> None:
    assert protocols() == ["grpc"] * 3


def test_the_protocol_of_all_and_of_one(environment: Callable[[str, str], None]) -> None:
    environment("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")
    assert protocols() == ["http"] * 3
    environment("OTEL_EXPORTER_OTLP_METRICS_PROTOCOL", "grpc")
    assert protocols() == ["http", "grpc", "http"]


@pytest.mark.parametrize("place", range(3))
def test_a_signal_that_goes_nowhere(place: int, environment: Callable[[str, str], None]) -> None:
    environment(f"OTEL_{SIGNALS[place]}_EXPORTER", "none")
    assert [each is None for each in protocols()] == [place == each for each in range(3)]


@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf"])
def test_how_long_a_call_may_take(protocol: str, environment: Callable[[str, str], None]) -> None:
    def seconds() -> list[float]:
        with made() as exporters:
            every: list[Any] = [exporters.spans, exporters.metrics, exporters.logs]
            senders = [each if protocol == "grpc" else each._client for each in every]
            return [each._timeout for each in senders]

    environment("OTEL_EXPORTER_OTLP_PROTOCOL", protocol)
    assert seconds() == [10] * 3  # the specification's default: time for several tries
    environment("OTEL_EXPORTER_OTLP_TIMEOUT", "7")
    assert seconds() == [7] * 3
    environment("OTEL_EXPORTER_OTLP_LOGS_TIMEOUT", "0.5")
    assert seconds() == [7, 7, 0.5]


@pytest.mark.parametrize(("protocol", "name"), [("grpc", "grpc"), ("http/protobuf", "http")])
def test_it_arrives(protocol: str, name: str, environment: Callable[[str, str], None]) -> None:
    watch = Watch()
    watch.tracer.start_span("alone").end()
    with Receiver() as receiver:
        endpoint = receiver.grpc_endpoint if name == "grpc" else receiver.http_endpoint
        environment("OTEL_EXPORTER_OTLP_PROTOCOL", protocol)
        environment("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
        environment("OTEL_EXPORTER_OTLP_HEADERS", "key=secret")
        environment("OTEL_EXPORTER_OTLP_TIMEOUT", str(TIMEOUT))
        with made() as exporters:
            assert exporters.spans is not None
            assert exporters.spans.export(watch.spans) is SpanExportResult.SUCCESS
        [request] = receiver.requests
    assert (request.protocol, request.headers["key"]) == (name, "secret")
    assert [span.name for span in request.spans] == ["alone"]

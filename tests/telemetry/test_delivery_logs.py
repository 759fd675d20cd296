"""What is logged when export fails."""

import logging
import threading
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import grpc
import pytest
from opentelemetry.sdk._logs.export import LogRecordExportResult
from opentelemetry.sdk.metrics.export import MetricExportResult
from opentelemetry.sdk.trace.export import SpanExportResult

from app.telemetry.kit.exporters import Delivery, otlp, reporting
from tests.telemetry.receiver import Behaviour, Receiver, accept, hang, refuse, refused_port
from tests.telemetry.unreachable_collector import endpoint_of

RESULTS = (SpanExportResult, MetricExportResult, LogRecordExportResult)


class Sending:
    """An exporter whose batches are delivered or not, as the test likes."""

    def __init__(self, results: Any = SpanExportResult) -> None:
        self._results, self.delivers = results, True
        self.recorded: list[tuple[Any, ...]] = []

    @classmethod
    def through(
        cls, delivery: Delivery, results: Any = SpanExportResult, signal: str = "traces"
    ) -> Any:
        """One that reports to `delivery`."""
        return reporting(cls, delivery, signal)(results)

    def export(self, *batch: Any, **options: Any) -> Any:
        self.recorded.append((*batch, options))
        return self._results.SUCCESS if self.delivers else self._results.FAILURE


def levels(caplog: pytest.LogCaptureFixture) -> list[str]:
    """The records: WARNING when it is away, INFO when it is back."""
    return [each.levelname for each in caplog.records if each.name == "app.telemetry.kit.exporters"]


@pytest.fixture
def output(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    caplog.set_level(logging.INFO, "app.telemetry.kit.exporters")
    return lambda: levels(caplog)


@pytest.mark.parametrize("results", RESULTS)
def test_loss_and_recovery_are_logged_once(results: Any, output: Callable[[], list[str]]) -> None:
    exporter = Sending.through(Delivery(), results)
    for delivers in (True, False, False, False, True, True, False, False):
        exporter.delivers = delivers
        result = results.SUCCESS if delivers else results.FAILURE
        assert exporter.export(["batch"], timeout_millis=5) is result
    assert output() == ["WARNING", "INFO", "WARNING"]
    assert exporter.recorded == [(["batch"], {"timeout_millis": 5})] * 8


def test_nothing_is_logged_while_all_is_well(output: Callable[[], list[str]]) -> None:
    delivery = Delivery()
    for exporter in (Sending.through(delivery, results) for results in RESULTS):
        exporter.export(["batch"])
    assert output() == []


def test_it_is_logged_once_for_all_signals(output: Callable[[], list[str]]) -> None:
    delivery = Delivery()
    exporters = [Sending.through(delivery, results) for results in RESULTS]
    for delivers in (False, True):
        for exporter in exporters:
            exporter.delivers = delivers
        for _ in range(3):
            for each in exporters:
                each.export(["batch"])
    assert output() == ["WARNING", "INFO"]


def test_a_collector_that_takes_one_signal_and_not_another_is_no_storm(
    output: Callable[[], list[str]],
) -> None:
    delivery = Delivery()
    watched = [Sending.through(delivery), Sending.through(delivery, LogRecordExportResult)]
    watched[1].delivers = False
    for _ in range(20):
        for each in watched:
            each.export(["batch"])
    assert output() == ["WARNING"]


def test_many_threads_log_it_once(output: Callable[[], list[str]]) -> None:
    exporter, start = Sending.through(Delivery()), threading.Barrier(8)
    exporter.delivers = False

    def send() -> None:
        start.wait()
        for _ in range(100):
            exporter.export(["batch"])

    threads = [threading.Thread(target=send) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert output() == ["WARNING"]


def test_a_batch_that_cannot_even_be_encoded_is_not_kept_quiet(
    output: Callable[[], list[str]],
) -> None:
    class Failing:
        def export(self, _: Any) -> Any:
            raise UnicodeError

    watched = reporting(Failing, Delivery(), "traces")()
    with pytest.raises(UnicodeError):
        watched.export(["batch"])
    assert output() != []


@pytest.mark.parametrize(
    ("protocol", "behaviour", "scheme", "came_back"),
    [
        ("grpc", refuse(grpc.StatusCode.UNIMPLEMENTED, 404), "http", "UNIMPLEMENTED"),
        ("http/protobuf", refuse(grpc.StatusCode.UNIMPLEMENTED, 404), "http", "404 Not Found"),
        ("http/protobuf", refuse(grpc.StatusCode.UNAVAILABLE, 503), "http", "503"),
        ("grpc", hang, "http", "no response in time"),
        ("http/protobuf", hang, "http", "no response in time"),
        ("grpc", accept, "https", "SSL"),
        ("http/protobuf", accept, "https", "TLS: "),
        ("grpc", None, "http", "Connection refused"),
        ("http/protobuf", None, "http", "Connection refused"),
    ],
)
def test_it_says_where_it_was_sent_and_what_came_back(
    protocol: str,
    behaviour: Behaviour | None,
    scheme: str,
    came_back: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    with ExitStack() as stack:
        if behaviour is None:
            address = f"127.0.0.1:{stack.enter_context(refused_port())}"
        else:
            receiver = stack.enter_context(Receiver())
            receiver.behaviour = behaviour
            address = endpoint_of(receiver, protocol[:4]).removeprefix("http://")
        credentials = "" if protocol == "grpc" else "ada:secret@"
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"{scheme}://{credentials}{address}")
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", protocol)
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "0.5")
        exporters = otlp()
        assert exporters.spans
        exporters.spans.export([])
        for each in (exporters.spans, exporters.metrics, exporters.logs):
            each.shutdown()  # type: ignore[union-attr]
    [output] = [
        each.message for each in caplog.records if each.name == "app.telemetry.kit.exporters"
    ]
    path = "" if protocol == "grpc" else "/v1/traces"
    assert f"(traces to {scheme}://{address}{path}: " in output
    assert came_back in output
    assert "secret" not in output


def test_what_is_not_taken_is_counted() -> None:
    delivery = Delivery()
    watched = [
        Sending.through(delivery),
        Sending.through(delivery, MetricExportResult, "metrics"),
    ]
    for delivers in (True, False, False):
        for each in watched:
            each.delivers = delivers
            each.export(["one", "two", "three"])
    assert delivery.lost == {"traces": 6, "metrics": 2}

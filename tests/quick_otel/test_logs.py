"""The contract of a LoggerProvider: what the stock SDK makes of records, quick_otel makes."""

import logging
import warnings
from typing import Any

import pytest
from opentelemetry._logs import Logger, LogRecord, SeverityNumber
from opentelemetry.exporter.otlp.proto.common._log_encoder import encode_logs as by_library
from opentelemetry.sdk import _logs as stock
from opentelemetry.sdk._logs import LogRecordLimits, ReadWriteLogRecord
from opentelemetry.sdk._logs.export import (
    BatchLogRecordProcessor,
    InMemoryLogRecordExporter,
    SimpleLogRecordProcessor,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.trace import use_span

import quick_otel
from quick_otel.encoding import encode_logs
from tests.quick_otel.programs import UNUSUAL
from tests.quick_otel.test_metrics import SAMPLED, UNSAMPLED

SDKS: list[type[stock.LoggerProvider]] = [stock.LoggerProvider, quick_otel.LoggerProvider]
RESOURCE = Resource({"service.name": "x"})
LIMITS: list[LogRecordLimits | None] = [None, LogRecordLimits(3, 6), LogRecordLimits(0)]


class Adding(stock.LogRecordProcessor):
    """Changes a record, as processors may."""

    def on_emit(self, log_record: ReadWriteLogRecord) -> None:
        log_record.log_record.attributes["added"] = "by a processor"  # type: ignore[index]
        log_record.log_record.body = log_record.log_record.body or "none"

    def shutdown(self) -> None:
        pass

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        return True


def _emit(logger: Logger) -> None:
    error = ValueError("no")
    for span in (SAMPLED, UNSAMPLED):
        with use_span(span):
            logger.emit(event_name="event", attributes={"a": 1, "b": "c"}, timestamp=5)
            logger.emit(event_name="event", exception=error, severity_number=SeverityNumber.ERROR)
    logger.emit(body="text", severity_text="INFO", severity_number=SeverityNumber.INFO)
    logger.emit()
    for key, value in UNUSUAL:
        logger.emit(body="x", attributes={key: value, "c": 1})
        if key not in ("object", "set", "big", "surrogate", "kind"):  # which the SDK refuses
            logger.emit(body=value)
    logger.emit(attributes=dict(UNUSUAL))
    logger.emit(LogRecord(body="made", attributes={"a": True}, observed_timestamp=3))
    logger.emit(LogRecord(body="made", exception=error))
    ready: Any = ReadWriteLogRecord(LogRecord(body="ready"), RESOURCE)
    logger.emit(ready)


def _records(
    sdk: type[stock.LoggerProvider], limits: LogRecordLimits | None
) -> tuple[list[Any], list[Any]]:
    make: Any = InMemoryLogRecordExporter
    exporters = make(), make()
    provider = sdk(RESOURCE, shutdown_on_exit=False, log_record_limits=limits)
    provider.add_log_record_processor(BatchLogRecordProcessor(exporters[0]))
    provider.add_log_record_processor(Adding())
    provider.add_log_record_processor(SimpleLogRecordProcessor(exporters[1]))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", stock.LogRecordDroppedAttributesWarning)
        _emit(provider.get_logger("scope", "1", "https://schema"))
        _emit(provider.get_logger("scope", attributes={"a": 1}))
    provider.shutdown()
    return list(exporters[0].get_finished_logs()), list(exporters[1].get_finished_logs())


def _facts(records: list[Any]) -> list[Any]:
    request = by_library(records)
    for resource in request.resource_logs:
        for record in (each for scope in resource.scope_logs for each in scope.log_records):
            record.observed_time_unix_nano = 0
    orders = [list(record.log_record.attributes) for record in records]
    return [request, orders, [record.dropped_attributes for record in records]]


@pytest.mark.parametrize("limits", LIMITS, ids=str)
def test_quick_records_are_those_of_the_sdk(
    limits: LogRecordLimits | None, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    made, output = [], []
    for sdk in SDKS:
        caplog.clear()
        found = _records(sdk, limits)
        output.append([record.getMessage().split(" at 0x")[0] for record in caplog.records])
        made.append([_facts(records) for records in found])
        for records in found:
            assert encode_logs(records) == by_library(records)
            assert (
                encode_logs(records).SerializeToString() == by_library(records).SerializeToString()
            )
    assert made[0] == made[1]
    assert output[0] == output[1]
    assert len(found[0]) > 60


def test_loggers_are_those_of_the_sdk() -> None:
    provider = quick_otel.LoggerProvider(RESOURCE, shutdown_on_exit=False)
    assert isinstance(provider, stock.LoggerProvider)
    assert isinstance(provider.get_logger("a"), stock.Logger)
    assert provider.get_logger("a") is provider.get_logger("a")

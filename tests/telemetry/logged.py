"""Somewhere for log records to go."""

from typing import Any

from opentelemetry._logs import LogRecord
from opentelemetry.sdk._logs import LoggerProvider, ReadableLogRecord
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.resources import Resource


class Logged:
    """What was logged through its provider."""

    def __init__(self) -> None:
        self.exporter = InMemoryLogRecordExporter()  # type: ignore[no-untyped-call]
        self.provider = LoggerProvider(Resource({}), shutdown_on_exit=False)
        self.provider.add_log_record_processor(SimpleLogRecordProcessor(self.exporter))

    @property
    def all(self) -> list[ReadableLogRecord]:
        return list(self.exporter.get_finished_logs())

    @property
    def records(self) -> list[LogRecord]:
        return [each.log_record for each in self.all]

    @property
    def only(self) -> LogRecord:
        [record] = self.records
        return record

    @property
    def attributes(self) -> dict[str, Any]:
        return dict(self.only.attributes or {})

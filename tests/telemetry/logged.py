"""Somewhere for log records to go."""

from typing import Any

from opentelemetry._logs import LogRecord
from opentelemetry.sdk._logs import LoggerProvider, ReadableLogRecord
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.resources import Resource

from app.telemetry.facts import FAILURES
from app.telemetry.kit.exceptions import Exceptions
from app.telemetry.kit.logs import PrivateHandler
from app.telemetry.vocabulary import CORE

EXPORTERS = "app.telemetry.kit.exporters"


class Logged:
    """What was logged through its provider."""

    def __init__(self) -> None:
        self.exporter = InMemoryLogRecordExporter()  # type: ignore[no-untyped-call]
        self.provider = LoggerProvider(Resource({}), shutdown_on_exit=False)
        self.provider.add_log_record_processor(SimpleLogRecordProcessor(self.exporter))
        exceptions = Exceptions(FAILURES, self.provider.get_logger("here"), CORE)
        self.handler = PrivateHandler(self.provider, exceptions, ["app"])

    @property
    def all(self) -> list[ReadableLogRecord]:
        """But for what exporters of earlier tests log, whose threads may live on for a while."""
        logged = self.exporter.get_finished_logs()
        scopes = [getattr(each.instrumentation_scope, "name", "") for each in logged]
        return [each for each, scope in zip(logged, scopes, strict=True) if scope != EXPORTERS]

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

"""A LoggerProvider whose records are cheaper to emit, with the SDK's contract."""

import warnings
from typing import Any

from opentelemetry._logs import LogRecord
from opentelemetry.sdk import _logs as sdk
from opentelemetry.sdk._logs import LogRecordDroppedAttributesWarning, ReadWriteLogRecord
from opentelemetry.util.types import Attributes

from .attributes import QuickAttributes


class QuickLogRecord(LogRecord):
    """A record with a cheap shallow copy, which the batch processor makes."""

    def __copy__(self) -> "QuickLogRecord":
        made = object.__new__(QuickLogRecord)
        vars(made).update(vars(self))
        return made


class QuickRecord(ReadWriteLogRecord):
    """The record that processors receive; its plain attributes skip the SDK's cleaning."""

    def __post_init__(self) -> None:
        limits = self.limits
        self.log_record.attributes = QuickAttributes(
            limits.max_log_record_attributes,
            self.log_record.attributes,
            limits.max_log_record_attribute_length,
        )
        if self.dropped_attributes:
            what = "Log record attributes were dropped due to limits"
            warnings.warn(what, LogRecordDroppedAttributesWarning, stacklevel=2)


class QuickLogger(sdk.Logger):
    """Emits quick records."""

    def __init__(self, made: sdk.Logger) -> None:
        """Take over the state of the SDK's logger."""
        vars(self).update(vars(made))

    def emit(
        self,
        record: LogRecord | None = None,
        *,
        exception: BaseException | None = None,
        **fields: Any,
    ) -> None:
        """Emit the given record, or one with the given fields (those of `LogRecord`)."""
        if exception is not None or (
            record is not None
            and (isinstance(record, ReadWriteLogRecord) or record.exception is not None)
        ):
            super().emit(record, exception=exception, **fields)
        elif self._logger_config.is_enabled:
            made = QuickRecord(
                QuickLogRecord(**fields) if record is None else record,
                self._resource,
                self._instrumentation_scope,
                self._log_record_limits,
            )
            self._logger_metrics.emit_log()
            self._multi_log_record_processor.on_emit(made)


class LoggerProvider(sdk.LoggerProvider):
    """The SDK's provider with quick records. Takes the same arguments."""

    def _get_logger_no_cache(
        self,
        name: str,
        version: str | None = None,
        schema_url: str | None = None,
        attributes: Attributes = None,
    ) -> sdk.Logger:
        return QuickLogger(super()._get_logger_no_cache(name, version, schema_url, attributes))

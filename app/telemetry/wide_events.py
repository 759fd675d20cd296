"""The wide event of each request, without the detours a log record usually takes.

Its attributes are plain values already, so nothing has to be looked through or copied before it is
handed to the processors that every other record goes to.
"""

import time
from collections.abc import Callable, Sequence

from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.context import get_current
from opentelemetry.sdk._logs import LogRecordLimits, LogRecordProcessor, ReadWriteLogRecord
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from app import __version__
from app.telemetry import vocabulary as v
from app.telemetry.attributes import Attributes
from app.telemetry.naming import Event


class WideEvents:
    """Emits events, each with all that is known."""

    def __init__(
        self,
        resource: Resource,
        processors: Sequence[LogRecordProcessor],
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        self._resource, self._processors, self._clock = resource, processors, clock
        self._limits = LogRecordLimits()  # made once: it reads the environment
        self._scope = InstrumentationScope(v.SCOPE, __version__)

    def emit(self, name: Event, severity: SeverityNumber, attributes: Attributes) -> None:
        """In the trace that is under way."""
        now = self._clock()
        record = LogRecord(
            timestamp=now,
            observed_timestamp=now,
            context=get_current(),
            severity_number=severity,
            severity_text=severity.name,
            body=str(name),
            event_name=str(name),
        )
        made = ReadWriteLogRecord(record, self._resource, self._scope, self._limits)
        record.attributes = attributes
        for processor in self._processors:
            processor.on_emit(made)

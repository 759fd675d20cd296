"""Log records as lines on standard output: JSON, or another form."""

import os
import stat
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from select import PIPE_BUF
from typing import BinaryIO

from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk._logs.export import LogRecordExporter, LogRecordExportResult
from pydantic_core import to_json


class Lines(LogRecordExporter):
    """Writes records as lines, a batch at a time."""

    def __init__(
        self, stream: BinaryIO, form: Callable[[ReadableLogRecord], bytes] | None = None
    ) -> None:
        """`form` makes a line of a record; JSON without it."""
        self._stream, self._form = stream, form or line
        self._most = PIPE_BUF if _is_pipe(stream) else 2**20

    def export(self, batch: Sequence[ReadableLogRecord]) -> LogRecordExportResult:
        try:
            for part in _together(map(self._line, batch), self._most):
                self._stream.write(part)
                self._stream.flush()
        except (OSError, ValueError):  # nobody reads it, or it was closed
            return LogRecordExportResult.FAILURE
        return LogRecordExportResult.SUCCESS

    def _line(self, readable: ReadableLogRecord) -> bytes:
        """One record, or nothing where it can't be written."""
        try:
            return self._form(readable)
        except ValueError:  # a lone surrogate, say
            return b""

    def force_flush(self, timeout_millis: int = 30000) -> bool:  # noqa: ARG002
        return True  # nothing is held back

    def shutdown(self) -> None:
        """The stream is not ours to close."""


def _is_pipe(stream: BinaryIO) -> bool:
    """Whether workers may share it, and only small writes stay whole."""
    try:
        return stat.S_ISFIFO(os.fstat(stream.fileno()).st_mode)
    except OSError:  # of a stream in memory
        return False


def _together(lines: Iterable[bytes], most: int) -> Iterator[bytes]:
    """Whole lines, as many as `most` bytes hold."""
    part, length = list[bytes](), 0
    for each in lines:
        if part and length + len(each) > most:
            yield b"".join(part)
            part, length = [], 0
        part.append(each)
        length += len(each)
    if part:
        yield b"".join(part)


def line(readable: ReadableLogRecord) -> bytes:
    """One record as JSON: what happened, in which trace, and every attribute under its name."""
    record = readable.log_record
    moment = datetime.fromtimestamp((record.timestamp or record.observed_timestamp or 0) / 1e9, UTC)
    scope = readable.instrumentation_scope
    told = {
        "timestamp": moment.isoformat(timespec="microseconds"),
        "level": record.severity_text,
        "message": record.body,
        "event": record.event_name or None,
        "logger": scope.name if scope else None,
        "trace_id": f"{record.trace_id:032x}" if record.trace_id else None,
        "span_id": f"{record.span_id:016x}" if record.span_id else None,
    }
    told = {key: value for key, value in told.items() if value is not None}
    told |= {key: value for key, value in (record.attributes or {}).items() if key not in told}
    written = to_json(told, serialize_unknown=True, inf_nan_mode="strings", bytes_mode="base64")
    return written + b"\n"

"""Exports log records as lines on standard output: JSON, or another format."""

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
    """Writes each batch of records as lines."""

    def __init__(
        self, stream: BinaryIO, form: Callable[[ReadableLogRecord], bytes] | None = None
    ) -> None:
        """`form` formats a record as a line; None: JSON."""
        self._stream, self._form = stream, form or line
        self._most = PIPE_BUF if _is_pipe(stream) else 2**20

    def export(self, batch: Sequence[ReadableLogRecord]) -> LogRecordExportResult:
        try:
            for part in _together(map(self._line, batch), self._most):
                self._stream.write(part)
                self._stream.flush()
        except (OSError, ValueError):  # the reader is gone, or the stream was closed
            return LogRecordExportResult.FAILURE
        return LogRecordExportResult.SUCCESS

    def _line(self, readable: ReadableLogRecord) -> bytes:
        """One record as a line; empty if it can't be encoded."""
        try:
            return self._form(readable)
        except ValueError:  # for example a lone surrogate
            return b""

    def force_flush(self, timeout_millis: int = 30000) -> bool:  # noqa: ARG002
        return True  # nothing is buffered

    def shutdown(self) -> None:
        """Do nothing: the stream belongs to the process."""


def _is_pipe(stream: BinaryIO) -> bool:
    """Whether the stream is a pipe: workers may share it, and only small writes are atomic."""
    try:
        return stat.S_ISFIFO(os.fstat(stream.fileno()).st_mode)
    except OSError:  # a stream in memory
        return False


def _together(lines: Iterable[bytes], most: int) -> Iterator[bytes]:
    """Join lines to parts of up to `most` bytes."""
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
    """One record as a JSON line: message, ids of its trace, and all attributes by name."""
    record = readable.log_record
    time = datetime.fromtimestamp((record.timestamp or record.observed_timestamp or 0) / 1e9, UTC)
    scope = readable.instrumentation_scope
    content = {
        "timestamp": time.isoformat(timespec="microseconds"),
        "level": record.severity_text,
        "message": record.body,
        "event": record.event_name or None,
        "logger": scope.name if scope else None,
        "trace_id": f"{record.trace_id:032x}" if record.trace_id else None,
        "span_id": f"{record.span_id:016x}" if record.span_id else None,
    }
    content = {key: value for key, value in content.items() if value is not None}
    content |= {
        key: value for key, value in (record.attributes or {}).items() if key not in content
    }
    written = to_json(content, serialize_unknown=True, inf_nan_mode="strings", bytes_mode="base64")
    return written + b"\n"

"""Formats log records as lines for a person at a terminal."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.semconv.attributes.exception_attributes import EXCEPTION_STACKTRACE
from opentelemetry.semconv.attributes.http_attributes import (
    HTTP_REQUEST_METHOD,
    HTTP_RESPONSE_STATUS_CODE,
    HTTP_ROUTE,
)

from .vocabulary import CoreNames


class ConsoleLine:
    """Formats a record as a line; the line of a request ends with the URL of its trace."""

    def __init__(self, core: CoreNames, trace_url: str = "", extra: Mapping[str, str] = {}) -> None:
        """`trace_url` contains `{trace_id}`; empty: only the id is shown. `extra`: further
        attributes of a request's line, with their names there."""
        self._core, self._extra = core, {str(core.problem): "problem", **extra}
        self._trace_url = trace_url or "trace {trace_id}"

    def __call__(self, readable: ReadableLogRecord) -> bytes:
        record = readable.log_record
        about = record.attributes or {}
        seconds = (record.timestamp or record.observed_timestamp or 0) / 1e9
        clock = datetime.fromtimestamp(seconds, UTC).astimezone()
        text = self._request(about) if self._core.duration in about else str(record.body)
        parts = [f"{clock:%H:%M:%S}", f"{record.severity_text or '':<5}", _printable(text)]
        if record.trace_id:
            parts.append(self._trace_url.format(trace_id=f"{record.trace_id:032x}"))
        line = "  ".join(parts)
        if stack := about.get(EXCEPTION_STACKTRACE):
            line += "".join(f"\n    {_printable(each)}" for each in str(stack).splitlines())
        return line.encode() + b"\n"

    def _request(self, about: Mapping[str, Any]) -> str:
        """`POST /recommend 200 3.1 ms`, and the extra attributes."""
        milliseconds = 1000 * float(about[self._core.duration])
        words = [
            str(about.get(HTTP_REQUEST_METHOD, "")),
            str(about.get(HTTP_ROUTE, "(no route)")),
            str(about.get(HTTP_RESPONSE_STATUS_CODE, "(no response)")),
            f"{milliseconds:.1f} ms",
        ]
        for name, shown in self._extra.items():
            if (value := about.get(name)) is not None:
                several = value if isinstance(value, tuple) else (value,)
                words.append(f"{shown}={','.join(map(str, several))}")
        return " ".join(words)


def _printable(text: str) -> str:
    """The text without control characters, which could change the terminal's state."""
    return "".join(each if each.isprintable() else "?" for each in text)

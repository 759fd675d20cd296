"""Log records as lines for a person at a terminal."""

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

from app.telemetry import vocabulary as v

NOTED = {v.MISSING: "without", v.PROBLEM: "problem", v.CACHE_OUTCOME: "cache"}
"""What a request's line says besides, and how it is called there."""


class ConsoleLine:
    """Makes a line of a record; a request's ends with the address of its trace."""

    def __init__(self, trace_url: str) -> None:
        """`trace_url` has `{trace_id}` in it; empty: the id alone is shown."""
        self._trace_url = trace_url or "trace {trace_id}"

    def __call__(self, readable: ReadableLogRecord) -> bytes:
        record = readable.log_record
        about = record.attributes or {}
        moment = (record.timestamp or record.observed_timestamp or 0) / 1e9
        clock = datetime.fromtimestamp(moment, UTC).astimezone()
        request = record.event_name in {v.SERVED, v.ANSWERED}
        said = _request(about) if request else str(record.body)
        parts = [f"{clock:%H:%M:%S}", f"{record.severity_text or '':<5}", _printable(said)]
        if record.trace_id:
            parts.append(self._trace_url.format(trace_id=f"{record.trace_id:032x}"))
        line = "  ".join(parts)
        if stack := about.get(EXCEPTION_STACKTRACE):
            line += "".join(f"\n    {_printable(each)}" for each in str(stack).splitlines())
        return line.encode() + b"\n"


def _request(about: Mapping[str, Any]) -> str:
    """`POST /recommend 200 3.1 ms`, and what was unusual."""
    milliseconds = 1000 * float(about.get(v.DURATION, 0))
    words = [
        str(about.get(HTTP_REQUEST_METHOD, "")),
        str(about.get(HTTP_ROUTE, "(no route)")),
        str(about.get(HTTP_RESPONSE_STATUS_CODE, "(no answer)")),
        f"{milliseconds:.1f} ms",
    ]
    for name, called in NOTED.items():
        if (value := about.get(name)) is not None:
            words.append(f"{called}={value if isinstance(value, str) else ','.join(value)}")
    return " ".join(words)


def _printable(text: str) -> str:
    """Nothing that a terminal would obey."""
    return "".join(each if each.isprintable() else "?" for each in text)

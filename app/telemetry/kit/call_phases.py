"""Phases of outgoing httpx calls: connecting, TLS, sending, first byte, body.

httpcore reports the beginning and the end of each step to a function in the request's extension
`trace` (https://www.encode.io/httpcore/extensions/#trace). The span of a call that was abandoned
carries the phase in which it was; the others tell a slow network from a slow server. A step that
failed adds the code of the first cause: a name that can't be resolved, or a refused connection.
"""

import time
from collections.abc import Mapping
from typing import Any

from opentelemetry.trace import Span

from .causes import code_of
from .measurements import Instruments
from .vocabulary import CoreNames

STEPS = {
    "connection.connect_tcp": "connect",
    "connection.start_tls": "tls",
    "http11.send_request_headers": "send",
    "http11.receive_response_headers": "first_byte",
    "http11.receive_response_body": "body",
    "http2.send_request_headers": "send",
    "http2.receive_response_headers": "first_byte",
    "http2.receive_response_body": "body",
}
"""Names of httpcore's steps, and the phase that each begins."""


class CallPhases:
    """Observes one call."""

    __slots__ = ("_core", "_instruments", "_since", "_span")

    def __init__(self, span: Span, core: CoreNames, instruments: Instruments) -> None:
        self._span, self._core, self._instruments = span, core, instruments
        self._since: dict[str, int] = {}

    def report(self, event: str, about: Mapping[str, Any]) -> None:
        """Handle an event such as `connection.connect_tcp.started`."""
        step, _, state = event.rpartition(".")
        if (phase := STEPS.get(step)) is None:
            return
        error = about.get("exception")
        if isinstance(error, BaseException) and (code := code_of(error)) is not None:
            self._span.set_attribute(self._core.code, code)
        if state == "started":
            self._since[phase] = time.perf_counter_ns()
            if self._span.is_recording():
                self._span.set_attribute(self._core.phase, phase)
        elif phase in self._since:
            seconds = (time.perf_counter_ns() - self._since[phase]) / 1e9
            name = self._core.phase_seconds.get(phase)
            if name is not None and self._span.is_recording():
                self._span.set_attribute(name, round(seconds, 6))
            self._instruments.record(self._core.phase_duration, seconds, {self._core.phase: phase})

    def observe(self, extensions: Any, *, asynchronous: bool) -> None:
        """Put this into the extensions of a request, unless the caller uses the extension."""
        if not isinstance(extensions, dict) or "trace" in extensions:
            return

        def trace(event: str, about: Mapping[str, Any]) -> None:
            self.report(event, about)

        async def trace_asynchronously(event: str, about: Mapping[str, Any]) -> None:
            self.report(event, about)

        extensions["trace"] = trace_asynchronously if asynchronous else trace

"""The service in this process, called over ASGI without httpx: thousands of requests a second."""

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple, Self
from unittest.mock import patch

from opentelemetry.sdk.metrics.export import MetricsData
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from starlette.types import Message, Scope

from app.main import create_app
from app.settings import TelemetrySettings
from app.telemetry.kit.exporters import Exporters
from app.telemetry.kit.testing import InMemoryMetrics
from app.telemetry.setup import Telemetry
from tests.api.service import settings
from tests.telemetry.recorded_service import GLOBAL_METERS

Series = tuple[str, frozenset[tuple[str, object]]]
"""A metric's name and one of its attribute sets."""


class Asked(NamedTuple):
    """A request, but for who makes it."""

    method: str
    path: str
    query: str = ""
    body: bytes = b""


class NamesOfSpans(SpanExporter):
    """Keeps the names only."""

    def __init__(self) -> None:
        self.seen: set[str] = set()

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.seen.update(span.name for span in spans)
        return SpanExportResult.SUCCESS


class Driven:
    """A service, and the series of its metrics."""

    def __init__(self, data: Path) -> None:
        self._settings = settings(
            data, telemetry=TelemetrySettings(logs="off"), server={"allowed_hosts": "*"}
        )
        self._kept, self._names = InMemoryMetrics(), NamesOfSpans()

    def _listen(self, about: TelemetrySettings) -> Telemetry:
        self._telemetry = Telemetry(about, Exporters(self._names, self._kept, None))
        return self._telemetry

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Self]:
        """From its start to its end."""
        self._app = create_app(self._settings, telemetry=self._listen)
        async with AsyncExitStack() as stack:
            state = await stack.enter_async_context(self._app.router.lifespan_context(self._app))
            stack.enter_context(patch(GLOBAL_METERS, self._telemetry.metrics))
            self._state: dict[str, Any] = dict(state or {})
            yield self

    async def ask(self, asked: Asked, number: int) -> int:
        """The status of the answer to a client with an address of its own."""
        waiting = iter([{"type": "http.request", "body": asked.body}])
        statuses: list[int] = []

        async def receive() -> Message:
            return next(waiting, {"type": "http.disconnect"})

        async def send(message: Message) -> None:
            if message["type"] == "http.response.start":
                statuses.append(message["status"])

        await self._app({**_scope(asked, number), "state": dict(self._state)}, receive, send)
        return statuses[0]

    def span_names(self) -> set[str]:
        """Of all spans so far."""
        self._telemetry.flush()
        return set(self._names.seen)

    def series(self) -> set[Series]:
        """All there are now."""
        self._telemetry.flush()
        return set(series_of([self._kept.exports[-1]]))


def series_of(exported: Iterable[MetricsData]) -> Iterable[Series]:
    """The series that metrics have."""
    for data in exported:
        for scope in (scope for each in data.resource_metrics for scope in each.scope_metrics):
            for metric in scope.metrics:
                for point in metric.data.data_points:
                    yield metric.name, frozenset((point.attributes or {}).items())


def _scope(asked: Asked, number: int) -> Scope:
    host = f"host-{number}.example"
    headers = {
        "host": host,
        "user-agent": f"agent/{number}",
        "x-forwarded-for": f"192.0.2.{number}",
        "content-type": "application/json",
        "content-length": str(len(asked.body)),
    }
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "scheme": "http",
        "method": asked.method,
        "path": asked.path,
        "raw_path": asked.path.encode(),
        "root_path": "",
        "query_string": asked.query.encode(),
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        "client": (f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}", number % 65536),
        "server": (host, number % 65536),
    }

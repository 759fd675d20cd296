"""The service, and a collector that does not accept telemetry."""

import json
import signal
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from subprocess import TimeoutExpired
from typing import Any

import httpx

from tests.api.server import Server
from tests.telemetry.receiver import Receiver, black_hole, refused_port
from tests.waiting import TIMEOUT, until

AWAY, BACK = "the collector does not accept telemetry", "the collector accepts telemetry again"
WITHIN = 30
"""Seconds in which the service must have ended, whatever state the collector is in; a call to a
collector that does not answer would take longer."""
ENDED = (0, -signal.SIGTERM)
LOGGERS = {"vitrine", "uvicorn.error", "app.telemetry.kit.exporters"}
PLAIN = ("INFO:     ", AWAY)
"""Beginnings of lines that are written when the JSON formatter is gone."""
CLIENTS = 4
BREATH = 0.01
"""Seconds between a client's questions: load, and something left of the machine for others."""
QUERY = "/recommend?q=stale+bread"
ASKED: tuple[tuple[str, str, object], ...] = (
    ("GET", QUERY, None),
    ("POST", "/recommend", {"query": "light that escapes", "limit": 3, "explain": True}),
    ("GET", "/documents/tide/similar?limit=2", None),
    ("GET", "/documents/tide", None),
    ("GET", "/categories", None),
)
VARYING = ("recommendation_id", "trace_id", "took_ms")
"""What differs from answer to answer."""
SOON = {
    "VITRINE_TELEMETRY__ENABLED": "true",
    "OTEL_BSP_SCHEDULE_DELAY": "50",
    "OTEL_BLRP_SCHEDULE_DELAY": "50",
    "OTEL_METRIC_EXPORT_INTERVAL": "100",
}
LONG_TIMEOUT, SHORT_TIMEOUT = (
    {"OTEL_EXPORTER_OTLP_TIMEOUT": seconds} for seconds in ("60", "0.75")
)
"""How long a call may take; less than a second is too little for trying again."""
PATIENT = LONG_TIMEOUT | {"VITRINE_TELEMETRY__SHUTDOWN_SECONDS": "20"}
"""Time enough to deliver everything at the end, on a busy machine too."""
PROTOCOLS = {"grpc": "grpc", "http": "http/protobuf"}


class ExportingServer(Server):
    """The service, exporting to `endpoint` soon; `variables` override."""

    def __init__(
        self, folder: Path, endpoint: str, protocol: str = "grpc", **variables: str
    ) -> None:
        about = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
            "OTEL_EXPORTER_OTLP_PROTOCOL": PROTOCOLS[protocol],
        }
        super().__init__(folder, folder / "log")
        ours = {key: value for key, value in self._environment.items() if key[:5] != "OTEL_"}
        self._environment = ours | SOON | about | variables

    def ends(self) -> int | None:
        """Send SIGTERM; the exit code if it ends in time."""
        self._process.send_signal(signal.SIGTERM)
        try:
            return self._process.wait(WITHIN)
        except TimeoutExpired:
            return None

    @property
    def records(self) -> list[Any]:
        """What was logged as JSON."""
        return [json.loads(line) for line in self._lines if line.startswith("{")]

    @property
    def noise(self) -> list[str]:
        """Unexpected log lines."""
        unexpected = [each for each in self.records if each["logger"] not in LOGGERS]
        plain = [line for line in self._lines if not line.startswith(("{", *PLAIN))]
        return [*map(str, unexpected), *plain]

    def lines_with(self, words: str) -> int:
        """How many lines have these words in them."""
        return sum(words in line for line in self._lines)

    @property
    def _lines(self) -> list[str]:
        return [line for line in self.output.splitlines() if line.strip()]


def answers(client: httpx.Client) -> list[tuple[int, object]]:
    """The answers to everything in ASKED, without what differs each time."""
    found = (client.request(method, url, json=body) for method, url, body in ASKED)
    return [(answer.status_code, _without(answer.json())) for answer in found]


def _without(body: Mapping[str, object]) -> dict[str, object]:
    return {key: value for key, value in body.items() if key not in VARYING}


def endpoint_of(receiver: Receiver, protocol: str) -> str:
    return receiver.grpc_endpoint if protocol == "grpc" else receiver.http_endpoint


@contextmanager
def unreachable(how: str) -> Iterator[str]:
    """An endpoint that refuses connections (`absent`), or never reads (`silent`)."""
    if how == "silent":
        with black_hole() as endpoint:
            yield endpoint
    else:
        with refused_port() as port:
            yield f"http://127.0.0.1:{port}"


@contextmanager
def under_load(server: Server) -> Iterator[Counter[int]]:
    """Clients that send requests until the server is gone; responses by status.

    All of them are still being answered when the block is entered.
    """
    seen: Counter[int] = Counter()
    about = (server.client.base_url, seen)
    clients = [threading.Thread(target=_ask_on, args=about) for _ in range(CLIENTS)]
    for client in clients:
        client.start()
    try:
        until(lambda: seen.total() > 20 * CLIENTS)
        assert all(client.is_alive() for client in clients)
        yield seen
    finally:
        server.kill()
        for client in clients:
            client.join()


def _ask_on(url: httpx.URL, seen: Counter[int]) -> None:
    breath = threading.Event()
    with httpx.Client(base_url=url, timeout=TIMEOUT) as client:
        try:
            while True:
                seen[client.get(QUERY).status_code] += 1
                breath.wait(BREATH)
        except httpx.TransportError:
            return

"""The telemetry of several workers behind one port adds up to what was served."""

import os
import signal
import socket
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from app import __version__
from app.telemetry import vocabulary as v
from app.telemetry.kit import vocabulary as kit_names
from tests.telemetry.exporting_service import ExportingService, Watch, over
from tests.telemetry.receiver import Receiver
from tests.waiting import until

pytestmark = pytest.mark.lasting

ASKED: tuple[tuple[str, str, dict[str, Any], int], ...] = (
    *[("POST", "/recommend", {"json": {"query": f"bread {n}"}}, 200) for n in range(4)],
    ("GET", "/recommend", {"params": {"q": "bread"}}, 200),
    ("POST", "/recommend", {"json": {}}, 422),
    ("GET", "/documents/tide", {}, 200),
    ("GET", "/nowhere", {}, 404),
)
RECOMMENDED = 5
NO_MORE = {"Connection": "close"}
REVISION = "5ca1ab1e" * 5


class Serving(ExportingService):
    """As an operator would start it, with two workers."""

    def command(self, port: int) -> list[str]:
        several = {"VITRINE_SERVER__PORT": str(port), "VITRINE_SERVER__WORKERS": "2"}
        self._environment |= several | {"VITRINE_TELEMETRY__REVISION": REVISION}
        return [sys.executable, "-m", "app", "serve"]


class Crowd:
    """Sends every request repeatedly, each on a new connection."""

    def __init__(self, server: ExportingService, receiver: Receiver) -> None:
        self._server, self.receiver, self.times = server, receiver, 0

    def ask_until_served_by(self, instances: int) -> None:
        """The number of workers that have exported requests so far."""

        def served() -> bool:
            self._ask()
            return len(self.instances) >= instances

        until(served)

    def _ask(self) -> None:
        with ThreadPoolExecutor(len(ASKED)) as pool:
            list(pool.map(self._ask_one, ASKED))
        self.times += 1

    def _ask_one(self, asked: tuple[str, str, dict[str, Any], int]) -> None:
        method, path, rest, status = asked
        answer = self._server.client.request(method, path, headers=NO_MORE, **rest)
        assert answer.status_code == status

    @property
    def instances(self) -> set[object]:
        """The ids of those who served."""
        return {span.resource["service.instance.id"] for span in self.receiver.spans}

    def emitted(self) -> dict[str, float]:
        """The sum of the workers' counters."""
        spans = [span for span in self.receiver.spans if span.kind == "SERVER"]
        events = Counter(record.event_name for record in self.receiver.logs)
        durations = self.receiver.latest(kit_names.SERVER_DURATION)
        return {
            "requests": sum(point.count for point in durations),
            "recommendations": sum(p.value for p in self.receiver.latest(v.RECOMMENDATIONS)),
            "server spans": len(spans),
            "different spans": len({span.span_id for span in spans}),
            "served": events[v.SERVED],
            "answered": events[v.CORE.answered],
        }

    def served(self) -> dict[str, float]:
        """What they did."""
        requests, recommendations = self.times * len(ASKED), self.times * RECOMMENDED
        return {
            "requests": requests,
            "recommendations": recommendations,
            "server spans": requests,
            "different spans": requests,
            "served": recommendations,
            "answered": requests - recommendations,
        }


@pytest.fixture(scope="module")
def crowd(watch: Watch) -> Iterator[Crowd]:
    """Two workers have served it."""
    with Receiver() as receiver, watch(over("grpc", receiver), kind=Serving) as server:
        crowd = Crowd(server, receiver)
        crowd.ask_until_served_by(2)
        yield crowd


def test_workers_together_report_what_was_served(crowd: Crowd) -> None:
    until(lambda: crowd.emitted() == crowd.served())


def test_they_say_who_they_are(crowd: Crowd) -> None:
    until(lambda: crowd.emitted() == crowd.served())
    receiver = crowd.receiver
    emitted = [span.resource for span in receiver.spans]
    emitted += [record.resource for record in receiver.logs]
    emitted += [point.resource for point in receiver.latest(kit_names.SERVER_DURATION)]
    known = {str(each["service.instance.id"]): each for each in emitted}
    assert all(each == known[str(each["service.instance.id"])] for each in emitted)
    assert len(known) == len({each["process.pid"] for each in known.values()}) >= 2
    for resource in known.values():
        assert {
            "service.name": "vitrine",
            "service.namespace": "vitrine",
            "service.version": __version__,
            "deployment.environment.name": "development",
            "host.name": socket.gethostname(),
            "process.runtime.name": "cpython",
            "vcs.ref.head.revision": REVISION,
            "telemetry.sdk.language": "python",
        }.items() <= resource.items()


def test_a_killed_worker_takes_nothing_along(crowd: Crowd) -> None:
    """Nor is anything counted twice: the one in its place begins at nothing, as another."""
    until(lambda: crowd.emitted() == crowd.served())
    before = crowd.instances
    killed = crowd.receiver.spans[0].resource
    os.kill(int(str(killed["process.pid"])), signal.SIGKILL)
    crowd.ask_until_served_by(len(before) + 1)
    until(lambda: crowd.emitted() == crowd.served())
    assert len(crowd.instances - before) == 1

"""A real OTLP receiver, by gRPC and by HTTP, in the place of a collector.

with Receiver() as receiver:
    … export to receiver.grpc_endpoint or receiver.http_endpoint …
    [span] = receiver.await_spans(lambda spans: len(spans) == 1)
    receiver.behaviour = refuse(grpc.StatusCode.UNAVAILABLE, 503)  # or hang, slow(1), accept
"""

import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Self

from tests.telemetry import over_grpc, over_http
from tests.telemetry.otlp_inbox import Behaviour, Inbox, Request, accept, hang, refuse, slow
from tests.telemetry.received import LogRecord, Point, Span
from tests.waiting import until

__all__ = [
    "Behaviour",
    "Receiver",
    "Request",
    "accept",
    "black_hole",
    "hang",
    "refuse",
    "refused_port",
    "slow",
]


class Receiver(Inbox):
    """Both servers, and what they received: everything raw, and what was accepted decoded."""

    def __init__(self, port: int = 0) -> None:
        """Listen for gRPC on this port, to come back where an earlier receiver was."""
        super().__init__()
        self._port = port

    def __enter__(self) -> Self:
        with ExitStack() as servers:
            self.grpc_endpoint = servers.enter_context(over_grpc.serving(self, self._port))
            self.http_endpoint = servers.enter_context(over_http.serving(self))
            self._servers = servers.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self._servers.close()

    @property
    def grpc_port(self) -> int:
        """Where another receiver can come back."""
        return int(self.grpc_endpoint.rpartition(":")[2])

    @property
    def spans(self) -> list[Span]:
        """Of all requests that were accepted, in order of arrival."""
        return [span for request in self._accepted() for span in request.spans]

    @property
    def logs(self) -> list[LogRecord]:
        """Of all requests that were accepted, in order of arrival."""
        return [record for request in self._accepted() for record in request.logs]

    @property
    def metrics(self) -> list[Point]:
        """Of all requests that were accepted, in order of arrival."""
        return [point for request in self._accepted() for point in request.points]

    def latest(self, name: str, /, **attributes: object) -> list[Point]:
        """The last point of a metric for each process (`service.instance.id`) and attribute set.

        Only of those points that have these attributes, among others. With cumulative temporality
        the sum of their values is what was counted.
        """
        last: dict[object, Point] = {}
        for point in sorted(self.metrics, key=lambda point: point.time_ns):
            if point.name == name and attributes.items() <= point.attributes.items():
                instance = point.resource.get("service.instance.id")
                last[instance, frozenset(point.attributes.items())] = point
        return list(last.values())

    def await_spans(self, condition: Callable[[list[Span]], bool]) -> list[Span]:
        """The spans, as soon as the condition holds for them."""
        until(lambda: condition(self.spans))
        return self.spans

    def await_logs(self, condition: Callable[[list[LogRecord]], bool]) -> list[LogRecord]:
        """The log records, as soon as the condition holds for them."""
        until(lambda: condition(self.logs))
        return self.logs

    def await_metrics(self, condition: Callable[[list[Point]], bool]) -> list[Point]:
        """The points, as soon as the condition holds for them."""
        until(lambda: condition(self.metrics))
        return self.metrics

    def _accepted(self) -> list[Request]:
        return [request for request in self.requests if request.accepted]


@contextmanager
def black_hole() -> Iterator[str]:
    """An endpoint that takes connections, and never reads nor answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=128) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


@contextmanager
def refused_port() -> Iterator[int]:
    """A port that refuses connections, reserved meanwhile for a `Receiver`."""
    with socket.socket() as bound:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]

"""What came in over OTLP, and how the receiver behaves towards those who sent it."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import grpc
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2

from tests.telemetry import otlp_reader
from tests.telemetry.received import LogRecord, Point, Span

SIGNALS: Mapping[str, Any] = {
    "traces": trace_service_pb2.ExportTraceServiceRequest,
    "metrics": metrics_service_pb2.ExportMetricsServiceRequest,
    "logs": logs_service_pb2.ExportLogsServiceRequest,
}


@dataclass(frozen=True, slots=True)
class Behaviour:
    """After so many seconds (None: never) a call is answered with this, by gRPC and by HTTP."""

    seconds: float | None = 0
    code: grpc.StatusCode = grpc.StatusCode.OK
    status: int = 200


accept = Behaviour()
hang = Behaviour(seconds=None)
UNREADABLE = Behaviour(code=grpc.StatusCode.INVALID_ARGUMENT, status=400)


def refuse(code: grpc.StatusCode = grpc.StatusCode.UNAVAILABLE, status: int = 503) -> Behaviour:
    """Answers each call with this error."""
    return Behaviour(code=code, status=status)


def slow(seconds: float) -> Behaviour:
    """Accepts each call, but takes its time."""
    return Behaviour(seconds=seconds)


@dataclass(eq=False)
class Request:
    """One call as it came in; `body` is the serialized message, decompressed."""

    signal: str  # one of SIGNALS
    protocol: str  # grpc, http
    headers: Mapping[str, str]
    body: bytes
    message: Any = field(init=False, repr=False)  # None if the body is not what it should be
    accepted: bool = False

    def __post_init__(self) -> None:
        try:
            self.message = SIGNALS[self.signal].FromString(self.body)
        except DecodeError:
            self.message = None

    @cached_property
    def spans(self) -> tuple[Span, ...]:
        return tuple(otlp_reader.spans(self.message)) if self.signal == "traces" else ()

    @cached_property
    def logs(self) -> tuple[LogRecord, ...]:
        return tuple(otlp_reader.logs(self.message)) if self.signal == "logs" else ()

    @cached_property
    def points(self) -> tuple[Point, ...]:
        return tuple(otlp_reader.points(self.message)) if self.signal == "metrics" else ()


class Inbox:
    """Records every request, and decides its response; thread-safe."""

    def __init__(self) -> None:
        self._behaviour = accept
        self._stopped = False
        self._requests: list[Request] = []
        self._news = threading.Condition()

    @property
    def behaviour(self) -> Behaviour:
        """How calls are answered; a change holds for those under way too."""
        return self._behaviour

    @behaviour.setter
    def behaviour(self, behaviour: Behaviour) -> None:
        self._behaviour = behaviour
        self.look_again()

    @property
    def requests(self) -> list[Request]:
        """All that came in so far, accepted or not, in order of arrival."""
        with self._news:
            return list(self._requests)

    @property
    def raw(self) -> list[bytes]:
        """The bodies of all requests, accepted or not."""
        return [request.body for request in self.requests]

    @property
    def calls(self) -> int:
        """How many requests came in so far, accepted or not."""
        return len(self.requests)

    def take(self, request: Request, gone: Callable[[], bool]) -> Behaviour | None:
        """Keep a request, and return once it is time to answer it, with what.

        None if the client has gone, or the receiver is closed: the request is accepted
        only if its sender is still there to hear so.
        """
        with self._news:
            self._requests.append(request)
            while not (self._stopped or gone()):
                behaviour = self._behaviour
                if self._something_else(behaviour, gone):
                    continue
                request.accepted = behaviour.status == 200 and request.message is not None
                return behaviour if request.message is not None else UNREADABLE
            return None

    def look_again(self) -> None:
        """Have those that wait for their answer see whether they still should."""
        with self._news:
            self._news.notify_all()

    def stop(self) -> None:
        """Stop answering."""
        self._stopped = True
        self.look_again()

    def _something_else(self, behaviour: Behaviour, gone: Callable[[], bool]) -> bool:
        """Whether it came to something else before this behaviour's time was up."""
        return self._news.wait_for(
            lambda: self._stopped or self._behaviour is not behaviour or gone(), behaviour.seconds
        )

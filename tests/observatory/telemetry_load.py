"""Senders that load an observatory, and remember what was acknowledged."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Any

import grpc
import httpx

from tests.observatory.messages import fresh, log, request, span
from tests.observatory.observatory_process import Observatory
from tests.observatory.otlp_client import http, over_grpc
from tests.waiting import TIMEOUT

SENDERS, RECORDS = 6, 20


class Load:
    """Half of the senders by each transport, until stopped, or until the observatory has ended."""

    def __init__(self, observatory: Observatory) -> None:
        self._observatory = observatory
        self._changed = threading.Condition()
        self._stop = threading.Event()
        self.spans: list[str] = []
        """Ids that were acknowledged."""
        self.logs: list[str] = []

    def reached(self, count: int) -> None:
        """Return when so many messages were acknowledged."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.spans) >= count * RECORDS, TIMEOUT)

    def stop(self) -> None:
        self._stop.set()

    def send(self, number: int) -> None:
        """One sender; what is not acknowledged it sends no more."""
        way: Any = (http, over_grpc)[number % 2]
        with suppress(httpx.TransportError, grpc.RpcError):
            while not self._stop.is_set():
                spans = [span("load") for _ in range(RECORDS)]
                names = [fresh() for _ in range(RECORDS)]
                answers = [
                    way(self._observatory, "traces", request("traces", spans)),
                    way(self._observatory, "logs", request("logs", map(log, names))),
                ]
                with self._changed:
                    if answers[0].code in {0, 200}:
                        self.spans += [each.span_id.hex() for each in spans]
                    if answers[1].code in {0, 200}:
                        self.logs += names
                    self._changed.notify_all()
                if any(answer.code not in {0, 200} for answer in answers):
                    return


@contextmanager
def loading(observatory: Observatory) -> Iterator[Load]:
    """Senders at work, until the end of the block."""
    load = Load(observatory)
    with ThreadPoolExecutor(SENDERS) as pool:
        working = [pool.submit(load.send, number) for number in range(SENDERS)]
        try:
            yield load
        finally:
            load.stop()
            for each in working:
                each.result(TIMEOUT)


def missing(observatory: Observatory, load: Load) -> tuple[set[str], set[str]]:
    """What was acknowledged and is not there: of spans, of logs."""
    spans = observatory.rows("SELECT SpanId FROM otel.otel_traces")
    logs = observatory.rows("SELECT Body FROM otel.otel_logs")
    return (
        set(load.spans) - {row["SpanId"] for row in spans},
        set(load.logs) - {row["Body"] for row in logs},
    )

"""Senders that load a Collector, and remember of every record what became of it.

with bearing(collector) as load:
    load.reached(100)
report("a kill", load.tallies(stored(store, load)))
"""

import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import grpc
import httpx

from tests.observatory.messages import attributes, fresh, gauge, log, request, span
from tests.observatory.otlp_client import SERVICES
from tests.stack.collector_process import Collector
from tests.waiting import TIMEOUT

RECORDS = 20
BREATH = 0.02
"""Seconds between a sender's messages: load, and something left of the machine for others."""
OURS = {"service.name": "vitrine"}
TEXT = "as long as the telemetry of one request " * 5
AGAIN = {503, grpc.StatusCode.UNAVAILABLE}
"""Answers after which a sender is to send the same again."""
TAKEN = {200, grpc.StatusCode.OK}
SIGNALS = ("traces", "metrics", "logs")
WAYS = ("http", "grpc")
UNDER_WAY = RECORDS * len(WAYS)
"""Records of one signal that may have no answer yet."""
COUNTED = "acknowledged"
Send = Callable[[bytes], Any]
Stored = Mapping[str, Counter[str]]
"""How often each record is in a store, by signal."""


@dataclass(frozen=True, slots=True)
class Tally:
    """What became of the records of one signal."""

    sent: int
    acknowledged: int
    stored: int
    lost: list[str]
    """Acknowledged and not stored, in order of sending."""
    duplicated: int


class Load:
    """One sender for each signal and transport, until stopped."""

    def __init__(self, collector: Collector, span_fields: Mapping[str, Any]) -> None:
        self.name = fresh()
        self.answers: Counter[object] = Counter()
        """What messages were answered with; None where the connection ended or time was up."""
        self._doors, self._span_fields = collector, span_fields
        self._changed = threading.Condition()
        self._stop = threading.Event()
        self._paused, self._under_way = False, 0
        self._sent: dict[str, list[str]] = {signal: [] for signal in SIGNALS}
        self.acknowledged: dict[str, list[str]] = {signal: [] for signal in SIGNALS}

    def reached(self, count: int) -> None:
        """Return when so many more messages of each signal were acknowledged."""
        with self._changed:
            goal = {each: len(done) + count * RECORDS for each, done in self.acknowledged.items()}
            assert self._changed.wait_for(
                lambda: all(len(self.acknowledged[each]) >= goal[each] for each in SIGNALS),
                TIMEOUT,
            )

    def answered(self, *codes: object) -> None:
        """Return when each of these was an answer."""
        with self._changed:
            assert self._changed.wait_for(
                lambda: all(self.answers[each] for each in codes), TIMEOUT
            )

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Nothing is sent during the block."""
        with self._changed:
            self._paused = True
            assert self._changed.wait_for(lambda: not self._under_way, TIMEOUT)
        try:
            yield
        finally:
            with self._changed:
                self._paused = False
                self._changed.notify_all()

    def stop(self) -> None:
        self._stop.set()

    def so_far(self) -> dict[str, list[str]]:
        """What is acknowledged by now, by signal."""
        with self._changed:
            return {signal: list(ids) for signal, ids in self.acknowledged.items()}

    def sent(self, signal: str) -> list[str]:
        """Whether acknowledged or not."""
        with self._changed:
            return list(self._sent[signal])

    @property
    def refused(self) -> dict[str, int]:
        """How many records were not acknowledged, or not yet, by signal."""
        with self._changed:
            return {each: len(self._sent[each]) - len(self.acknowledged[each]) for each in SIGNALS}

    def tallies(self, kept: Stored) -> dict[str, Tally]:
        """By signal."""
        return {each: self._tally(each, kept[each]) for each in SIGNALS}

    def send(self, signal: str, way: str) -> None:
        """One sender; what is not acknowledged it sends no more."""
        with ExitStack() as stack:
            deliver = _sending(stack, self._doors, signal, way)
            while not self._stop.wait(BREATH):
                ids = [fresh() for _ in range(RECORDS)]
                message = request(signal, (self._record(signal, each) for each in ids), OURS)
                with self._changed:
                    self._changed.wait_for(lambda: not self._paused)
                    self._under_way += 1
                    self._sent[signal] += ids
                answer = deliver(message.SerializeToString())
                with self._changed:
                    self._under_way -= 1
                    self.answers[answer] += 1
                    if answer in TAKEN:
                        self.acknowledged[signal] += ids
                    self._changed.notify_all()

    def _record(self, signal: str, name: str) -> Any:
        more = attributes({"load": self.name, "id": name, "text": TEXT})
        match signal:
            case "traces":
                return span("load", attributes=more, **self._span_fields)
            case "logs":
                return log(name, event_name="load", attributes=more)
            case _:
                return gauge("load", attributes=more)

    def _tally(self, signal: str, kept: Counter[str]) -> Tally:
        acknowledged = self.acknowledged[signal]
        return Tally(
            len(self._sent[signal]),
            len(acknowledged),
            len(kept),
            [each for each in acknowledged if each not in kept],
            kept.total() - len(kept),
        )


@contextmanager
def under_load(collector: Collector, **span_fields: Any) -> Iterator[Load]:
    """Senders at work, until the end of the block; all spans have these fields."""
    load = Load(collector, span_fields)
    pairs = [(signal, way) for signal in SIGNALS for way in WAYS]
    with ThreadPoolExecutor(len(pairs)) as pool:
        working = [pool.submit(load.send, *pair) for pair in pairs]
        try:
            yield load
        finally:
            load.stop()
            for each in working:
                each.result(TIMEOUT)


def report(case: str, tallies: Mapping[str, Tally]) -> None:
    """Print the counts; shown at the end of the run."""
    for signal, it in tallies.items():
        sys.stdout.write(
            f"{case}: {signal}: sent {it.sent}, {COUNTED} {it.acknowledged}, "
            f"stored {it.stored}, lost {len(it.lost)}, duplicated {it.duplicated}\n"
        )


def _sending(stack: ExitStack, collector: Collector, signal: str, way: str) -> Send:
    """What sends a message and returns the answer's code."""
    if way == "http":
        client = stack.enter_context(httpx.Client(timeout=TIMEOUT))
        return lambda body: _post(client, f"{collector.otlp}/v1/{signal}", body)
    options = [("grpc.use_local_subchannel_pool", 1), ("grpc.max_reconnect_backoff_ms", 500)]
    target = collector.grpc.removeprefix("http://")
    channel = stack.enter_context(grpc.insecure_channel(target, options))
    export = channel.unary_unary(f"/opentelemetry.proto.collector.{SERVICES[signal]}/Export")
    return lambda body: _call(export, body)


def _post(client: httpx.Client, address: str, body: bytes) -> object:
    try:
        return client.post(
            address, content=body, headers={"content-type": "application/x-protobuf"}
        ).status_code
    except httpx.TransportError:
        return None


def _call(export: Any, body: bytes) -> object:
    try:
        export(body, timeout=TIMEOUT)
    except grpc.RpcError as error:
        return error.code()
    return grpc.StatusCode.OK

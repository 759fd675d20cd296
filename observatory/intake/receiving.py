"""A message in, its rows stored: the one way in, whatever the transport."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from threading import BoundedSemaphore
from typing import Any

from google.protobuf.message import DecodeError

from observatory.engine import EngineError
from observatory.intake import logs, metrics, spans
from observatory.intake.decoded import Decoded
from observatory.intake.messages import LogsRequest, MetricsRequest, TracesRequest
from observatory.intake.window import Window
from observatory.store import Closed, Full, Store

RETRY_SECONDS = 1
AT_ONCE, TURN_SECONDS = 8, 5
"""Messages that are read and stored at a time, and how long one waits for its turn."""
PATIENCE_SECONDS = 30
"""How long an insert may take until the sender is told to try again."""


class Undecodable(Exception):
    """The message is none of OTLP's; sending it again will not help."""


class Busy(Exception):
    """There is no room; send it again in RETRY_SECONDS."""


class Unavailable(Exception):
    """It could not be stored, or it is stopping; send it again."""


@dataclass(frozen=True, slots=True)
class Signal:
    """A kind of telemetry: how its messages are read, and what they are called."""

    name: str
    records: str
    message: Any
    decode: Callable[[Any, Window], Decoded]


TRACES = Signal("traces", "spans", TracesRequest, spans.decode)
LOGS = Signal("logs", "log_records", LogsRequest, logs.decode)
METRICS = Signal("metrics", "data_points", MetricsRequest, metrics.decode)
SIGNALS = (TRACES, LOGS, METRICS)
LAYOUTS = (spans.LAYOUT, logs.LAYOUT, *(kind.layout for kind in metrics.KINDS.values()))


@dataclass(frozen=True, slots=True)
class Receipt:
    """All but `refused` records are stored; why the first of those was refused."""

    refused: int
    reason: str


class Intake:
    """Decodes messages and has their rows stored. Thread-safe; blocks its caller meanwhile."""

    def __init__(
        self, store: Store, retention_hours: int, clock: Callable[[], int] = time.time_ns
    ) -> None:
        self._store = store
        self._retention = retention_hours * 3600 * 10**9
        self._clock = clock
        self._turns = BoundedSemaphore(AT_ONCE)

    def receive(self, signal: Signal, message: bytes) -> Receipt:
        """Store what the message holds.

        Raises:
            Undecodable, Busy: nothing of it was stored.
            Unavailable: some tables may have their part; sent again, these have it twice.

        """
        if not self._turns.acquire(timeout=TURN_SECONDS):
            raise Busy("too many messages are being read")
        try:
            return self._received(signal, message)
        finally:
            self._turns.release()

    def _received(self, signal: Signal, message: bytes) -> Receipt:
        try:
            request = signal.message.FromString(message)
        except DecodeError as error:
            raise Undecodable(f"this is no Export{signal.name.title()} message") from error
        decoded = signal.decode(request, Window.around(self._clock(), self._retention))
        self._keep(decoded)
        return Receipt(decoded.refused, decoded.reason)

    def _keep(self, decoded: Decoded) -> None:
        try:
            blocks = {layout: layout.block(rows) for layout, rows in decoded.rows.items() if rows}
            for stored in self._store.put(blocks):
                stored.result(PATIENCE_SECONDS)
        except Full as error:
            raise Busy("too much is waiting to be stored") from error
        except Closed as error:
            raise Unavailable("the observatory is stopping") from error
        except (EngineError, TimeoutError) as error:
            raise Unavailable("it could not be stored") from error

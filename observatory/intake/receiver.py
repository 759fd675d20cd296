"""A message in, its rows stored: the one way in, whatever the transport.

Messages are decoded one at a time, on one thread: it is work for the interpreter, of which more at
a time would take more memory and no less time.
"""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from google.protobuf.message import DecodeError

from observatory.decompression import Damaged, TooLarge
from observatory.intake import logs, metrics, spans
from observatory.intake.otlp_messages import LogsRequest, MetricsRequest, TracesRequest
from observatory.intake.row_blocks import MOST_RECORDS, Decoded, TooManyRecords
from observatory.intake.time_window import Window
from observatory.memory_budget import RETRY_SECONDS, Full, MemoryBudget
from observatory.store.engine import EngineError
from observatory.store.table_writer import Closed, Store

__all__ = ["LAYOUTS", "RETRY_SECONDS", "SIGNALS", "Intake", "Receipt", "Signal"]

TURN_SECONDS = 5
"""How long a message waits to be decoded until its sender is asked to retry."""
PATIENCE_SECONDS = 30
"""How long an insert may take until the sender is asked to retry."""


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
    decode: Callable[[Any, Window, Decoded], None]


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


_EXPECTED = (DecodeError, TooManyRecords, Undecodable, Full, Damaged, TooLarge)
Unpack = Callable[[bytes], tuple[bytes, str]]
"""From what was sent to a message in protobuf's encoding, and why a record of it was refused."""


def as_it_is(sent: bytes) -> tuple[bytes, str]:
    """What was sent is the message."""
    return sent, ""


class Intake:
    """Decodes messages and has their rows stored."""

    def __init__(
        self,
        store: Store,
        retention_hours: int,
        budget: MemoryBudget,
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        self.budget = budget
        self._store = store
        self._retention = retention_hours * 3600 * 10**9
        self._clock = clock
        self._decoder = ThreadPoolExecutor(1, "decode")

    async def receive(self, signal: Signal, sent: bytes, unpack: Unpack = as_it_is) -> Receipt:
        """Store what was sent.

        Raises:
            Undecodable, Busy: nothing of it was stored.
            Unavailable: some tables may have their part; sent again, these have it twice.

        """
        latest = time.monotonic() + TURN_SECONDS
        decoding = self._decoder.submit(self._decode, signal, sent, unpack, latest)
        decoded = await asyncio.wrap_future(decoding)
        if isinstance(decoded, Full):
            raise Busy("too much is waiting to be stored") from decoded
        if isinstance(decoded, Exception):
            raise decoded
        if decoded.blocks:
            await self._stored(decoded)
        return Receipt(decoded.refused, decoded.reason)

    def close(self) -> None:
        """Decode nothing more."""
        self._decoder.shutdown(wait=False, cancel_futures=True)

    def _decode(
        self, signal: Signal, sent: bytes, unpack: Unpack, latest: float
    ) -> Decoded | Exception:
        """Rows as blocks, which the budget counts; or why there are none.

        An error is returned: raised, its traceback would keep the message in memory.
        """
        if time.monotonic() > latest:
            return Busy("too many messages wait to be read")
        decoded = Decoded(self.budget.take)
        try:
            message, decoded.reason = unpack(sent)
            window = Window.around(self._clock(), self._retention)
            signal.decode(signal.message.FromString(message), window, decoded)
            decoded.finish()
        except _EXPECTED as error:
            self.budget.give_back(decoded.size)
            return _reason(error, signal)
        except BaseException:
            self.budget.give_back(decoded.size)
            raise
        return decoded

    async def _stored(self, decoded: Decoded) -> None:
        waiting = {asyncio.wrap_future(each) for each in self._store.put(decoded.blocks)}
        done, late = await asyncio.wait(waiting, timeout=PATIENCE_SECONDS)
        try:
            for each in done:
                each.result()
        except Closed as error:
            raise Unavailable("the observatory is stopping") from error
        except EngineError as error:
            raise Unavailable("it could not be stored") from error
        if late:
            raise Unavailable("it could not be stored in time")


def _reason(error: Exception, signal: Signal) -> Exception:
    if isinstance(error, DecodeError):
        return Undecodable(f"this is no Export{signal.name.title()} message")
    if isinstance(error, TooManyRecords):
        return Undecodable(f"send at most {MOST_RECORDS:,} records in a message")
    error.__cause__ = error.__context__ = None
    return error.with_traceback(None)

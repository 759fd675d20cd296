"""Decodes OTLP messages and stores their rows, independent of the transport.

Messages are decoded one at a time on one thread: decoding is pure Python, so more threads would use
more memory without being faster.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from google.protobuf.message import DecodeError

from observatory.compression import BodyError, TooLarge
from observatory.intake import logs, metrics, spans
from observatory.intake.otlp_messages import LogsRequest, MetricsRequest, TracesRequest
from observatory.intake.row_blocks import MAX_RECORDS, Decoded, TooManyRecords
from observatory.intake.time_window import Window
from observatory.memory_budget import RETRY_SECONDS, BudgetExceeded, MemoryBudget
from observatory.store.engine import EngineError
from observatory.store.table_writer import Store, WriterClosed

__all__ = ["LAYOUTS", "RETRY_SECONDS", "SIGNALS", "Intake", "Receipt", "Signal"]

TURN_SECONDS = 5
"""How long a message may wait to be decoded before the sender is asked to retry."""
INSERT_SECONDS = 30
"""How long an insert may take before the sender is asked to retry."""


class Undecodable(Exception):
    """The message is not valid OTLP; a retry will not help."""


class Busy(Exception):
    """Overloaded; retry after RETRY_SECONDS."""


class Unavailable(Exception):
    """The message could not be stored, or the observatory is stopping; retry."""


@dataclass(frozen=True, slots=True)
class Signal:
    """A signal: the names of it and its records in OTLP, its message class and decoder."""

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
    """Number of rejected records, and the reason for the first; all others are stored."""

    rejected: int
    reason: str


_EXPECTED = (DecodeError, TooManyRecords, Undecodable, BudgetExceeded, BodyError, TooLarge)
_REFUSED = (Undecodable, Busy, Unavailable, BudgetExceeded, BodyError, TooLarge)
Unpack = Callable[[bytes], tuple[bytes, str]]
"""Converts a request body to a protobuf message and the reason for a rejected record, if any."""


def unchanged(sent: bytes) -> tuple[bytes, str]:
    """For a body that is a protobuf message already."""
    return sent, ""


class Intake:
    """Decodes messages and stores their rows."""

    def __init__(
        self,
        store: Store,
        retention_hours: int,
        budget: MemoryBudget,
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        self.budget = budget
        self.refused: Counter[str] = Counter()
        """By signal: rejected records, and messages of which nothing was stored."""
        self._store = store
        self._retention = retention_hours * 3600 * 10**9
        self._clock = clock
        self._decoder = ThreadPoolExecutor(1, "decode")

    async def receive(self, signal: Signal, sent: bytes, unpack: Unpack = unchanged) -> Receipt:
        """Store the records of a message.

        Raises:
            Undecodable, Busy: nothing was stored.
            Unavailable: some tables may have their rows; after a retry they have them twice.
            BudgetExceeded, BodyError, TooLarge: nothing was stored.

        """
        try:
            receipt = await self._received(signal, sent, unpack)
        except _REFUSED:
            self.refused[signal.name] += 1
            raise
        if receipt.rejected:
            self.refused[signal.name] += receipt.rejected
        return receipt

    async def _received(self, signal: Signal, sent: bytes, unpack: Unpack) -> Receipt:
        latest = time.monotonic() + TURN_SECONDS
        decoding = self._decoder.submit(self._decode, signal, sent, unpack, latest)
        decoded = await asyncio.wrap_future(decoding)
        if isinstance(decoded, BudgetExceeded):
            raise Busy("too much is waiting to be stored") from decoded
        if isinstance(decoded, Exception):
            raise decoded
        if decoded.blocks:
            await self._stored(decoded)
        return Receipt(decoded.rejected, decoded.reason)

    def close(self) -> None:
        """Stop decoding."""
        self._decoder.shutdown(wait=False, cancel_futures=True)

    def _decode(
        self, signal: Signal, sent: bytes, unpack: Unpack, latest: float
    ) -> Decoded | Exception:
        """Blocks of rows, counted in the budget; or the error.

        The error is returned: the traceback of a raised one would keep the message in memory.
        """
        if time.monotonic() > latest:
            return Busy("too many messages are waiting to be decoded")
        decoded = Decoded(self.budget.reserve)
        try:
            message, decoded.reason = unpack(sent)
            window = Window.around(self._clock(), self._retention)
            signal.decode(signal.message.FromString(message), window, decoded)
            decoded.finish()
        except _EXPECTED as error:
            self.budget.release(decoded.size)
            return _reason(error, signal)
        except BaseException:
            self.budget.release(decoded.size)
            raise
        return decoded

    async def _stored(self, decoded: Decoded) -> None:
        waiting = {asyncio.wrap_future(each) for each in self._store.put(decoded.blocks)}
        done, late = await asyncio.wait(waiting, timeout=INSERT_SECONDS)
        try:
            for each in done:
                each.result()
        except WriterClosed as error:
            raise Unavailable("the observatory is stopping") from error
        except EngineError as error:
            raise Unavailable("the records could not be stored") from error
        if late:
            raise Unavailable("the records could not be stored in time")


def _reason(error: Exception, signal: Signal) -> Exception:
    if isinstance(error, DecodeError):
        return Undecodable(f"the body is not an Export{signal.name.title()} message")
    if isinstance(error, TooManyRecords):
        return Undecodable(f"send at most {MAX_RECORDS:,} records in a message")
    error.__cause__ = error.__context__ = None
    return error.with_traceback(None)

"""Batches blocks from concurrent senders into one insert at a time per table.

Senders wait until their rows are stored. Blocks that arrive during an insert are stored together by
the next one, so that under load inserts become larger, not more frequent: each creates a part that
must be merged later. Queued blocks count in the memory budget.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass

from observatory.memory_budget import MemoryBudget
from observatory.store.engine import Engine, EngineError
from observatory.store.native_format import Layout

logger = logging.getLogger(__name__)

BYTES_AT_ONCE = 32 << 20
"""Bytes per insert."""


class WriterClosed(Exception):
    """The writer is closed and accepts no more blocks."""


@dataclass(frozen=True, slots=True)
class _Queued:
    blocks: Sequence[bytes]
    size: int
    stored: "Future[None]"


class TableWriter:
    """Inserts into one table, on its own thread."""

    def __init__(self, engine: Engine, layout: Layout, budget: MemoryBudget) -> None:
        """Blocks must be reserved in `budget` before `put`; they are released here."""
        self._engine = engine
        self._layout = layout
        self._budget = budget
        self._waiting: deque[_Queued] = deque()
        self._changed = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(
            target=self._work, name=f"insert {layout.table}", daemon=True
        )
        self._thread.start()

    def put(self, blocks: Sequence[bytes]) -> "Future[None]":
        """Queue blocks; the future completes when they are stored, or fails with WriterClosed."""
        stored: Future[None] = Future()
        size = sum(map(len, blocks))
        with self._changed:
            if not self._closed:
                self._waiting.append(_Queued(blocks, size, stored))
                self._changed.notify()
                return stored
        self._budget.release(size)
        stored.set_exception(WriterClosed())
        return stored

    def finish(self) -> None:
        """Accept no more blocks; queued ones are still stored."""
        with self._changed:
            self._closed = True
            self._changed.notify()

    def join(self, seconds: float | None) -> None:
        """Wait until queued blocks are stored, at most this long."""
        self._thread.join(seconds)

    def _work(self) -> None:
        while batch := self._next():
            try:
                self._insert(batch)
            except Exception as error:  # the next batch may succeed
                logger.exception("could not store rows of %s", self._layout.table)
                for each in batch:
                    if not each.stored.done():
                        each.stored.set_exception(EngineError(str(error)))
            finally:
                self._budget.release(sum(each.size for each in batch))

    def _next(self) -> list[_Queued]:
        """The next batch, up to BYTES_AT_ONCE; empty when it is time to stop."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closed)
            batch: list[_Queued] = []
            taken = 0
            while self._waiting and (not batch or taken < BYTES_AT_ONCE):
                batch.append(self._waiting.popleft())
                taken += batch[-1].size
            return batch

    def _insert(self, batch: list[_Queued]) -> None:
        """Insert all at once; if that fails, one by one, so that one bad block fails alone."""
        try:
            self._engine.insert(
                self._layout.insert, [block for each in batch for block in each.blocks]
            )
        except EngineError as error:
            if len(batch) > 1:
                for each in batch:
                    self._insert([each])
                return
            logger.warning("could not store rows of %s: %s", self._layout.table, error)
            batch[0].stored.set_exception(error)
            return
        for each in batch:
            each.stored.set_result(None)


class Store:
    """Writers for the tables of telemetry."""

    def __init__(self, engine: Engine, layouts: tuple[Layout, ...], budget: MemoryBudget) -> None:
        self._writers = {layout: TableWriter(engine, layout, budget) for layout in layouts}

    def put(self, blocks: Mapping[Layout, Sequence[bytes]]) -> list["Future[None]"]:
        """Queue blocks that are reserved in the budget.

        One future per table: it completes when the blocks are stored, or fails with WriterClosed or
        EngineError.
        """
        return [self._writers[layout].put(given) for layout, given in blocks.items()]

    def close(self, seconds: float | None = None) -> None:
        """Store queued blocks, for at most this long, and stop."""
        latest = None if seconds is None else time.monotonic() + seconds
        for writer in self._writers.values():
            writer.finish()
        for writer in self._writers.values():
            writer.join(None if latest is None else max(0, latest - time.monotonic()))

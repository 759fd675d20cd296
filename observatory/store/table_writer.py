"""What is to be kept, from many hands to one insert at a time for each table.

Senders wait until their rows are stored. While one insert is under way the blocks of others gather
and go in together with the next, so that load makes inserts larger, not more: each makes a part
that has to be merged later. What waits counts in the memory budget.
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
"""Of one insert."""


class Closed(Exception):
    """It is stopping and takes nothing more."""


@dataclass(frozen=True, slots=True)
class _Waiting:
    blocks: Sequence[bytes]
    size: int
    stored: "Future[None]"


class TableWriter:
    """Inserts into one table, on a thread of its own."""

    def __init__(self, engine: Engine, layout: Layout, budget: MemoryBudget) -> None:
        """`budget` counts what is put already; it is given back here."""
        self._engine = engine
        self._layout = layout
        self._budget = budget
        self._waiting: deque[_Waiting] = deque()
        self._changed = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(
            target=self._work, name=f"insert {layout.table}", daemon=True
        )
        self._thread.start()

    def put(self, blocks: Sequence[bytes]) -> "Future[None]":
        """Have blocks stored; the future is done when they are, or fails with Closed."""
        stored: Future[None] = Future()
        size = sum(map(len, blocks))
        with self._changed:
            if not self._closed:
                self._waiting.append(_Waiting(blocks, size, stored))
                self._changed.notify()
                return stored
        self._budget.give_back(size)
        stored.set_exception(Closed())
        return stored

    def finish(self) -> None:
        """Take nothing more; what waits is still stored."""
        with self._changed:
            self._closed = True
            self._changed.notify()

    def join(self, seconds: float | None) -> None:
        """Wait until what waited is stored, at most so long."""
        self._thread.join(seconds)

    def _work(self) -> None:
        while batch := self._next():
            try:
                self._insert(batch)
            except Exception as error:  # whatever it was, the next batch may do better
                logger.exception("could not store rows of %s", self._layout.table)
                for each in batch:
                    if not each.stored.done():
                        each.stored.set_exception(EngineError(str(error)))
            finally:
                self._budget.give_back(sum(each.size for each in batch))

    def _next(self) -> list[_Waiting]:
        """What waits, up to a bound; nothing when it is time to stop."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closed)
            batch: list[_Waiting] = []
            taken = 0
            while self._waiting and (not batch or taken < BYTES_AT_ONCE):
                batch.append(self._waiting.popleft())
                taken += batch[-1].size
            return batch

    def _insert(self, batch: list[_Waiting]) -> None:
        """All at once; one by one where that fails, so that a bad block harms no other."""
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
    """The tables that telemetry is written to."""

    def __init__(self, engine: Engine, layouts: tuple[Layout, ...], budget: MemoryBudget) -> None:
        self._writers = {layout: TableWriter(engine, layout, budget) for layout in layouts}

    def put(self, blocks: Mapping[Layout, Sequence[bytes]]) -> list["Future[None]"]:
        """Have blocks stored that the budget counts already.

        A future is done when a table's blocks are stored, or fails with Closed.
        """
        return [self._writers[layout].put(given) for layout, given in blocks.items()]

    def close(self, seconds: float | None = None) -> None:
        """Store what waits, for at most so long, and stop."""
        latest = None if seconds is None else time.monotonic() + seconds
        for writer in self._writers.values():
            writer.finish()
        for writer in self._writers.values():
            writer.join(None if latest is None else max(0, latest - time.monotonic()))

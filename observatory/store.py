"""What is to be kept, from many hands to one insert at a time for each table.

Senders wait until their rows are stored. While one insert is under way the blocks of others gather
and go in together with the next, so that load makes inserts larger, not more: each makes a part
that has to be merged later. What waits is bounded by bytes.
"""

import logging
import threading
from collections import deque
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass

from observatory.engine import Engine, EngineError
from observatory.native import Layout

logger = logging.getLogger(__name__)

BYTES_AT_ONCE = 32 << 20
"""Of one insert."""


class Full(Exception):
    """There is no room for more at the moment; ask again later."""


class Closed(Exception):
    """It is stopping and takes nothing more."""


@dataclass(frozen=True, slots=True)
class _Waiting:
    block: bytes
    stored: "Future[None]"


class Room:
    """Bytes that may wait, in all tables together."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._taken = 0
        self._lock = threading.Lock()

    def take(self, count: int) -> None:
        """Raises Full where there is no room for so many bytes; what is alone may be larger."""
        with self._lock:
            if count and self._taken and self._taken + count > self._size:
                raise Full
            self._taken += count

    def give_back(self, count: int) -> None:
        """So many have gone."""
        with self._lock:
            self._taken -= count


class TableWriter:
    """Inserts into one table, on a thread of its own."""

    def __init__(self, engine: Engine, layout: Layout, room: Room) -> None:
        """`room` has been taken by what is put, and is given back."""
        self._engine = engine
        self._layout = layout
        self._room = room
        self._waiting: deque[_Waiting] = deque()
        self._changed = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._work, name=f"insert {layout.table}")
        self._thread.start()

    def put(self, block: bytes) -> "Future[None]":
        """Have a block stored; the future is done when it is, or fails with Closed."""
        stored: Future[None] = Future()
        with self._changed:
            if not self._closed:
                self._waiting.append(_Waiting(block, stored))
                self._changed.notify()
                return stored
        self._room.give_back(len(block))
        stored.set_exception(Closed())
        return stored

    def close(self) -> None:
        """Store what waits, and stop."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join()

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
                self._room.give_back(sum(len(each.block) for each in batch))

    def _next(self) -> list[_Waiting]:
        """What waits, up to a bound; nothing when it is time to stop."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closed)
            batch: list[_Waiting] = []
            taken = 0
            while self._waiting and (not batch or taken < BYTES_AT_ONCE):
                batch.append(self._waiting.popleft())
                taken += len(batch[-1].block)
            return batch

    def _insert(self, batch: list[_Waiting]) -> None:
        """All at once; one by one where that fails, so that a bad block harms no other."""
        try:
            self._engine.insert(self._layout.insert, [each.block for each in batch])
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

    def __init__(self, engine: Engine, layouts: tuple[Layout, ...], room: int) -> None:
        """`room`: bytes that may wait."""
        self._room = Room(room)
        self._writers = {layout: TableWriter(engine, layout, self._room) for layout in layouts}

    def put(self, blocks: Mapping[Layout, bytes]) -> list["Future[None]"]:
        """Have blocks stored; a future is done when its block is, or fails with Closed.

        Raises Full, and takes nothing, where there is no room for all of them.
        """
        self._room.take(sum(map(len, blocks.values())))
        return [self._writers[layout].put(block) for layout, block in blocks.items()]

    def close(self) -> None:
        """Store what waits, and stop."""
        for writer in self._writers.values():
            writer.close()

"""The bound on disk: beyond it the oldest goes."""

import logging
import threading
from collections.abc import Iterator
from typing import NamedTuple

from observatory.engine import Engine, EngineError

logger = logging.getLogger(__name__)

CHECK_SECONDS = 10
FILL = 0.9
"""What is left when there was too much."""


class Part(NamedTuple):
    """A part of a table on disk."""

    table: str
    name: str
    size: int


class Keeper:
    """Looks at the size now and then, on a thread of its own."""

    def __init__(self, engine: Engine, most: int) -> None:
        """`most`: bytes."""
        self._engine = engine
        self._most = most
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name="disk bound")

    def start(self) -> None:
        """Look now, then every CHECK_SECONDS."""
        self._thread.start()

    def close(self) -> None:
        """Stop looking."""
        self._stop.set()
        self._thread.join()

    def size(self) -> int:
        """Bytes that the tables take on disk."""
        return sum(part.size for part in self._parts())

    def trim(self) -> int:
        """Drop the oldest parts where the bound is passed; how many bytes went."""
        parts = list(self._parts())
        size = sum(part.size for part in parts)
        if size <= self._most:
            return 0
        dropped = 0
        for part in parts:
            if size - dropped <= FILL * self._most:
                break
            if self._drop(part):
                dropped += part.size
        logger.warning("the disk bound was passed: dropped the oldest %d bytes", dropped)
        return dropped

    def _work(self) -> None:
        while True:
            try:
                self.trim()
            except EngineError:
                logger.exception("could not look after the disk bound")
            if self._stop.wait(CHECK_SECONDS):
                return

    def _parts(self) -> Iterator[Part]:
        """All there are, those with the oldest rows first."""
        rows = self._engine.run(
            # Of one partition, tables give way in step: a part's place is how many are older.
            "SELECT table, name, bytes_on_disk FROM system.parts "
            "WHERE active AND database = 'otel' "
            "WINDOW older AS (PARTITION BY partition, table ORDER BY max_block_number), "
            "of_table AS (PARTITION BY partition, table) "
            "ORDER BY partition, row_number() OVER older / count() OVER of_table, table"
        )
        for line in rows.decode().splitlines():
            table, name, size = line.split("\t")
            yield Part(table, name, int(size))

    def _drop(self, part: Part) -> bool:
        try:
            self._engine.run(f"ALTER TABLE otel.{part.table} DROP PART '{part.name}'")
        except EngineError:
            return False  # it has just been merged into another: next time
        return True

"""The bound on disk: beyond it the oldest goes, in whichever database it is."""

import logging
import threading
from collections.abc import Iterator
from typing import NamedTuple

from observatory.store.engine import Engine, EngineError, literal, quoted

logger = logging.getLogger(__name__)

CHECK_SECONDS = 10
FILL = 0.9
"""What is left when there was too much."""


_PARTS = """
SELECT database, table, name, bytes_on_disk FROM system.parts
WHERE active AND database != 'system'
WINDOW older AS (PARTITION BY partition, database, table ORDER BY max_block_number),
    of_table AS (PARTITION BY partition, database, table)
ORDER BY coalesce(parseDateTimeBestEffortOrNull(partition), modification_time),
    row_number() OVER older / count() OVER of_table, table
"""
"""Partitions are times in our tables, and in those of the Collector's exporter. Of one partition,
tables give way in step: a part's place is how many are older."""


class Part(NamedTuple):
    """A part of a table on disk."""

    database: str
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
        self._thread = threading.Thread(target=self._work, name="disk bound", daemon=True)

    def start(self) -> None:
        """Look now, then every CHECK_SECONDS."""
        self._thread.start()

    def close(self) -> None:
        """Stop looking; what is being dropped goes on as long as the engine does."""
        self._stop.set()

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
            except EngineError as error:
                if not self._stop.is_set():
                    logger.warning("could not look after the disk bound: %s", error)
            if self._stop.wait(CHECK_SECONDS):
                return

    def _parts(self) -> Iterator[Part]:
        """All there are, those with the oldest rows first."""
        rows = self._engine.run(_PARTS)
        for line in rows.decode().splitlines():
            database, table, name, size = line.split("\t")
            yield Part(database, table, name, int(size))

    def _drop(self, part: Part) -> bool:
        try:
            table = f"{quoted(part.database)}.{quoted(part.table)}"
            self._engine.run(f"ALTER TABLE {table} DROP PART {literal(part.name)}")
        except EngineError:
            return False  # it has just been merged into another: next time
        return True

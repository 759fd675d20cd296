"""The disk limit: above it, the oldest parts of any table are dropped."""

import logging
import threading
from collections.abc import Iterator
from typing import NamedTuple

from observatory.store.engine import Engine, EngineError, literal, quoted

logger = logging.getLogger(__name__)

CHECK_SECONDS = 10
FILL = 0.9
"""Fraction of the limit to trim down to."""

_PARTS = """
SELECT database, table, name, bytes_on_disk FROM system.parts
WHERE active AND database != 'system'
WINDOW older AS (PARTITION BY partition, database, table ORDER BY max_block_number),
    of_table AS (PARTITION BY partition, database, table)
ORDER BY coalesce(parseDateTimeBestEffortOrNull(partition), modification_time),
    row_number() OVER older / count() OVER of_table, table
"""
"""All parts, oldest first. Partitions are times, as in the tables of the Collector's exporter.
Within a partition, tables are trimmed in proportion: parts are ordered by their relative age."""


class Part(NamedTuple):
    """A part of a table on disk."""

    database: str
    table: str
    name: str
    size: int


class DiskLimiter:
    """Checks the size on disk periodically, on its own thread."""

    def __init__(self, engine: Engine, most: int) -> None:
        """`most`: the limit in bytes."""
        self._engine = engine
        self._most = most
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name="disk limit", daemon=True)

    def start(self) -> None:
        """Check now, then every CHECK_SECONDS."""
        self._thread.start()

    def close(self) -> None:
        """Stop checking; does not wait for a running check."""
        self._stop.set()

    def size(self) -> int:
        """Bytes that the tables take on disk."""
        return sum(part.size for part in self._parts())

    def trim(self) -> int:
        """Drop the oldest parts if the limit is exceeded; returns the bytes dropped."""
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
        logger.warning("disk limit exceeded: dropped the oldest %d bytes", dropped)
        return dropped

    def _work(self) -> None:
        while True:
            try:
                self.trim()
            except EngineError as error:
                if not self._stop.is_set():
                    logger.warning("could not check the disk limit: %s", error)
            if self._stop.wait(CHECK_SECONDS):
                return

    def _parts(self) -> Iterator[Part]:
        """All parts, those with the oldest rows first."""
        rows = self._engine.run(_PARTS)
        for line in rows.decode().splitlines():
            database, table, name, size = line.split("\t")
            yield Part(database, table, name, int(size))

    def _drop(self, part: Part) -> bool:
        try:
            table = f"{quoted(part.database)}.{quoted(part.table)}"
            self._engine.run(f"ALTER TABLE {table} DROP PART {literal(part.name)}")
        except EngineError:
            return False  # it has just been merged; retried at the next check
        return True

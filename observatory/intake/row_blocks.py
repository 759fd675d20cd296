"""Collects the rows of a message into blocks per table, and counts rejected records.

Rows are Python objects, ten times as large as the message: after ROWS_AT_ONCE of them they are
encoded as a block, whose size counts in the memory budget.
"""

from collections.abc import Callable, Sequence
from typing import Any

from observatory.intake.attribute_values import RecordRejected
from observatory.intake.otlp_messages import parse
from observatory.store.native_format import Layout

Row = tuple[Any, ...]
MAX_SHARED_BYTES = 64 << 20
"""Bytes of resources and scopes of one message, which every row repeats."""
MAX_RECORDS = 262_144
"""Records per message (a few seconds of decoding)."""
ROWS_AT_ONCE, BYTES_AT_ONCE = 8192, 16 << 20


class TooManyRecords(Exception):
    """A message has more than MAX_RECORDS records."""


class Decoded:
    """Blocks by table layout; number of rejected records, and the reason for the first."""

    def __init__(self, reserve: Callable[[int], None] = lambda _: None) -> None:
        """`reserve` reserves the bytes of a block, or raises."""
        self.blocks: dict[Layout, list[bytes]] = {}
        self.rejected = 0
        self.reason = ""
        self._reserve = reserve
        self._rows: dict[Layout, list[Row]] = {}
        self._shared = self._records = self._size = 0
        self.size = 0
        """Bytes of the blocks."""

    def add(
        self,
        layout: Layout,
        kind: Any,
        records: Sequence[bytes],
        row: Callable[[Any], Row | None],
        shared: int,
    ) -> None:
        """Add a row for each valid record; reject the others.

        `records`: serialised messages of class `kind`; `row`: None leaves one out; `shared`: bytes
        that each row repeats.

        Raises:
            TooManyRecords

        """
        self.count(len(records))
        self._shared += shared * len(records)
        if self._shared > MAX_SHARED_BYTES:
            self.reject(len(records), "its resource and scope are too large for this many records")
            return
        rows = self._rows.setdefault(layout, [])
        for record in records:
            try:
                made = row(parse(kind, record))
            except RecordRejected as why:
                self.reject(1, str(why))
                continue
            if made is None:
                continue
            rows.append(made)
            self._size += len(record) + shared
            if len(rows) >= ROWS_AT_ONCE or self._size >= BYTES_AT_ONCE:
                self.finish()

    def count(self, records: int) -> None:
        """Count records, or messages that wrap them, towards MAX_RECORDS."""
        self._records += records
        if self._records > MAX_RECORDS:
            raise TooManyRecords

    def reject(self, count: int, reason: str) -> None:
        """Count rejected records; only the first reason is kept."""
        self.rejected += count
        self.reason = self.reason or reason

    def finish(self) -> None:
        """Encode the remaining rows as blocks."""
        for layout, rows in self._rows.items():
            if rows:
                block = layout.block(rows)
                rows.clear()
                self._reserve(len(block))
                self.size += len(block)
                self.blocks.setdefault(layout, []).append(block)
        self._size = 0

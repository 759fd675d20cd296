"""What a message comes to: blocks for tables, and what was refused.

Rows are Python objects, ten times as large as what they are made from: after ROWS_AT_ONCE of them
they become a block, whose size the memory budget counts.
"""

from collections.abc import Callable, Sequence
from typing import Any

from observatory.intake.attribute_values import Refused
from observatory.intake.otlp_messages import parsed
from observatory.store.native_format import Layout

Row = tuple[Any, ...]
LARGEST_SHARED = 64 << 20
"""Bytes of what records of one message share, repeated in each of their rows."""
MOST_RECORDS = 262_144
"""Of one message: some seconds of work."""
ROWS_AT_ONCE, BYTES_AT_ONCE = 8192, 16 << 20


class TooManyRecords(Exception):
    """A message has more than MOST_RECORDS."""


class Decoded:
    """Blocks by the layout of their table; how many records were refused, and why the first was."""

    def __init__(self, take: Callable[[int], None] = lambda _: None) -> None:
        """`take` counts the bytes of a block, or raises."""
        self.blocks: dict[Layout, list[bytes]] = {}
        self.refused = 0
        self.reason = ""
        self._take = take
        self._rows: dict[Layout, list[Row]] = {}
        self._shared = self._records = self._size = 0
        self.size = 0
        """Bytes of the blocks."""

    def take(
        self,
        layout: Layout,
        kind: Any,
        records: Sequence[bytes],
        row: Callable[[Any], Row],
        shared: int,
    ) -> None:
        """A row for each record that can be stored.

        `records`: serialised messages of class `kind`; `shared`: bytes that each row repeats.

        Raises:
            TooManyRecords

        """
        self.count(len(records))
        self._shared += shared * len(records)
        if self._shared > LARGEST_SHARED:
            self.refuse(len(records), "what its resource and scope say is too long to be repeated")
            return
        rows = self._rows.setdefault(layout, [])
        for record in records:
            try:
                rows.append(row(parsed(kind, record)))
            except Refused as why:
                self.refuse(1, str(why))
                continue
            self._size += len(record) + shared
            if len(rows) >= ROWS_AT_ONCE or self._size >= BYTES_AT_ONCE:
                self.finish()

    def count(self, records: int) -> None:
        """Count records, or what wraps them."""
        self._records += records
        if self._records > MOST_RECORDS:
            raise TooManyRecords

    def refuse(self, count: int, reason: str) -> None:
        """Count what is not stored; the first reason is reported."""
        self.refused += count
        self.reason = self.reason or reason

    def finish(self) -> None:
        """Make blocks of the rows that are still none."""
        for layout, rows in self._rows.items():
            if rows:
                block = layout.block(rows)
                rows.clear()
                self._take(len(block))
                self.size += len(block)
                self.blocks.setdefault(layout, []).append(block)
        self._size = 0

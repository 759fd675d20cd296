"""What a message came to: rows for tables, and what was refused."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from observatory.intake.values import Refused
from observatory.native import Layout

Row = tuple[Any, ...]
LARGEST_SHARED = 64 << 20
"""Bytes of what records of one message share, told again in each of their rows."""


@dataclass(slots=True)
class Decoded:
    """Rows by the layout of their table; how many records were refused, and why the first was."""

    rows: dict[Layout, list[Row]] = field(default_factory=dict)
    refused: int = 0
    reason: str = ""
    shared: int = 0

    def take(
        self, layout: Layout, records: Sequence[Any], row: Callable[[Any], Row], shared: int
    ) -> None:
        """A row for each record that can be stored; `shared`: bytes that each row repeats."""
        self.shared += shared * len(records)
        if self.shared > LARGEST_SHARED:
            self.refuse(len(records), "what its resource and scope say is too long to be repeated")
            return
        kept = self.rows.setdefault(layout, [])
        for record in records:
            try:
                kept.append(row(record))
            except Refused as why:
                self.refuse(1, str(why))

    def refuse(self, count: int, reason: str) -> None:
        """Count what is not stored; the first reason is told."""
        self.refused += count
        self.reason = self.reason or reason

"""The two windows that are compared, and the statements over both."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from observatory.compare.sources import Query, Value

Row = Mapping[str, Any]
Rows = Sequence[Row]


@dataclass(frozen=True, slots=True)
class Windows:
    """The baseline from `base` to `start`, the current window from `start` to `end`.

    Nanoseconds since 1970; `service`: `service.name`, empty for any.
    """

    query: Query
    base: int
    start: int
    end: int
    service: str = ""

    def rows(self, sql: str, **values: Value) -> Rows:
        """The rows of a statement.

        `{both}` is the condition that a record is in either window, and `{now}` that it is in the
        current one.
        """
        for name, text in _PARTS.items():
            sql = sql.replace(f"{{{name}}}", text)
        times = {"base": self.base, "start": self.start, "end": self.end}
        return self.query(sql, {**times, "service": self.service, **values})

    @property
    def seconds(self) -> tuple[float, float]:
        """Lengths of the baseline and of the current window."""
        return (self.start - self.base) / 1e9, (self.end - self.start) / 1e9


_PARTS = {
    "both": (
        "time >= fromUnixTimestamp64Nano({base:Int64}) "
        "AND time < fromUnixTimestamp64Nano({end:Int64}) "
        "AND ({service:String} = '' OR service = {service:String})"
    ),
    "now": "time >= fromUnixTimestamp64Nano({start:Int64})",
}


def pairs(rows: Rows, *keys: str) -> dict[tuple[str, ...], tuple[Row, Row]]:
    """Rows with a column `now` as (baseline, current) by their other keys; a missing one is {}."""
    found: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        both = found.setdefault(tuple(str(row[key]) for key in keys), [{}, {}])
        both[int(row["now"])] = row
    return {key: (both[0], both[1]) for key, both in found.items()}

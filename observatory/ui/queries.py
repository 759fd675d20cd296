"""Runs the queries of the pages with bound parameters and limits; rows become Python objects."""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from observatory.composition import Parts
from observatory.memory_budget import reserve
from observatory.store.engine import EngineError, Escaped, literal
from observatory.ui.responses import Problem, engine_problem, short_message

LIST_VALUE_BYTES = 4096
"""Bytes of a value in a list; longer values are cut."""
MAX_VALUE_BYTES = 262_144
"""Bytes of a value in a single trace."""
ROW_WEIGHT = 6
"""Memory of rows as Python objects, as a multiple of their JSON."""
TOO_MUCH = ("TOO_MANY_ROWS_OR_BYTES", "MEMORY_LIMIT_EXCEEDED", "TIMEOUT_EXCEEDED")

Rows = list[dict[str, Any]]
Values = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Queries:
    """Queries of the pages; `clock`: nanoseconds since 1970, `seconds`: a monotonic clock."""

    parts: Parts
    clock: Callable[[], int] = time.time_ns
    seconds: Callable[[], float] = time.monotonic

    @property
    def kept(self) -> int:
        """The retention in nanoseconds."""
        return self.parts.settings.retention_hours * 3600 * 10**9

    def rows(self, sql: str, values: Values | None = None) -> Rows:
        """Run a trusted query; returns its rows.

        Raises:
            Problem: 413, a limit was exceeded; 503, the observatory is stopping; 500, other errors.
            BudgetExceeded: out of memory.

        """
        lines = self.lines(sql, values)
        reserve(ROW_WEIGHT * sum(map(len, lines)))
        return [json.loads(line) for line in lines]

    def row(self, sql: str, values: Values | None = None) -> dict[str, Any]:
        """The row of a query that always returns exactly one."""
        return self.rows(sql, values)[0]

    def lines(self, sql: str, values: Values | None = None) -> list[str]:
        """As `rows`, each row as JSON text."""
        try:
            found = self.parts.page_reader.query(sql, "JSONEachRow", values)
        except EngineError as error:
            raise _failed(error) from error
        # Other writers may have stored bytes that are not UTF-8.
        return found.decode(errors="replace").split("\n")[:-1]

    def cut_rows(self, sql: str, values: Values, cuts: Sequence[int]) -> Rows:
        """As `rows`, with long values cut as little as possible.

        `sql` contains `{cut:UInt32}`: tries the lengths in `cuts` until the result is small enough.
        """
        for cut in cuts[:-1]:
            try:
                return self.rows(sql, {**values, "cut": cut})
            except Problem as problem:
                if problem.status != 413:
                    raise
        return self.rows(sql, {**values, "cut": cuts[-1]})


def _failed(error: EngineError) -> Problem:
    if any(name in str(error) for name in TOO_MUCH):
        detail = "Choose a shorter range or more filters, or query a part of it on the page /sql."
        return Problem(413, "too-large", "The result is too large", detail)
    return engine_problem(error) or Problem(
        500, "store-failed", "The query failed", short_message(error)
    )


def cut(text: str) -> str:
    """SQL for a text cut to `{cut:UInt32}` characters if it has more bytes."""
    most = "{cut:UInt32}"
    return f"if(length({text}) > {most}, concat(leftUTF8({text}, {most}), '…'), {text})"


def cut_map(attributes: str) -> str:
    """SQL for a map with values cut as by `cut`."""
    return f"mapApply((k, v) -> (k, {cut('v')}), {attributes})"


def array(texts: Sequence[str]) -> Escaped:
    """Strings as a parameter of type Array(String)."""
    return Escaped("[" + ",".join(map(literal, texts)) + "]")

"""Questions of the page to the store: bounded, values bound, rows as Python has them."""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from observatory.composition import Parts
from observatory.memory_budget import take
from observatory.store.engine import EngineError, Escaped, literal
from observatory.ui.responses import Problem, said

LONG = 4096
"""Bytes of a value in a list; what is longer is cut."""
LONGEST = 262_144
"""Bytes of a value anywhere."""
ROW_WEIGHT = 6
"""How much larger rows are as Python's objects than in JSON."""
TOO_MUCH = ("TOO_MANY_ROWS_OR_BYTES", "MEMORY_LIMIT_EXCEEDED", "TIMEOUT_EXCEEDED")

Rows = list[dict[str, Any]]
Values = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Queries:
    """What answers are made from; `clock`: nanoseconds since 1970, `seconds`: for durations."""

    parts: Parts
    clock: Callable[[], int] = time.time_ns
    seconds: Callable[[], float] = time.monotonic

    @property
    def kept(self) -> int:
        """Nanoseconds that telemetry is kept."""
        return self.parts.settings.retention_hours * 3600 * 10**9

    def rows(self, sql: str, values: Values | None = None) -> Rows:
        """The rows of a query of ours.

        Raises:
            Problem: 413, there is more than a query may read; 500, the store failed.

        """
        lines = self.lines(sql, values)
        take(ROW_WEIGHT * sum(map(len, lines)))
        return [json.loads(line) for line in lines]

    def row(self, sql: str, values: Values | None = None) -> dict[str, Any]:
        """The only row of a query that always has one."""
        return self.rows(sql, values)[0]

    def lines(self, sql: str, values: Values | None = None) -> list[str]:
        """As `rows`, each in JSON."""
        try:
            found = self.parts.page.query(sql, "JSONEachRow", values)
        except EngineError as error:
            raise _failed(error) from error
        # Ours are cut with LIMIT; bytes that are no UTF-8 were stored by others.
        return found.decode(errors="replace").split("\n")[:-1]

    def cut_rows(self, sql: str, values: Values, cuts: Sequence[int]) -> Rows:
        """As `rows`, with values as long as all of them together allow.

        `sql` has `{cut:UInt32}`: the first of `cuts` with which the result is not too large.
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
        detail = "Choose a shorter time or other filters, or ask for parts of it on the page /sql."
        return Problem(413, "too-large", "There is too much of it", detail)
    return Problem(500, "store-failed", "The store could not answer", said(error))


def cut(text: str) -> str:
    """SQL for a text of `{cut:UInt32}` bytes, or as many characters of a longer one."""
    most = "{cut:UInt32}"
    return f"if(length({text}) > {most}, concat(leftUTF8({text}, {most}), '…'), {text})"


def cut_map(attributes: str) -> str:
    """SQL for a map whose values are cut."""
    return f"mapApply((k, v) -> (k, {cut('v')}), {attributes})"


def array(texts: Sequence[str]) -> Escaped:
    """Texts as a parameter of type Array(String)."""
    return Escaped("[" + ",".join(map(literal, texts)) + "]")

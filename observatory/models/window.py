"""The time range of the page Model, in equal steps, and lines over it."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from observatory.ui.charts import step_of, step_start
from observatory.ui.parameters import SECOND, Range
from observatory.ui.queries import Queries, Rows

LEAST_STEP = 30
"""Seconds; gauges are exported every 10 s, so that each step has a value."""
MAX_LINES = 6
"""Lines of one chart; those with the most points are kept."""
AT = "intDiv(toUnixTimestamp(toDateTime(time)), {step:UInt32}) * {step:UInt32}"
WITHIN = (
    "time >= fromUnixTimestamp64Nano({from:Int64}, 'UTC')"
    " AND time < fromUnixTimestamp64Nano({to:Int64}, 'UTC')"
    " AND ({service:String} = '' OR service = {service:String})"
)
MILLISECONDS = "toUnixTimestamp64Milli(time)"


@dataclass(frozen=True, slots=True)
class Line:
    """Values by step; None where there is none. `label`: the version, or a pair of versions."""

    label: str
    values: list[float | None]


@dataclass(frozen=True, slots=True)
class Window:
    """From `start` to `end` in nanoseconds since 1970; `step` in seconds; `service` or empty."""

    queries: Queries
    start: int
    end: int
    step: int
    service: str

    @classmethod
    def of(cls, queries: Queries, where: Range, service: str) -> "Window":
        """The range, extended to the start of its first step."""
        step = max(step_of(where), LEAST_STEP)
        return cls(queries, step_start(where.start, step) * SECOND, where.end, step, service)

    def seconds(self, at: int) -> float:
        """Length of the step that starts at `at`; the last one ends with the window."""
        return min(self.step, max(1.0, self.end / SECOND - at))

    @property
    def times(self) -> range:
        """Start of each step in seconds since 1970."""
        return range(self.start // SECOND, -(-self.end // SECOND), self.step)

    def rows(self, sql: str) -> Rows:
        """Run a statement with the conditions AT and WITHIN."""
        values = {"from": self.start, "to": self.end, "step": self.step, "service": self.service}
        return self.queries.rows(sql, values)

    def lines(
        self,
        rows: Iterable[Mapping[str, Any]],
        label: Callable[[Mapping[str, Any]], str],
        value: Callable[[Mapping[str, Any]], float | None],
    ) -> list[Line]:
        """A line for each label, ordered by label; `rows` have `at`, the start of their step."""
        found: dict[str, dict[int, float]] = {}
        for row in rows:
            if (number := value(row)) is not None:
                found.setdefault(label(row), {})[row["at"]] = number
        most = sorted(found, key=lambda each: (-len(found[each]), each))[:MAX_LINES]
        return [Line(each, [found[each].get(at) for at in self.times]) for each in sorted(most)]


def label_sql(model: str, version: str) -> str:
    """SQL for a model in a few words: its version, with the name where that is a number only."""
    return f"if(match({version}, '^[0-9]+$'), concat({model}, ' ', {version}), {version})"

"""Filter parameters (`attr`, `service`, `status` ...) and the SQL conditions made of them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from observatory.ui.parameters import SECOND, Asked, Range
from observatory.ui.responses import invalid

MOST = 8
RESOURCE = "resource."
NAME = "name"
_WRITTEN = re.compile(r"(?P<key>.+?)(?:(?P<operator>!=|=|~)(?P<value>.*))?", re.DOTALL)


class Condition(NamedTuple):
    """A part of a WHERE clause, from constants of ours, and the parameters bound in it."""

    sql: str
    values: dict[str, Any]

    @classmethod
    def all_of(cls, conditions: Sequence["Condition"]) -> "Condition":
        """Those together."""
        values = {name: value for each in conditions for name, value in each.values.items()}
        return cls(" AND ".join(f"({each.sql})" for each in conditions) or "1", values)


@dataclass(frozen=True, slots=True)
class AttributeTest:
    """What an attribute has to be; `resource.…` are a resource's, `name` is a span's name."""

    key: str
    operator: str = ""
    """`=`, `!=`, `~`: contains, whatever the case; nothing: it is there."""
    value: str = ""

    @classmethod
    def read(cls, said: str) -> "AttributeTest":
        """As it is written in `attr`.

        Raises:
            Problem: 422.

        """
        found = _WRITTEN.fullmatch(said)
        if not found or said[0] in "!=~":
            raise invalid("attr", "is key, key=value, key!=value or key~text")
        return cls(found["key"], found["operator"] or "", found["value"] or "")

    @property
    def of_resource(self) -> bool:
        """Whether it is about what sent the span."""
        return self.key.startswith(RESOURCE)

    def column(self, number: int, own: str) -> str:
        """SQL for the value, where a table's own attributes are in the column `own`."""
        if self.key == NAME and own == "SpanAttributes":
            return "SpanName"
        return f"{self._map(own)}[{{key{number}:String}}]"

    def condition(self, number: int, own: str) -> Condition:
        """As SQL; `number` tells its parameters from those of other tests."""
        text, value = self.column(number, own), f"{{value{number}:String}}"
        values = {f"value{number}": self.value} if self.operator else {}
        parts = []
        if text != "SpanName":
            values[f"key{number}"] = self.key.removeprefix(RESOURCE)
            parts.append(f"mapContains({self._map(own)}, {{key{number}:String}})")
            if self.operator == "=":  # what the index over the values knows
                parts.append(f"has(mapValues({self._map(own)}), {value})")
        if self.operator == "~":
            parts.append(f"positionCaseInsensitiveUTF8({text}, {value}) > 0")
        elif self.operator:
            parts.append(f"{text} {self.operator} {value}")
        return Condition(" AND ".join(parts) or "1", values)

    def _map(self, own: str) -> str:
        return "ResourceAttributes" if self.of_resource else own


def attribute_tests(asked: Asked) -> Sequence[AttributeTest]:
    """Those that were given.

    Raises:
        Problem: 422.

    """
    said = asked.texts("attr")
    if len(said) > MOST:
        raise invalid("attr", f"may be given {MOST} times at most")
    return tuple(AttributeTest.read(each) for each in said)


FILTERS = ("service", "route", "status", "min_ms", "max_ms", "attr")
AROUND = 5 * 60 * 10**9
"""Nanoseconds before and after a root within which filters look for spans of its trace."""

ROUTE = "if(SpanAttributes['http.route'] != '', SpanAttributes['http.route'], SpanName)"
FAILED = "(StatusCode = 'Error')"
DEGRADED = (
    "arrayExists((name, value) -> endsWith(name, '.degraded') AND value = 'true',"
    " mapKeys(SpanAttributes), mapValues(SpanAttributes))"
)
"""Whatever a service calls it: `shop.price.degraded`."""
STATUSES = {
    "ok": f"NOT {FAILED} AND NOT {DEGRADED}",
    "error": FAILED,
    "degraded": DEGRADED,
}


@dataclass(frozen=True, slots=True)
class Filter:
    """What a trace has to be."""

    service: str | None = None
    route: str | None = None
    status: str | None = None
    shortest: int | None = None
    """Nanoseconds, as `longest`."""
    longest: int | None = None
    tests: Sequence[AttributeTest] = ()

    @classmethod
    def of(cls, asked: Asked) -> "Filter":
        """As the parameters say.

        Raises:
            Problem: 422.

        """
        shortest, longest = asked.milliseconds("min_ms"), asked.milliseconds("max_ms")
        if shortest is not None and longest is not None and shortest > longest:
            raise invalid("min_ms", "is at most max_ms")
        return cls(
            asked.text("service"),
            asked.text("route"),
            asked.one_of("status", STATUSES),
            shortest,
            longest,
            attribute_tests(asked),
        )

    def on_trace(self) -> Condition:
        """For the span that a trace is shown by, and some spans of the trace."""
        tests = [test.condition(at, "SpanAttributes") for at, test in enumerate(self.tests)]
        return Condition.all_of([*self._on_span(), *map(_some_span, [*self._service(), *tests])])

    def on_request(self) -> Condition:
        """The same, but service and resource are the request's own: it is theirs that count."""
        conditions = [*self._on_span(), *self._service()]
        for at, test in enumerate(self.tests):
            condition = test.condition(at, "SpanAttributes")
            conditions.append(condition if test.of_resource else _some_span(condition))
        return Condition.all_of(conditions)

    def _service(self) -> list[Condition]:
        if self.service is None:
            return []
        return [Condition("ServiceName = {service:String}", {"service": self.service})]

    def _on_span(self) -> list[Condition]:
        given = (
            (f"{ROUTE} = {{route:String}}", "route", self.route),
            ("Duration >= {shortest:UInt64}", "shortest", self.shortest),
            ("Duration <= {longest:UInt64}", "longest", self.longest),
        )
        conditions = [
            Condition(sql, {name: value}) for sql, name, value in given if value is not None
        ]
        if self.status:
            conditions.append(Condition(STATUSES[self.status], {}))
        return conditions


def _some_span(condition: Condition) -> Condition:
    where = f"{within('spans_from', 'spans_to')} AND {condition.sql}"
    sql = f"TraceId IN (SELECT TraceId FROM otel.otel_traces WHERE {where})"
    return Condition(sql, condition.values)


def around(where: Range) -> dict[str, int]:
    """Parameters of a query about what begins in a range, and what may belong to it."""
    return {
        "from": where.start,
        "to": where.end,
        "spans_from": where.start - AROUND,
        "spans_to": where.end + AROUND,
    }


def within(start: str, end: str) -> str:
    """SQL for: from the moment in one parameter until before that in another."""
    return (
        f"Timestamp >= fromUnixTimestamp64Nano({{{start}:Int64}}, 'UTC')"
        f" AND Timestamp < fromUnixTimestamp64Nano({{{end}:Int64}}, 'UTC')"
    )


def seconds_within(column: str, start: str = "from", end: str = "to") -> str:
    """The same for a column of whole seconds that the order of the rows begins with."""
    return (
        f"{column} >= toDateTime(intDiv({{{start}:Int64}}, {SECOND}), 'UTC')"
        f" AND {column} <= toDateTime(intDiv({{{end}:Int64}}, {SECOND}), 'UTC')"
    )

"""Filter parameters (`attr`, `service`, `status` ...) and the SQL conditions made of them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from observatory.ui.parameters import SECOND, Parameters, Range
from observatory.ui.responses import invalid

MAX_TESTS = 8
RESOURCE = "resource."
NAME = "name"
_SYNTAX = re.compile(r"(?P<key>.+?)(?:(?P<operator>!=|=|~)(?P<value>.*))?", re.DOTALL)


class Condition(NamedTuple):
    """A part of a WHERE clause made of constants, and the values of its parameters."""

    sql: str
    values: dict[str, Any]

    @classmethod
    def all_of(cls, conditions: Sequence["Condition"]) -> "Condition":
        """The conjunction of conditions."""
        values = {name: value for each in conditions for name, value in each.values.items()}
        return cls(" AND ".join(f"({each.sql})" for each in conditions) or "1", values)


@dataclass(frozen=True, slots=True)
class AttributeTest:
    """A test of an attribute; `resource.…` is a resource attribute, `name` is the span name."""

    key: str
    operator: str = ""
    """`=`, `!=`, `~` (contains, ignoring case), or empty: the attribute exists."""
    value: str = ""

    @classmethod
    def read(cls, text: str) -> "AttributeTest":
        """Parse the value of an `attr` parameter.

        Raises:
            Problem: 422, a syntax error.

        """
        found = _SYNTAX.fullmatch(text)
        if not found or text[0] in "!=~":
            raise invalid("attr", "must be key, key=value, key!=value or key~text")
        return cls(found["key"], found["operator"] or "", found["value"] or "")

    @property
    def of_resource(self) -> bool:
        """Whether it tests a resource attribute."""
        return self.key.startswith(RESOURCE)

    def column(self, number: int, own: str) -> str:
        """SQL for the value; `own`: the table's column of attributes."""
        if self.key == NAME and own == "SpanAttributes":
            return "SpanName"
        return f"{self._map(own)}[{{key{number}:String}}]"

    def condition(self, number: int, own: str) -> Condition:
        """The SQL condition; `number` makes the names of its parameters unique."""
        text, value = self.column(number, own), f"{{value{number}:String}}"
        values = {f"value{number}": self.value} if self.operator else {}
        parts = []
        if text != "SpanName":
            values[f"key{number}"] = self.key.removeprefix(RESOURCE)
            parts.append(f"mapContains({self._map(own)}, {{key{number}:String}})")
            if self.operator == "=":  # uses the index on map values
                parts.append(f"has(mapValues({self._map(own)}), {value})")
        if self.operator == "~":
            parts.append(f"positionCaseInsensitiveUTF8({text}, {value}) > 0")
        elif self.operator:
            parts.append(f"{text} {self.operator} {value}")
        return Condition(" AND ".join(parts) or "1", values)

    def _map(self, own: str) -> str:
        return "ResourceAttributes" if self.of_resource else own


def attribute_tests(parameters: Parameters) -> Sequence[AttributeTest]:
    """The tests in the `attr` parameters.

    Raises:
        Problem: 422, a syntax error or too many.

    """
    texts = parameters.texts("attr")
    if len(texts) > MAX_TESTS:
        raise invalid("attr", f"may be given at most {MAX_TESTS} times")
    return tuple(AttributeTest.read(each) for each in texts)


FILTERS = ("service", "route", "status", "min_ms", "max_ms", "attr")
AROUND = 5 * 60 * 10**9
"""Nanoseconds before and after a root in which its trace's spans are searched."""

ROUTE = "if(SpanAttributes['http.route'] != '', SpanAttributes['http.route'], SpanName)"
FAILED = "(StatusCode = 'Error')"
DEGRADED = (
    "arrayExists((name, value) -> endsWith(name, '.degraded') AND value = 'true',"
    " mapKeys(SpanAttributes), mapValues(SpanAttributes))"
)
"""An attribute of any service whose name ends in `.degraded`."""
STATUSES = {
    "ok": f"NOT {FAILED} AND NOT {DEGRADED}",
    "error": FAILED,
    "degraded": DEGRADED,
}


@dataclass(frozen=True, slots=True)
class Filter:
    """The filter of traces and requests."""

    service: str | None = None
    route: str | None = None
    status: str | None = None
    shortest: int | None = None
    """Nanoseconds; so is `longest`."""
    longest: int | None = None
    tests: Sequence[AttributeTest] = ()

    @classmethod
    def of(cls, parameters: Parameters) -> "Filter":
        """Read the filter parameters.

        Raises:
            Problem: 422, an invalid value.

        """
        shortest, longest = parameters.milliseconds("min_ms"), parameters.milliseconds("max_ms")
        if shortest is not None and longest is not None and shortest > longest:
            raise invalid("min_ms", "must not be greater than max_ms")
        return cls(
            parameters.text("service"),
            parameters.text("route"),
            parameters.one_of("status", STATUSES),
            shortest,
            longest,
            attribute_tests(parameters),
        )

    def on_trace(self) -> Condition:
        """Conditions on the span that represents a trace, and on any span of the trace."""
        tests = [test.condition(at, "SpanAttributes") for at, test in enumerate(self.tests)]
        return Condition.all_of([*self._on_span(), *map(_some_span, [*self._service(), *tests])])

    def on_request(self) -> Condition:
        """As `on_trace`, but service and resource attributes are those of the request itself."""
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
    """Query parameters: a range, and the wider range of spans of the same traces."""
    return {
        "from": where.start,
        "to": where.end,
        "spans_from": where.start - AROUND,
        "spans_to": where.end + AROUND,
    }


def within(start: str, end: str) -> str:
    """SQL for start <= Timestamp < end, given the names of two parameters."""
    return (
        f"Timestamp >= fromUnixTimestamp64Nano({{{start}:Int64}}, 'UTC')"
        f" AND Timestamp < fromUnixTimestamp64Nano({{{end}:Int64}}, 'UTC')"
    )


def seconds_within(column: str, start: str = "from", end: str = "to") -> str:
    """The same for a column in whole seconds, with the second in which the range ends."""
    return (
        f"{column} >= toDateTime(intDiv({{{start}:Int64}}, {SECOND}), 'UTC')"
        f" AND {column} <= toDateTime(intDiv({{{end}:Int64}}, {SECOND}), 'UTC')"
    )

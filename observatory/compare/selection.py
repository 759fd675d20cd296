"""A set of requests: a time window and a filter, as SQL over the views.

A request is a trace that enters a service, represented by its span that does so: the root, or else
the earliest one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

AROUND = 5 * 60 * 10**9
"""Nanoseconds before and after a window in which the other spans of its requests are searched."""
ENTRY = "kind IN ('server', 'consumer')"
FAILED = "status = 'error'"
DEGRADED = (
    "arrayExists((key, value) -> endsWith(key, '.degraded') AND value = 'true',"
    " mapKeys(attributes), mapValues(attributes))"
)
STATUSES = {
    "ok": f"NOT {FAILED} AND NOT {DEGRADED}",
    "error": FAILED,
    "degraded": DEGRADED,
}
ROUTE = "if(attributes['http.route'] != '', attributes['http.route'], name)"
RESOURCE, NAME = "resource.", "name"


@dataclass(frozen=True, slots=True)
class Test:
    """A test of any span: an attribute, one of the resource (`resource.…`), or its `name`."""

    __test__ = False  # not a test of pytest

    key: str
    operator: str = ""
    """`=`, `!=`, `~` (contains, ignoring case), or empty: the attribute exists."""
    value: str = ""

    def sql(self, key: str, value: str) -> str:
        """The condition on a span; `key` and `value` are names of its parameters."""
        column = "resource" if self.key.startswith(RESOURCE) else "attributes"
        text = NAME if self.key == NAME else f"{column}[{{{key}:String}}]"
        conditions = [] if self.key == NAME else [f"mapContains({column}, {{{key}:String}})"]
        if self.operator == "~":
            conditions.append(f"positionCaseInsensitiveUTF8({text}, {{{value}:String}}) > 0")
        elif self.operator:
            conditions.append(f"{text} {self.operator} {{{value}:String}}")
        return " AND ".join(conditions) or "1"


@dataclass(frozen=True, slots=True)
class Selection:
    """The requests that begin in a window and match a filter; times in nanoseconds since 1970."""

    start: int
    end: int
    """Exclusive."""
    service: str | None = None
    """Of any span of the trace."""
    route: str | None = None
    status: str | None = None
    """A key of STATUSES."""
    shortest: int | None = None
    """Nanoseconds; so is `longest`."""
    longest: int | None = None
    tests: Sequence[Test] = ()

    @property
    def filters(self) -> bool:
        """Whether it is more than a window."""
        given = (self.service, self.route, self.status, self.shortest, self.longest)
        return bool(self.tests) or any(each is not None for each in given)

    def window(self, name: str, around: int = 0) -> tuple[str, Mapping[str, Any]]:
        """SQL for the time of a row, and its parameters, whose names begin with `name`."""
        sql = (
            f"time >= fromUnixTimestamp64Nano({{{name}_from:Int64}})"
            f" AND time < fromUnixTimestamp64Nano({{{name}_to:Int64}})"
        )
        return sql, {f"{name}_from": self.start - around, f"{name}_to": self.end + around}

    def condition(self, name: str) -> tuple[str, Mapping[str, Any]]:
        """SQL for the span that represents a request, and its parameters."""
        window, values = self.window(name)
        sql, parameters = [window], dict(values)
        for column, operator, value in (
            (ROUTE, "=", self.route),
            ("duration_nanoseconds", ">=", self.shortest),
            ("duration_nanoseconds", "<=", self.longest),
        ):
            if value is not None:
                parameter = f"{name}_{len(parameters)}"
                kind = "String" if isinstance(value, str) else "UInt64"
                sql.append(f"{column} {operator} {{{parameter}:{kind}}}")
                parameters[parameter] = value
        if self.status:
            sql.append(STATUSES[self.status])
        for any_span, more in self._on_any_span(name):
            sql.append(any_span)
            parameters |= more
        return " AND ".join(f"({each})" for each in sql), parameters

    def _on_any_span(self, name: str) -> list[tuple[str, dict[str, Any]]]:
        conditions: list[tuple[str, dict[str, Any]]] = []
        if self.service is not None:
            conditions.append((f"service = {{{name}_service:String}}", {"service": self.service}))
        for at, test in enumerate(self.tests):
            values = {f"key{at}": test.key.removeprefix(RESOURCE), f"value{at}": test.value}
            conditions.append((test.sql(f"{name}_key{at}", f"{name}_value{at}"), values))
        if not conditions:
            return []
        wider, extent = self.window(f"{name}_spans", AROUND)
        return [
            (
                f"trace_id IN (SELECT trace_id FROM vitrine.spans WHERE {wider} AND {sql})",
                {**extent, **{f"{name}_{key}": value for key, value in values.items()}},
            )
            for sql, values in conditions
        ]

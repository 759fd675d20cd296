"""Which traces are meant: the filter parameters, and the SQL they come to."""

from collections.abc import Sequence
from dataclasses import dataclass

from observatory.page.asking import SECOND, Asked, Range
from observatory.page.attribute_tests import AttributeTest, Condition, attribute_tests
from observatory.page.problems import invalid

FILTERS = ("service", "route", "status", "min_ms", "max_ms", "attr")
AROUND = 5 * 60 * 10**9
"""Nanoseconds before and after a root within which filters look for spans of its trace."""

ROUTE = "if(SpanAttributes['http.route'] != '', SpanAttributes['http.route'], SpanName)"
FAILED = "(StatusCode = 'Error')"
DEGRADED = "(SpanAttributes['vitrine.ranking.degraded'] = 'true')"
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

"""Traffic in which two sets of requests differ in one planted way, or in none.

The sets are two windows of time. Rows are made by SQL from hashes of a seed, so that they are the
same on every machine. A request has three or four spans, twelve attributes and a log record. Some
attributes are proxies of others: the data centre of the region, the build of the version.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from observatory.compare.fact import Fact, Kind, Test
from observatory.compare.selection import Selection

BEGIN = 1_900_000_000 * 10**9
"""Nanoseconds since 1970 at which the first pair of sets begins."""
WINDOW = 600 * 10**9
"""Nanoseconds of one set."""


class Planted(StrEnum):
    """What differs in a fraction of the first set's requests."""

    NOTHING = "nothing"
    VALUE = "attribute value"
    PAIR = "pair of values"
    STAGE = "stage runs"
    SLOW = "stage is slow"
    FAILURE = "stage fails"
    LOG = "log template"


VALUES = (
    ("app.plan", "trial"),
    ("app.region", "r4"),
    ("app.device", "d2"),
    ("app.customer", "c7"),
    ("app.cohort", "beta"),
)
PAIRS = (
    (("app.region", "r2"), ("app.device", "d3")),
    (("app.plan", "team"), ("app.cohort", "beta")),
    (("app.region", "r1"), ("app.plan", "trial")),
)
SLOW = 300 * 10**6
"""Nanoseconds that a slow stage takes longer."""


class Engine(Protocol):
    """What stores the rows."""

    def run(self, statements: str) -> bytes:
        """Run SQL."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Two sets of requests; `number` makes times, ids and values its own."""

    number: int
    requests: tuple[int, int]
    """In the first and the second set."""
    planted: Planted = Planted.NOTHING
    effect: float = 0
    """Fraction of the first set's requests."""

    @property
    def first(self) -> Selection:
        """The window of the first set."""
        return Selection(self._begin, self._begin + WINDOW)

    @property
    def second(self) -> Selection:
        """The window of the second set."""
        return Selection(self._begin + WINDOW, self._begin + 2 * WINDOW)

    @property
    def _begin(self) -> int:
        return BEGIN + self.number * 2 * WINDOW

    @property
    def values(self) -> tuple[tuple[str, str], ...]:
        """The planted values of attributes."""
        if self.planted is Planted.VALUE:
            return (VALUES[self.number % len(VALUES)],)
        return PAIRS[self.number % len(PAIRS)] if self.planted is Planted.PAIR else ()

    def names(self, facts: list[Fact]) -> bool:
        """Whether a finding names what was planted."""
        if self.values:
            found = [(fact.subject, fact.value) for fact in facts if fact.test is Test.EQUALS]
            return len(facts) == len(self.values) and {*found} == {*self.values}
        (fact, *more) = facts
        kind, subject, tests = _NAMED[self.planted]
        return not more and (fact.kind, fact.subject) == (kind, subject) and fact.test in tests

    def names_part(self, fact: Fact) -> bool:
        """Whether a fact is what was planted, or one of the two."""
        if self.values:
            return fact.test is Test.EQUALS and (fact.subject, fact.value) in self.values
        return self.names([fact])

    def store(self, engine: Engine) -> None:
        """Store the spans and log records of both sets."""
        engine.run(_SPANS.format(**self._parts()))
        engine.run(_LOGS.format(**self._parts()))

    def _parts(self) -> dict[str, object]:
        given = dict(self.values)

        def value(key: str, usual: str) -> str:
            return f"if(affected, '{given[key]}', {usual})" if key in given else usual

        affected = {each: f"affected AND {int(self.planted is each)}" for each in Planted}
        first, second = self.requests
        return {
            "number": self.number,
            "first": first,
            "total": first + second,
            "begin": self._begin,
            "window": WINDOW,
            "effect": self.effect,
            "slow": SLOW,
            "region": value("app.region", f"concat('r', toString({_skewed(1, 6)}))"),
            "plan": value(
                "app.plan", "['free', 'team', 'trial', 'gold'][1 + least(3, h2 % 100 % 13 % 5)]"
            ),
            "device": value("app.device", f"concat('d', toString({_skewed(3, 5)}))"),
            "customer": value("app.customer", "concat('c', toString(h4 % 150))"),
            "cohort": value("app.cohort", "if(h5 % 100 < 8, 'beta', 'stable')"),
            "runs": affected[Planted.STAGE],
            "takes": affected[Planted.SLOW],
            "fails": affected[Planted.FAILURE],
            "logs": affected[Planted.LOG],
        }


_NAMED = {
    # Requests that the stage is planted in may be found by its time, too.
    Planted.STAGE: (Kind.STAGE, "recommend", (Test.OCCURS, Test.SELF_TIME)),
    Planted.SLOW: (Kind.STAGE, "price", (Test.SELF_TIME,)),
    Planted.FAILURE: (Kind.DEPENDENCY, "SELECT", (Test.FAILS,)),
    Planted.LOG: (Kind.LOG, "WARN stock of … is low", (Test.OCCURS,)),
}


def _skewed(salt: int, values: int) -> str:
    """SQL for a number below `values`, small ones more often."""
    return f"toUInt64(floor({values} * pow((h{salt} % 10000) / 10000, 2)))"


_HASHES = ", ".join(f"cityHash64({{number}}, n, {salt}) AS h{salt}" for salt in range(1, 13))
_TRAFFIC = f"""
    SELECT *, {{region}} AS region, {{plan}} AS plan, {{device}} AS device,
        {{customer}} AS customer, {{cohort}} AS cohort,
        h7 % 100 < 40 OR ({{runs}}) AS recommends,
        h8 % 100 < 2 OR ({{fails}}) AS failed,
        toUInt64(2e6 * exp((h9 % 1000) / 300)) AS select_time,
        toUInt64(4e6 * exp((h10 % 1000) / 400)) + if({{takes}}, {{slow}}, 0) AS price_time,
        toUInt64(if(recommends, 3e6 * exp((h11 % 1000) / 500), 0)) AS recommend_time,
        select_time + price_time + recommend_time + 1000000 AS total_time
    FROM
    (
        SELECT number AS n, n < {{first}} AS is_first, {_HASHES},
            is_first AND h6 % 1000000 < {{effect}} * 1000000 AS affected,
            lower(hex(sipHash128({{number}}, n))) AS trace_id,
            toInt64({{begin}}) + if(is_first, 0, {{window}})
                + toInt64(h12 % toUInt64({{window}} - 5000000000)) AS at
        FROM numbers({{total}})
    )"""
_SPANS = f"""
INSERT INTO otel.otel_traces (
    Timestamp, TraceId, SpanId, ParentSpanId, SpanName, SpanKind, ServiceName, ResourceAttributes,
    SpanAttributes, Duration, StatusCode
)
SELECT fromUnixTimestamp64Nano(at + span.5), trace_id, span.1, span.2, span.3, span.4, 'shop',
    map('service.name', 'shop', 'host.name', concat('h', toString(h1 % 7 % 4)),
        'service.version', if(h12 % 10 < 7, '2.0', '1.9'),
        'app.build', if(h12 % 10 < 7, 'b417', 'b402')),
    span.8, span.6, span.7
FROM ({_TRAFFIC})
ARRAY JOIN arrayFilter(each -> each.1 != '', [
    ('01', '', 'POST /order', 'Server', toInt64(0), total_time, if(failed, 'Error', 'Unset'),
        map('http.route', '/order', 'http.request.method', 'POST',
            'http.response.status_code', if(failed, '500', '200'),
            'app.region', region, 'app.datacentre', if(region < 'r3', 'east', 'west'),
            'app.plan', plan, 'app.device', device, 'app.customer', customer,
            'app.cohort', cohort)),
    ('02', '01', 'SELECT', 'Client', toInt64(500000), select_time, if(failed, 'Error', 'Unset'),
        map('db.system.name', 'sqlite', 'db.rows', toString(h9 % 500))),
    ('03', '01', 'price', 'Internal', toInt64(500000 + select_time), price_time, 'Unset',
        map('app.items', toString(1 + h10 % 60))),
    (if(recommends, '04', ''), '01', 'recommend', 'Internal',
        toInt64(500000 + select_time + price_time), recommend_time, 'Unset',
        CAST(map(), 'Map(String, String)'))
]) AS span"""
_LOGS = f"""
INSERT INTO otel.otel_logs (
    Timestamp, TraceId, SpanId, SeverityText, SeverityNumber, ServiceName, Body
)
SELECT fromUnixTimestamp64Nano(at), trace_id, '01', record.1, 9, 'shop', record.2
FROM ({_TRAFFIC})
ARRAY JOIN arrayFilter(each -> each.1 != '', [
    ('INFO', concat('order ', toString(n), ' placed in ', toString(intDiv(total_time, 1000000)),
        ' ms')),
    (if(h8 % 100 < 5, 'WARN', ''), concat('retry ', toString(1 + h8 % 3), ' of 3')),
    (if(h6 % 1000 >= 970 OR ({{logs}}), 'WARN', ''),
        concat('stock of \\'item ', toString(h4 % 900), '\\' is low'))
]) AS record"""

"""SQL over the views that the statements of a comparison are made of: requests, spans, logs.

Only requests of a sample are read, chosen by a hash of the trace id: the same for every statement.
Rates are in millionths.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from observatory.compare.selection import AROUND, ENTRY, Selection

Value = int | str | Sequence[int] | Sequence[str] | Sequence[Sequence[float]]
Rows = Sequence[Mapping[str, Any]]
Query = Callable[[str, Mapping[str, Value]], Rows]
"""Runs a statement with parameters (`{name:Type}`); returns its rows as JSON objects."""
WHOLE = 1_000_000
MAX_VALUE_LENGTH = 200
"""Characters; longer attribute values are left out, longer log templates are cut."""

_REQUESTS = """
requests AS MATERIALIZED
(
    SELECT
        trace_id,
        in_first,
        duration,
        toUInt32(row_number() OVER (PARTITION BY in_first ORDER BY trace_id)) AS number
    FROM
    (
        SELECT
            trace_id,
            argMin(sets, place) AS of_sets,
            of_sets >= 2 AS in_first,
            argMin(nanoseconds, place) AS duration
        FROM
        (
            SELECT
                trace_id,
                duration_nanoseconds AS nanoseconds,
                -- The root, or else the earliest one.
                toUnixTimestamp64Nano(time) + if(parent_id = '', 0, 1000000000000000000) AS place,
                toUInt8(2 * ({first}) + ({second})) AS sets
            FROM vitrine.spans
            WHERE {entry} AND ({windows}) AND {hash} < {most:UInt64}
        )
        GROUP BY trace_id
        HAVING of_sets > 0 AND {hash} < if(in_first, {rate_first:UInt64}, {rate_second:UInt64})
    )
)"""
_HASH = f"cityHash64(trace_id) % {WHOLE}"
SPANS = """
spans AS MATERIALIZED
(
    SELECT
        requests.in_first AS in_first,
        requests.number AS number,
        span.span_id AS span_id,
        span.parent_id AS parent_id,
        span.name AS name,
        span.kind AS kind,
        span.status AS status,
        toUnixTimestamp64Nano(span.time) AS started,
        started + toInt64(span.duration_nanoseconds) AS ended,
        -- Attributes, names of events (without a key), and resource attributes: those of spans that
        -- enter a process, as the others repeat them.
        span.parent_id = '' OR span.kind IN ('server', 'consumer') AS enters,
        arrayConcat(
            CAST(mapKeys(span.attributes), 'Array(String)'),
            arrayMap(event -> '', span.events),
            if(enters, arrayMap(key -> concat('resource.', key), mapKeys(span.resource)), [])
        ) AS keys,
        arrayConcat(
            mapValues(span.attributes),
            arrayMap(event -> toString(event.name), span.events),
            if(enters, mapValues(span.resource), [])
        ) AS texts
    FROM vitrine.spans AS span
    INNER JOIN requests ON requests.trace_id = span.trace_id
    WHERE ({spans}) AND cityHash64(span.trace_id) % {whole} < {most:UInt64}
)"""
_STAGES = """
-- Each span once as itself, and once as a child of its parent. Hashes instead of texts halve the
-- memory; a collision within one request would give a span a child too many.
nested AS
(
    SELECT
        in_first,
        number,
        role.1 AS owner,
        role.2 AS itself,
        {stage} AS span_stage,
        status = 'error' AS span_failed,
        started,
        ended
    FROM spans
    ARRAY JOIN [(cityHash64(span_id), true), (cityHash64(parent_id), false)] AS role
),
-- Self time: children are cut off at the ends of their parent, and parallel ones count once.
own AS
(
    SELECT
        in_first,
        number,
        owner,
        anyIf(span_stage, itself) AS stage,
        anyIf(span_failed, itself) AS failed,
        anyIf(started, itself) AS start,
        anyIf(ended, itself) AS end,
        arraySort(groupArrayIf((started, ended), NOT itself)) AS children,
        end - start - arrayFold(
            (done, child) -> (
                done.1 + greatest(0, least(child.2, end) - greatest(child.1, done.2)),
                greatest(done.2, child.2)
            ),
            children,
            (toInt64(0), start)
        ).1 AS self_time
    FROM nested
    GROUP BY in_first, number, owner
    HAVING countIf(itself) > 0
),
stages AS
(
    SELECT
        in_first,
        number,
        stage,
        count() AS calls,
        max(failed) AS failed,
        sum(self_time) AS self_time
    FROM own
    GROUP BY in_first, number, stage
)"""


def stages(expression: str) -> str:
    """The stages of each request: the spans with the same value of an expression on a span."""
    return _STAGES.replace("{stage}", expression)


_VARIABLE = r"""'[^']*'|"[^"]*"|[0-9a-fA-F]{8}[0-9a-fA-F-]*|[0-9]+(?:[.:,][0-9]+)*"""
LOGS = """
templates AS
(
    SELECT
        requests.in_first AS in_first,
        requests.number AS number,
        leftUTF8(
            concat(
                record.severity,
                ' ',
                replaceRegexpAll(leftUTF8(record.body, 1000), {variable:String}, '…')
            ),
            {longest}
        ) AS template
    FROM vitrine.logs AS record
    INNER JOIN requests ON requests.trace_id = record.trace_id
    WHERE ({spans}) AND cityHash64(record.trace_id) % {whole} < {most:UInt64}
)"""


@dataclass(frozen=True, slots=True)
class Sources:
    """The two sets, sampled; a request in both belongs to the first."""

    first: Selection
    second: Selection
    rate_first: int = WHOLE
    rate_second: int = WHOLE

    def statement(self, parts: Sequence[str], select: str) -> str:
        """A statement that begins with the named parts, such as PAIRS."""
        (first, _), (second, _) = self._conditions()
        windows = self._windows("window")[0]
        known = {
            "first": first,
            "second": second,
            "entry": ENTRY,
            "windows": windows,
            "hash": _HASH,
            "whole": str(WHOLE),
            "longest": str(MAX_VALUE_LENGTH),
            "spans": self._windows("around", AROUND)[0],
        }
        sql = "WITH" + ",".join([_REQUESTS, *parts]) + select
        for name, text in known.items():
            sql = sql.replace(f"{{{name}}}", text)
        return sql

    @property
    def values(self) -> dict[str, Value]:
        """The parameters of a statement."""
        (_, first), (_, second) = self._conditions()
        return {
            **first,
            **second,
            **self._windows("window")[1],
            **self._windows("around", AROUND)[1],
            "rate_first": self.rate_first,
            "rate_second": self.rate_second,
            "most": max(self.rate_first, self.rate_second),
            "variable": _VARIABLE,
        }

    def _conditions(self) -> tuple[tuple[str, Mapping[str, Any]], tuple[str, Mapping[str, Any]]]:
        return self.first.condition("first"), self.second.condition("second")

    def _windows(self, name: str, around: int = 0) -> tuple[str, dict[str, Any]]:
        """SQL for the windows of both sets, and its parameters."""
        sql: list[str] = []
        values: dict[str, Any] = {}
        for number, each in enumerate((self.first, self.second)):
            text, extent = each.window(f"{name}_{number}", around)
            sql.append(f"({text})")
            values |= extent
        return " OR ".join(sql), values

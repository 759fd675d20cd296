"""Values to filter by: services, routes, attribute keys and values."""

from typing import Any

from observatory.ui.charts import REQUEST
from observatory.ui.filters import ROUTE, AttributeTest, within
from observatory.ui.parameters import RANGE, Parameters, Range
from observatory.ui.queries import LIST_VALUE_BYTES, Queries, cut
from observatory.ui.responses import Problem, invalid

KNOWN, KNOWN_OF_VALUES = RANGE, (*RANGE, "key")
MAX_FACETS, MAX_VALUES = 200, 50
_FACETS = {
    "services": "SELECT ServiceName AS it",
    "routes": f"SELECT {cut(ROUTE)} AS it",
    "keys": "SELECT arrayJoin(SpanAttributes.keys) AS it",
}
_REST = f"""FROM otel.otel_traces WHERE {within("from", "to")} AND {{condition}}
GROUP BY it ORDER BY count() DESC, it LIMIT {MAX_FACETS}"""
_VALUES = f"""
SELECT {{value}} AS value, count() AS count
FROM otel.otel_traces WHERE {within("from", "to")} AND {{condition}}
GROUP BY value ORDER BY count DESC, value LIMIT {MAX_VALUES}
"""
_APPROXIMATE_VALUES = f"""
SELECT each.item AS value, each.count - each.error AS count
FROM (
    SELECT arrayJoin(approx_top_k({MAX_VALUES}, 10000)({{value}})) AS each
    FROM otel.otel_traces WHERE {within("from", "to")} AND {{condition}}
)
WHERE count > 0 ORDER BY count DESC, value
"""
"""The same in bounded memory; the counts are lower bounds."""


def facets(queries: Queries, parameters: Parameters) -> dict[str, Any]:
    """Services, routes and attribute keys, the most frequent first."""
    values = _values(parameters.range(queries.clock(), queries.kept)) | {"cut": LIST_VALUE_BYTES}
    return {
        name: [
            row["it"]
            for row in queries.rows(
                f"{select} {_REST}".replace("{condition}", REQUEST if name == "routes" else "1"),
                values,
            )
        ]
        for name, select in _FACETS.items()
    }


def facet_values(queries: Queries, parameters: Parameters) -> dict[str, Any]:
    """Values of an attribute with their counts, the most frequent first."""
    where = parameters.range(queries.clock(), queries.kept)
    key = parameters.text("key")
    if key is None:
        raise invalid("key", "is required; /api/facets lists the keys")
    test = AttributeTest(key)
    condition = test.condition(0, "SpanAttributes")
    parts = {"value": cut(test.column(0, "SpanAttributes")), "condition": condition.sql}
    values = _values(where) | {"cut": LIST_VALUE_BYTES} | condition.values
    try:
        return {"values": queries.rows(_with_parts(_VALUES, parts), values)}
    except Problem as problem:
        if problem.status != 413:
            raise
    return {"values": queries.rows(_with_parts(_APPROXIMATE_VALUES, parts), values)}


def _values(where: Range) -> dict[str, Any]:
    return {"from": where.start, "to": where.end}


def _with_parts(sql: str, parts: dict[str, str]) -> str:
    """Replace `{name}` in SQL by constant parts."""
    for name, part in parts.items():
        sql = sql.replace(f"{{{name}}}", part)
    return sql

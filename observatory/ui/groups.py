"""Requests grouped by the values of an attribute: rate, errors, latency.

The attribute is that of the request's own span, or of its resource (`resource.…`); `name` groups by
the name of the span, `route` by route.
"""

from typing import Any

from observatory.ui.charts import REFUSED, REQUEST
from observatory.ui.filters import FAILED, FILTERS, ROUTE, AttributeTest, Filter, around, within
from observatory.ui.parameters import MILLISECOND, RANGE, SECOND, Parameters
from observatory.ui.queries import LIST_VALUE_BYTES, Queries, cut
from observatory.ui.responses import invalid

KNOWN = (*RANGE, *FILTERS, "by")
MAX_GROUPS = 50
BY_ROUTE = "route"
_GROUPS = f"""
SELECT {{value}} AS value, count() AS requests, countIf({FAILED}) AS errors,
    countIf({REFUSED}) AS refused,
    quantilesTDigest(0.5, 0.95)(Duration) AS quantiles,
    argMax(TraceId, (Duration, TraceId)) AS slowest
FROM otel.otel_traces WHERE {REQUEST} AND {within("from", "to")} AND {{where}}
GROUP BY value ORDER BY requests DESC, value LIMIT {MAX_GROUPS + 1}
"""


def groups(queries: Queries, parameters: Parameters) -> dict[str, Any]:
    """At most MAX_GROUPS groups, those with most requests first; `more`: there are others."""
    key = parameters.text("by")
    if key is None:
        raise invalid("by", "is required: the key of an attribute, route or name")
    where = parameters.range(queries.clock(), queries.kept)
    condition = Filter.of(parameters).on_request()
    test = AttributeTest(key)
    value = ROUTE if key == BY_ROUTE else test.column(99, "SpanAttributes")
    sql = _GROUPS.replace("{value}", cut(value)).replace("{where}", condition.sql)
    values = {**around(where), "cut": LIST_VALUE_BYTES, **condition.values}
    if "key99" in sql:
        values |= test.condition(99, "SpanAttributes").values
    rows = queries.rows(sql, values)
    seconds = (where.end - where.start) / SECOND
    return {
        "by": key,
        "groups": [
            {
                "value": row["value"],
                "requests": row["requests"],
                "rate": row["requests"] / seconds,
                "errors": row["errors"],
                "refused": row["refused"],
                "p50": row["quantiles"][0] / MILLISECOND,
                "p95": row["quantiles"][1] / MILLISECOND,
                "slowest": row["slowest"],
            }
            for row in rows[:MAX_GROUPS]
        ],
        "more": len(rows) > MAX_GROUPS,
    }

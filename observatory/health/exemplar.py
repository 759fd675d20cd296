"""A trace that shows what an alert is about, found by the labels of the alert's query.

Metrics and spans of one request have attributes of the same names (semantic conventions, and the
kit's facts). So the matchers of the most specific selector are a filter of spans.
"""

from collections.abc import Iterable
from typing import Any

from observatory.health.promql import NAME, Selector, selectors
from observatory.health.series import INSTANCE
from observatory.ui.filters import within
from observatory.ui.queries import Queries
from slo.objectives import Alert

SECONDS, LEAST_SECONDS = 3600, 60
"""How far back traces are looked for, at most and at least."""
NOT_ON_SPANS = (NAME, INSTANCE, "le")
_SERVICE = "service.name"
_FOUND = f"""
SELECT TraceId AS trace_id FROM otel.otel_traces WHERE {within("from", "to")} AND {{where}}
ORDER BY {{order}} LIMIT 1
"""


def traces_of(
    queries: Queries, alerts: Iterable[tuple[Alert, float]], now: float
) -> dict[str, str | None]:
    """By the alert's name, the newest trace of the seconds in which its condition has held; the
    slowest if it is about time."""
    wanted = {
        alert.name: (*_wanted(alert), min(SECONDS, max(LEAST_SECONDS, held)))
        for alert, held in alerts
    }
    found = {each: _trace(queries, *each, now) for each in set(wanted.values())}
    return {name: found[each] for name, each in wanted.items()}


def _wanted(alert: Alert) -> tuple[Selector, bool]:
    """The selector, and whether the slowest is wanted."""
    found = max(selectors(alert.query), key=_specific)
    return found, alert.unit == "s" or any(label == "le" for _, label, _ in found.matchers)


def _trace(
    queries: Queries, found: Selector, slowest: bool, seconds: float, now: float
) -> str | None:
    if not _specific(found):
        return None
    conditions, values = _conditions(found)
    order = "Duration DESC" if slowest else "Timestamp DESC"
    ends = {"from": round((now - seconds) * 1e9), "to": round(now * 1e9)}
    sql = _FOUND.replace("{where}", " AND ".join(conditions)).replace("{order}", order)
    rows = queries.rows(sql, {**ends, **values})
    return rows[0]["trace_id"] if rows else None


def _specific(selector: Selector) -> int:
    """How many matchers say something about a span; those of one value count more."""
    return sum(
        2 if sign == "=" else 1
        for sign, label, _ in selector.matchers
        if label not in (*NOT_ON_SPANS, _SERVICE) and sign in ("=", "=~")
    )


def _conditions(selector: Selector) -> tuple[list[str], dict[str, Any]]:
    conditions: list[str] = []
    values: dict[str, str] = {}
    for at, (sign, label, value) in enumerate(selector.matchers):
        if label in NOT_ON_SPANS:
            continue
        column = "ServiceName" if label == _SERVICE else f"SpanAttributes[{{label{at}:String}}]"
        text = f"{{value{at}:String}}"
        if sign in ("=~", "!~"):
            conditions.append(f"{'NOT ' * (sign == '!~')}match({column}, {text})")
        else:
            conditions.append(f"{column} {sign} {text}")
        values |= {f"label{at}": label, f"value{at}": f"^(?:{value})$" if "~" in sign else value}
    return conditions, values

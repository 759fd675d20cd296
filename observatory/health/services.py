"""Requests of each service, and the models that answered them.

Requests are counted from the metric `http.server.request.duration` where a service has it, because
it counts every request, whatever the sampling of traces; latency and models come from spans.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from observatory.health.promql import NAME, Labels, Selector, Window
from observatory.ui.charts import REQUEST
from observatory.ui.filters import DEGRADED, FAILED, within
from observatory.ui.queries import Queries

HTTP = Selector((("=", NAME, "http.server.request.duration.count"),))
CODE = "http.response.status_code"
_SERVICES = f"""
SELECT ServiceName AS service, count() AS requests, countIf({FAILED}) AS failed,
    sumMap(map(SpanAttributes['{CODE}'], 1)) AS statuses,
    quantilesExactInclusive(0.5, 0.95, 0.99)(Duration) AS quantiles,
    groupUniqArrayIf(20)(
        ResourceAttributes['service.version'], ResourceAttributes['service.version'] != ''
    ) AS versions,
    uniqExact(ResourceAttributes['service.instance.id']) AS instances
FROM otel.otel_traces WHERE {REQUEST} AND {within("from", "to")}
GROUP BY service ORDER BY requests DESC, service LIMIT 100
"""
_OWN = """
    arrayFirst((value, name) -> endsWith(name, '{ending}'),
        mapValues(SpanAttributes), mapKeys(SpanAttributes))"""
_MODELS = f"""
SELECT ServiceName AS service, {_OWN.format(ending=".model.name")} AS name,
    {_OWN.format(ending=".model.version")} AS version, count() AS requests,
    countIf({DEGRADED}) AS degraded,
    countIf({_OWN.format(ending=".answered")} = 'true') AS answered,
    countIf({_OWN.format(ending=".answered")} != '') AS judged
FROM otel.otel_traces WHERE {REQUEST} AND {within("from", "to")} AND name != ''
GROUP BY service, name, version ORDER BY requests DESC, service, name, version LIMIT 100
"""


@dataclass(frozen=True, slots=True)
class ServiceHealth:
    """Requests of a service in the window; latency in nanoseconds, None without spans."""

    service: str
    requests: int
    per_second: float
    failed: int
    """5xx responses; without HTTP, spans with an error."""
    refused: int
    """4xx responses: errors of the client."""
    statuses: Mapping[str, int]
    """Requests by HTTP status code."""
    p50: float | None
    p95: float | None
    p99: float | None
    versions: Sequence[str]
    instances: int


@dataclass(frozen=True, slots=True)
class ModelHealth:
    """Answers of one version of a model in the window."""

    service: str
    name: str
    version: str
    requests: int
    degraded: float
    """Share of the requests."""
    answered: float | None
    """Share of the requests that say whether they were answered; None if none does."""


def services(queries: Queries, found: Mapping[Labels, Window], seconds: int) -> list[ServiceHealth]:
    """The services with requests in the window, the busiest first; `found`: windows of HTTP."""
    counted: dict[str, Counter[str]] = {}
    for labels, window in found.items():
        known = dict(labels)
        by_code = counted.setdefault(known["service.name"], Counter())
        by_code[known.get(CODE, "")] += round(window.increase)
    rows = {row["service"]: row for row in queries.rows(_SERVICES, _ends(queries, seconds))}
    all_ = [
        _service(name, rows.get(name), counted.get(name), seconds)
        for name in dict.fromkeys([*rows, *counted])
    ]
    return sorted((each for each in all_ if each.requests), key=lambda each: -each.requests)


def _service(
    name: str, row: Mapping[str, Any] | None, counted: Counter[str] | None, seconds: int
) -> ServiceHealth:
    statuses = counted if counted is not None else Counter(row["statuses"] if row else {})
    requests = statuses.total()
    by_code = {code: count for code, count in sorted(statuses.items()) if code and count}
    failed = sum(count for code, count in by_code.items() if code.startswith("5"))
    quantiles = row["quantiles"] if row else (None, None, None)
    return ServiceHealth(
        service=name,
        requests=requests,
        per_second=requests / seconds,
        failed=failed if by_code or row is None else row["failed"],
        refused=sum(count for code, count in by_code.items() if code.startswith("4")),
        statuses=by_code,
        p50=quantiles[0],
        p95=quantiles[1],
        p99=quantiles[2],
        versions=sorted(row["versions"]) if row else (),
        instances=row["instances"] if row else 0,
    )


def models(queries: Queries, seconds: int) -> list[ModelHealth]:
    """The models that are named on requests in the window: attributes `….model.name`."""
    return [
        ModelHealth(
            service=row["service"],
            name=row["name"],
            version=row["version"],
            requests=row["requests"],
            degraded=row["degraded"] / row["requests"],
            answered=row["answered"] / row["judged"] if row["judged"] else None,
        )
        for row in queries.rows(_MODELS, _ends(queries, seconds))
    ]


def _ends(queries: Queries, seconds: int) -> dict[str, int]:
    now = queries.clock()
    return {"from": now - seconds * 10**9, "to": now + 1}

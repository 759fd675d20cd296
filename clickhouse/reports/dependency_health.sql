-- Dependencies: outcomes and latency of Wikipedia and SQLite
-- How do the service's dependencies answer, and how fast? A host name: HTTP calls to that host;
-- `sqlite`: statements executed for requests; else the middle of a counter `….requests` with an
-- attribute `….outcome`, such as `topic signal`, including cache and circuit breaker.
-- `p50_at_most_seconds`: upper bound of the histogram bucket that contains the median; empty if
-- nothing was timed or the median is beyond the last bound. Counted from metrics, so sampling does
-- not matter.
WITH
    now() - INTERVAL 1 HOUR AS since,
    -- Attributes are matched by the end of their name, whatever the service's prefix.
    (map, ending) -> arrayFirst(
        (value, name) -> endsWith(name, ending), mapValues(map), mapKeys(map)
    ) AS own,
    -- One more hour, for the value before each series' first point (see `vitrine.metrics`).
    points AS
    (
        SELECT time, series, process, began, name, attributes, le, count AS value
        FROM vitrine.buckets
        WHERE time > since - INTERVAL 1 HOUR
            AND name IN ('http.client.request.duration', 'db.client.operation.duration')
        UNION ALL
        SELECT time, series, process, began, name, attributes, inf, toUInt64(value)
        FROM vitrine.metrics
        WHERE time > since - INTERVAL 1 HOUR
            AND match(name, '^\\w+\\.\\w+\\.requests$') AND NOT endsWith(name, '.cache.requests')
    ),
    steps AS
    (
        SELECT
            time,
            le,
            multiIf(
                name = 'http.client.request.duration', attributes['server.address'],
                name = 'db.client.operation.duration', attributes['db.system.name'],
                replaceAll(splitByChar('.', name)[2], '_', ' ')
            ) AS dependency,
            concat(attributes['http.request.method'], attributes['db.operation.name']) AS operation,
            concat(
                own(attributes, '.outcome'), attributes['http.response.status_code']
            ) AS outcome,
            attributes['error.type'] AS error,
            lagInFrame(value) OVER (PARTITION BY series ORDER BY time) AS before,
            began < since - INTERVAL 1 HOUR AND time = min(time) OVER (PARTITION BY process)
                AS unknown,
            value - multiIf(unknown, value, value < before, 0, before) AS increase
        FROM points
    ),
    buckets AS
    (
        SELECT
            dependency,
            operation,
            outcome,
            error,
            le,
            sum(increase) AS calls,
            max(calls) OVER (PARTITION BY dependency, operation, outcome, error) AS all_calls
        FROM steps
        WHERE time > since
        GROUP BY dependency, operation, outcome, error, le
    )
SELECT
    dependency,
    operation,
    outcome,
    error,
    max(all_calls) AS calls,
    round(100 * calls / sum(calls) OVER (PARTITION BY dependency, operation), 2) AS percent,
    nullIf(minIf(le, buckets.calls >= 0.5 * all_calls), inf) AS p50_at_most_seconds,
    nullIf(minIf(le, buckets.calls >= 0.95 * all_calls), inf) AS p95_at_most_seconds,
    nullIf(minIf(le, buckets.calls >= 0.99 * all_calls), inf) AS p99_at_most_seconds
FROM buckets
WHERE all_calls > 0
GROUP BY dependency, operation, outcome, error
ORDER BY dependency, operation, calls DESC, outcome, error

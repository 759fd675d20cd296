-- Distribution of latency by route, with example traces
-- How are each route's durations distributed: are slow requests rare, or is there a second peak?
-- One row for each bucket that is not empty; `up_to_seconds` is empty beyond the last bound.
-- Counted from metrics, which see every request. `trace_id`: the slowest exemplar of the bucket
-- (SigNoz stores no exemplars).
WITH
    now() - INTERVAL 1 HOUR AS since,
    -- One more hour, for the value before each series' first point (see `vitrine.metrics`).
    steps AS
    (
        SELECT
            time,
            attributes['http.request.method'] AS method,
            attributes['http.route'] AS route,
            le,
            lagInFrame(count) OVER (PARTITION BY series ORDER BY time) AS before,
            began < since - INTERVAL 1 HOUR AND time = min(time) OVER (PARTITION BY process)
                AS unknown,
            count - multiIf(unknown, count, count < before, 0, before) AS increase
        FROM vitrine.buckets
        WHERE name = 'http.server.request.duration' AND time > since - INTERVAL 1 HOUR
    ),
    buckets AS
    (
        SELECT
            method,
            route,
            le,
            lagInFrame(le) OVER (PARTITION BY method, route ORDER BY le) AS above,
            sum(increase) AS at_most,
            at_most - lagInFrame(at_most) OVER (PARTITION BY method, route ORDER BY le) AS requests,
            max(at_most) OVER (PARTITION BY method, route) AS all_requests
        FROM steps
        WHERE time > since
        GROUP BY method, route, le
    ),
    examples AS
    (
        SELECT
            attributes['http.request.method'] AS method,
            attributes['http.route'] AS route,
            value,
            trace_id
        FROM vitrine.exemplars
        WHERE name = 'http.server.request.duration' AND time > since
    )
SELECT
    buckets.method AS method,
    buckets.route AS route,
    nullIf(le, inf) AS up_to_seconds,
    requests,
    round(100 * requests / all_requests, 2) AS percent,
    bar(requests, 0, all_requests, 40) AS share,
    if(examples.value > above, examples.trace_id, '') AS trace_id
FROM buckets
ASOF LEFT JOIN examples
    ON examples.method = buckets.method AND examples.route = buckets.route
    AND examples.value <= buckets.le
WHERE requests > 0
ORDER BY method, route, le

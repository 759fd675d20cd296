-- Rate, errors and duration of every route
-- How much is asked of the service, how much of it fails, and how long does it take?
-- `errors` are answers of 5xx, `refused` those of 4xx: mistakes of whoever asked. Without a route:
-- paths that do not exist. Counted from spans: where the collector keeps only some of the traces,
-- these are the figures of those (`slo` counts everything).
WITH
    now() - INTERVAL 1 HOUR AS since,
    quantilesExactInclusive(0.5, 0.95, 0.99)(duration_seconds) AS took
SELECT
    service,
    attributes['http.request.method'] AS method,
    attributes['http.route'] AS route,
    count() AS requests,
    round(requests / dateDiff('second', since, now()), 3) AS requests_per_second,
    countIf(status = 'error') AS errors,
    round(100 * errors / requests, 2) AS error_percent,
    countIf(startsWith(attributes['http.response.status_code'], '4')) AS refused,
    round(took[1], 6) AS p50_seconds,
    round(took[2], 6) AS p95_seconds,
    round(took[3], 6) AS p99_seconds
FROM vitrine.spans
WHERE kind = 'server' AND time > since
GROUP BY service, method, route
ORDER BY requests DESC, service, route, method

-- Requests by route: rate, errors, latency
-- How many requests does each route get, how many fail, and how long do they take? `errors` are 5xx
-- responses, `refused` are 4xx responses (client errors). An empty route: the path does not exist.
-- Counted from spans: where the Collector samples traces, only the kept ones count (`slo` counts
-- every request).
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

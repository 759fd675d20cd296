-- Objectives: what is met, and the error budget that is left
-- Does the service meet its objectives (slo/objectives.yaml)? Availability: 99.9 % of requests for
-- recommendations are not answered with 5xx. Latency: 95 % of those answered with 200 take 250 ms
-- at most. Quality: 99 % of recommendations are not degraded. A service without that route is
-- measured over all of its requests. Counted from metrics, which see every request, whatever the
-- sampling of traces. The window is three days, which every store retains.
-- `budget_left_percent`: what is left of the three days' error budget; below 0 it is overspent.
-- `burn_rate_…`: at 1 the budget lasts exactly three days; an hour at 14 spends a fifth of it, six
-- hours at 6 half of it. Empty where there were no requests.
WITH
    now() - INTERVAL 3 DAY AS since,
    now() - INTERVAL 6 HOUR AS since_6h,
    now() - INTERVAL 1 HOUR AS since_1h,
    '/recommend' AS route, -- of the objectives; their targets are below
    -- Attributes are matched by the end of their name, whatever the service's prefix.
    (map, ending) -> arrayFirst(
        (value, name) -> endsWith(name, ending), mapValues(map), mapKeys(map)
    ) AS own,
    with_route AS
    (
        SELECT DISTINCT service
        FROM vitrine.metrics
        WHERE time > since - INTERVAL 1 HOUR
            AND name = 'http.server.request.duration' AND attributes['http.route'] = route
    ),
    -- Whether a point counts as a request and as a good one; one more hour, for the value before
    -- each series' first point (see `vitrine.metrics`).
    points AS
    (
        SELECT
            service,
            'availability' AS objective,
            series,
            process,
            began,
            time,
            value,
            1 AS of_all,
            NOT startsWith(attributes['http.response.status_code'], '5') AS of_good
        FROM vitrine.metrics
        WHERE time > since - INTERVAL 1 HOUR
            AND name = 'http.server.request.duration'
            AND (attributes['http.route'] = route OR service NOT IN with_route)
        UNION ALL
        SELECT service, 'latency', series, process, began, time, value, 1, 0
        FROM vitrine.metrics
        WHERE time > since - INTERVAL 1 HOUR
            AND name = 'http.server.request.duration'
            AND (attributes['http.route'] = route OR service NOT IN with_route)
            AND attributes['http.response.status_code'] = '200'
        UNION ALL
        SELECT service, 'latency', series, process, began, time, toFloat64(count), 0, 1
        FROM vitrine.buckets
        WHERE time > since - INTERVAL 1 HOUR AND le = 0.25
            AND name = 'http.server.request.duration'
            AND (attributes['http.route'] = route OR service NOT IN with_route)
            AND attributes['http.response.status_code'] = '200'
        UNION ALL
        SELECT
            service, 'quality', series, process, began, time, value, 1,
            own(attributes, '.degraded') = 'false'
        FROM vitrine.metrics
        WHERE time > since - INTERVAL 1 HOUR AND endsWith(name, '.recommendations')
    ),
    steps AS
    (
        SELECT
            service,
            objective,
            time,
            of_all,
            of_good,
            lagInFrame(value) OVER (PARTITION BY objective, series ORDER BY time) AS before,
            began < since - INTERVAL 1 HOUR
                AND time = min(time) OVER (PARTITION BY objective, process) AS unknown,
            value - multiIf(unknown, value, value < before, 0, before) AS increase
        FROM points
    ),
    counted AS
    (
        SELECT
            service,
            objective,
            sum(increase * of_all) AS requests,
            sum(increase * of_good) AS good,
            sumIf(increase * of_all, time > since_6h) AS requests_6h,
            sumIf(increase * of_good, time > since_6h) AS good_6h,
            sumIf(increase * of_all, time > since_1h) AS requests_1h,
            sumIf(increase * of_good, time > since_1h) AS good_1h
        FROM steps
        WHERE time > since
        GROUP BY service, objective
    ),
    targets AS
    (
        SELECT
            arrayJoin([('availability', 0.999), ('latency', 0.95), ('quality', 0.99)]) AS pair,
            pair.1 AS objective,
            pair.2 AS target
    )
SELECT
    service,
    objective,
    round(100 * target, 2) AS target_percent,
    round(100 * good / nullIf(requests, 0), 3) AS measured_percent,
    requests,
    requests - good AS failed,
    round(100 * (1 - (requests - good) / nullIf(requests * (1 - target), 0)), 1)
        AS budget_left_percent,
    round((requests_1h - good_1h) / nullIf(requests_1h * (1 - target), 0), 2) AS burn_rate_1h,
    round((requests_6h - good_6h) / nullIf(requests_6h * (1 - target), 0), 2) AS burn_rate_6h
FROM (SELECT DISTINCT service FROM counted) AS services
CROSS JOIN targets
LEFT JOIN counted USING (service, objective)
ORDER BY service, objective

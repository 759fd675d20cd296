-- Latency of each stage
-- How long does each stage take, and what share of its requests' duration is that? Stages are the
-- internal spans directly below a request that no instrumentation library made. Parallel stages
-- (retrieval and the topic signal) add up to more than 100 %. If the sum is below 100 %, the rest
-- is spent outside the stages: parsing the request, writing the response.
WITH
    now() - INTERVAL 1 HOUR AS since,
    quantilesExactInclusiveArray(0.5, 0.95, 0.99)(durations) AS took
SELECT
    service,
    stage,
    sum(length(durations)) AS calls,
    sum(failed) AS errors,
    round(took[1], 6) AS p50_seconds,
    round(took[2], 6) AS p95_seconds,
    round(took[3], 6) AS p99_seconds,
    round(100 * sum(arraySum(durations)) / sum(request_seconds), 1) AS percent_of_request
FROM
(
    -- A stage may run several times in a request.
    SELECT
        stage.service AS service,
        stage.name AS stage,
        groupArray(stage.duration_seconds) AS durations,
        countIf(stage.status = 'error') AS failed,
        any(request.duration_seconds) AS request_seconds
    FROM vitrine.spans AS stage
    INNER JOIN vitrine.spans AS request
        ON request.trace_id = stage.trace_id AND request.span_id = stage.parent_id
    WHERE stage.kind = 'internal' AND NOT match(stage.scope, 'opentelemetry|^fastapi$')
        AND stage.time > since
        AND request.kind = 'server' AND request.time > since - INTERVAL 1 MINUTE
    GROUP BY service, stage, request.trace_id, request.span_id
)
GROUP BY service, stage
ORDER BY sum(arraySum(durations)) DESC, service, stage

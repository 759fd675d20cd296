-- Where the time of a request goes
-- How long does each stage take, and which part of the requests it belongs to is that?
-- Stages that run side by side (retrieving, and asking Wikipedia) make more than 100 % together.
-- What is missing to 100 % is spent outside of the stages: reading the request, writing the answer.
WITH
    now() - INTERVAL 1 HOUR AS since,
    quantilesExactInclusive(0.5, 0.95, 0.99)(stage.duration_seconds) AS took
SELECT
    stage.service AS service,
    stage.name AS stage,
    count() AS times,
    countIf(stage.status = 'error') AS errors,
    round(took[1], 6) AS p50_seconds,
    round(took[2], 6) AS p95_seconds,
    round(took[3], 6) AS p99_seconds,
    round(100 * sum(stage.duration_seconds) / sum(request.duration_seconds), 1)
        AS percent_of_request
FROM vitrine.spans AS stage
INNER JOIN vitrine.spans AS request
    ON request.trace_id = stage.trace_id AND request.span_id = stage.parent_id
WHERE stage.scope = 'vitrine' AND stage.kind = 'internal' AND stage.time > since
    AND request.kind = 'server' AND request.time > since - INTERVAL 1 MINUTE
GROUP BY service, stage
ORDER BY sum(stage.duration_seconds) DESC, service, stage

-- Cache hit ratio
-- How often is a lookup answered from a cache? `answers` keeps whole recommendations until the
-- catalogue changes; `topic_signal` keeps Wikipedia's search results.
WITH
    now() - INTERVAL 1 HOUR AS since,
    -- One more hour, for the value before each series' first point (see `vitrine.metrics`).
    steps AS
    (
        SELECT
            time,
            service,
            attributes['vitrine.cache.name'] AS cache,
            attributes['vitrine.cache.outcome'] AS outcome,
            lagInFrame(value) OVER (PARTITION BY series ORDER BY time) AS before,
            began < since - INTERVAL 1 HOUR AND time = min(time) OVER (PARTITION BY process)
                AS unknown,
            value - multiIf(unknown, value, value < before, 0, before) AS increase
        FROM vitrine.metrics
        WHERE name = 'vitrine.cache.requests' AND time > since - INTERVAL 1 HOUR
    )
SELECT
    service,
    cache,
    sumIf(increase, outcome = 'hit') AS hits,
    sumIf(increase, outcome = 'miss') AS misses,
    round(100 * hits / nullIf(hits + misses, 0), 2) AS hit_percent
FROM steps
WHERE time > since
GROUP BY service, cache
ORDER BY service, cache

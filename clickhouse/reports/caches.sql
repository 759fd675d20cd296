-- What the caches save
-- How often did a cache know the answer already? `answers` keeps whole recommendations until the
-- catalogue changes; `topic_signal` keeps what Wikipedia said.
WITH
    now() - INTERVAL 1 HOUR AS since,
    -- An hour more, to know what each point grew from (see `vitrine.metrics`).
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

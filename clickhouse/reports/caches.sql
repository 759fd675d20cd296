-- How often caches help
-- How often is a lookup answered from a cache? Counted are any service's `….cache.requests`, by
-- `….cache.name` and `….cache.outcome`. Vitrine's `answers` keeps recommendations until the
-- catalogue changes; its `topic_signal` keeps Wikipedia's search results.
WITH
    now() - INTERVAL 1 HOUR AS since,
    -- Attributes are matched by the end of their name, whatever the service's prefix.
    (map, ending) -> arrayFirst(
        (value, name) -> endsWith(name, ending), mapValues(map), mapKeys(map)
    ) AS own,
    -- One more hour, for the value before each series' first point (see `vitrine.metrics`).
    steps AS
    (
        SELECT
            time,
            service,
            own(attributes, '.cache.name') AS cache,
            own(attributes, '.cache.outcome') AS outcome,
            lagInFrame(value) OVER (PARTITION BY series ORDER BY time) AS before,
            began < since - INTERVAL 1 HOUR AND time = min(time) OVER (PARTITION BY process)
                AS unknown,
            value - multiIf(unknown, value, value < before, 0, before) AS increase
        FROM vitrine.metrics
        WHERE endsWith(name, '.cache.requests') AND time > since - INTERVAL 1 HOUR
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

-- Lost telemetry: what is missing from the other reports
-- Are the other reports complete? How many spans (`traces`), log records (`logs`) and metric
-- exports (`metrics`) the service produced, and how many were lost: dropped because a queue was
-- full (`queue_full`), or not accepted by the Collector (`not_accepted`). `recommendations`: the
-- journal was full, so feedback on these recommendations is refused. 0 lost means complete.
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
            multiIf(
                is_not_accepted, own(attributes, '.signal'),
                name = 'otel.sdk.processor.span.processed', 'traces',
                name = 'otel.sdk.processor.log.processed', 'logs',
                name = 'otel.sdk.metric_reader.collection.duration', 'metrics',
                'recommendations'
            ) AS kind,
            endsWith(name, '.telemetry.lost') AS is_not_accepted,
            endsWith(name, '.journal.dropped') AS is_not_journalled,
            NOT is_not_accepted AND NOT is_not_journalled AS is_produced,
            is_not_journalled OR attributes['error.type'] = 'queue_full'
                AS is_queue_full,
            lagInFrame(value) OVER (PARTITION BY series ORDER BY time) AS before,
            began < since - INTERVAL 1 HOUR AND time = min(time) OVER (PARTITION BY process)
                AS unknown,
            value - multiIf(unknown, value, value < before, 0, before) AS increase
        FROM vitrine.metrics
        WHERE time > since - INTERVAL 1 HOUR
            AND (name IN (
                'otel.sdk.processor.span.processed',
                'otel.sdk.processor.log.processed',
                'otel.sdk.metric_reader.collection.duration'
            ) OR match(name, '\\.(telemetry\\.lost|recommendations|journal\\.dropped)$'))
    )
SELECT
    service,
    kind,
    sumIf(increase, is_produced) AS produced,
    sumIf(increase, is_queue_full) AS queue_full,
    sumIf(increase, is_not_accepted) AS not_accepted,
    round(100 * (queue_full + not_accepted) / nullIf(produced, 0), 2) AS lost_percent
FROM steps
WHERE time > since
GROUP BY service, kind
ORDER BY service, kind

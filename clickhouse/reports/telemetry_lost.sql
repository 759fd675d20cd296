-- What was not told
-- Can the other reports be believed? How many spans (`traces`), log records (`logs`) and requests
-- with metrics (`metrics`) the service made, and how many got lost: the queue had `no_room`, or the
-- collector has `not_taken` them. `recommendations`: the journal had no room for them, so that
-- feedback on them is refused. All is well where nothing was lost.
WITH
    now() - INTERVAL 1 HOUR AS since,
    -- An hour more, to know what each point grew from (see `vitrine.metrics`).
    steps AS
    (
        SELECT
            time,
            service,
            multiIf(
                name = 'vitrine.telemetry.lost', attributes['vitrine.signal'],
                name = 'otel.sdk.processor.span.processed', 'traces',
                name = 'otel.sdk.processor.log.processed', 'logs',
                name = 'otel.sdk.metric_reader.collection.duration', 'metrics',
                'recommendations'
            ) AS what,
            name NOT IN ('vitrine.telemetry.lost', 'vitrine.journal.dropped') AS is_made,
            name = 'vitrine.telemetry.lost' AS is_not_taken,
            name = 'vitrine.journal.dropped' OR attributes['error.type'] = 'queue_full'
                AS had_no_room,
            lagInFrame(value) OVER (PARTITION BY series ORDER BY time) AS before,
            began < since - INTERVAL 1 HOUR AND time = min(time) OVER (PARTITION BY process)
                AS unknown,
            value - multiIf(unknown, value, value < before, 0, before) AS increase
        FROM vitrine.metrics
        WHERE time > since - INTERVAL 1 HOUR
            AND name IN (
                'otel.sdk.processor.span.processed',
                'otel.sdk.processor.log.processed',
                'otel.sdk.metric_reader.collection.duration',
                'vitrine.telemetry.lost',
                'vitrine.recommendations',
                'vitrine.journal.dropped'
            )
    )
SELECT
    service,
    what,
    sumIf(increase, is_made) AS made,
    sumIf(increase, had_no_room) AS no_room,
    sumIf(increase, is_not_taken) AS not_taken,
    round(100 * (no_room + not_taken) / nullIf(made, 0), 2) AS lost_percent
FROM steps
WHERE time > since
GROUP BY service, what
ORDER BY service, what

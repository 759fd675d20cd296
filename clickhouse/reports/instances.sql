-- Instances: CPU, memory, delay of the event loop
-- Which instances ran, which version, and is one of them saturated? `cpu_cores`: CPU cores used on
-- average. `loop_late_at_most_seconds`: 99 % of the event loop's timers fired no later than this
-- bucket bound; when it grows, something blocks the loop.
WITH
    now() - INTERVAL 1 HOUR AS since,
    points AS
    (
        SELECT
            time,
            service,
            resource,
            name,
            value,
            value - lagInFrame(value, 1, value) OVER (PARTITION BY series ORDER BY time) AS increase
        FROM vitrine.metrics
        WHERE time > since
            AND (endsWith(name, '.requests.active') OR name IN (
                'process.cpu.time',
                'process.memory.usage',
                'process.thread.count',
                'process.unix.file_descriptor.count'
            ))
    ),
    delays AS
    (
        SELECT
            resource['service.instance.id'] AS instance,
            le,
            count - lagInFrame(count, 1, count) OVER (PARTITION BY series ORDER BY time) AS increase
        FROM vitrine.buckets
        WHERE endsWith(name, '.event_loop.lag') AND time > since
    ),
    buckets AS
    (
        SELECT
            instance,
            le,
            sum(increase) AS timers,
            max(timers) OVER (PARTITION BY instance) AS all_timers
        FROM delays
        GROUP BY instance, le
    ),
    loops AS
    (
        SELECT instance, nullIf(minIf(le, timers >= 0.99 * all_timers), inf) AS late
        FROM buckets
        WHERE all_timers > 0
        GROUP BY instance
    )
SELECT
    service,
    resource['service.instance.id'] AS instance,
    any(resource['service.version']) AS version,
    any(resource['host.name']) AS host,
    any(resource['process.pid']) AS pid,
    toDateTime(min(time)) AS first_seen,
    toDateTime(max(time)) AS last_seen,
    round(
        sumIf(increase, name = 'process.cpu.time')
            / nullIf(toFloat64(max(time)) - toFloat64(min(time)), 0),
        3
    ) AS cpu_cores,
    round(argMaxIf(value, time, name = 'process.memory.usage') / 1048576, 1) AS memory_mebibytes,
    argMaxIf(value, time, name = 'process.thread.count') AS threads,
    argMaxIf(value, time, name = 'process.unix.file_descriptor.count') AS open_files,
    maxIf(value, endsWith(name, '.requests.active')) AS requests_at_once,
    any(loops.late) AS loop_late_at_most_seconds
FROM points
LEFT JOIN loops ON loops.instance = points.resource['service.instance.id']
GROUP BY service, instance
ORDER BY last_seen DESC, service, instance

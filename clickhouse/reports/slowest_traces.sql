-- The slowest traces, and the span that took longest
-- Which requests were slowest, and in which of their spans was the time spent? A span's self time
-- is the part that no child span covers; parallel children are not counted twice.
-- `slowest_span` is the span with the most self time.
WITH
    now() - INTERVAL 1 HOUR AS since,
    slowest AS
    (
        SELECT
            time,
            trace_id,
            service,
            name,
            toUnixTimestamp64Nano(time) AS started,
            started + toInt64(duration_nanoseconds) AS ended
        FROM vitrine.spans
        WHERE time > since AND kind = 'server'
        ORDER BY duration_nanoseconds DESC, trace_id
        LIMIT 1 BY trace_id
        LIMIT 20
    ),
    -- Their spans, cut off at the end of the request: a call may outlast the response.
    members AS
    (
        SELECT
            span.trace_id AS trace_id,
            span.span_id AS span_id,
            span.parent_id AS parent_id,
            span.name AS name,
            span.status AS status,
            toUnixTimestamp64Nano(span.time) AS began,
            greatest(began, slowest.started) AS started,
            began + toInt64(span.duration_nanoseconds) AS done,
            greatest(least(done, slowest.ended), started) AS ended
        FROM vitrine.spans AS span
        INNER JOIN slowest ON slowest.trace_id = span.trace_id
        WHERE span.time > since - INTERVAL 10 MINUTE
            AND span.trace_id IN (SELECT trace_id FROM slowest)
    ),
    -- Child spans, cut off at the end of their parent.
    children AS
    (
        SELECT
            parent.trace_id AS trace_id,
            parent.span_id AS parent_id,
            greatest(child.started, parent.started) AS began,
            greatest(least(child.ended, parent.ended), began) AS ended
        FROM members AS child
        INNER JOIN members AS parent
            ON parent.trace_id = child.trace_id AND parent.span_id = child.parent_id
    ),
    -- Of each child, the part that no earlier child covers.
    covered AS
    (
        SELECT
            trace_id,
            parent_id,
            greatest(ended - greatest(began, max(ended) OVER earlier), 0) AS nanoseconds
        FROM children
        WINDOW earlier AS (
            PARTITION BY trace_id, parent_id ORDER BY began, ended
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        )
    ),
    parts AS
    (
        SELECT
            trace_id,
            span_id,
            any(members.name) AS name,
            any(members.status) AS status,
            any(ended - started) - sum(covered.nanoseconds) AS self_time
        FROM members
        LEFT JOIN covered
            ON covered.trace_id = members.trace_id AND covered.parent_id = members.span_id
        GROUP BY trace_id, span_id
    )
SELECT
    toDateTime64(slowest.time, 3) AS time,
    slowest.service AS service,
    slowest.name AS request,
    round((slowest.ended - slowest.started) / 1e9, 6) AS seconds,
    argMax(parts.name, (parts.self_time, parts.span_id)) AS slowest_span,
    round(max(parts.self_time) / 1e9, 6) AS self_seconds,
    count() AS spans,
    countIf(parts.status = 'error') AS errors,
    slowest.trace_id AS trace_id
FROM slowest
INNER JOIN parts ON parts.trace_id = slowest.trace_id
GROUP BY ALL
ORDER BY seconds DESC, trace_id

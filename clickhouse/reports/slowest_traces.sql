-- The slowest requests, and what held them up
-- Which requests took longest, and which of their spans spent the time? A span's own time is what
-- none of its children covers; children that ran side by side are not counted twice.
-- `held_up_by` is the span with the most time of its own.
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
    -- Their spans, as far as the request lasted: a call may go on when the answer is out already.
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
    -- Children, as far as their parent lasted.
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
    -- Of each child what none of those that started before it covers.
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
            any(ended - started) - sum(covered.nanoseconds) AS own
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
    argMax(parts.name, (parts.own, parts.span_id)) AS held_up_by,
    round(max(parts.own) / 1e9, 6) AS own_seconds,
    count() AS spans,
    countIf(parts.status = 'error') AS errors,
    slowest.trace_id AS trace_id
FROM slowest
INNER JOIN parts ON parts.trace_id = slowest.trace_id
GROUP BY ALL
ORDER BY seconds DESC, trace_id

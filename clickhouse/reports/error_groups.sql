-- Errors by type and place
-- What fails, where, since when, and in which trace? One row for each type of error on a span: the
-- exception, or `error.type`. A handled error is on the span where it happened, not on its request.
-- `raised_in` is the innermost stack frame of an unexpected exception; `trace_id` is the latest
-- example.
WITH
    now() - INTERVAL 1 HOUR AS since,
    arrayFirst(event -> event.name = 'exception', span.events).attributes AS exception,
    extractAll(exception['exception.stacktrace'], 'File "[^"]+", line \\d+, in \\S+')[-1] AS frame
SELECT
    coalesce(
        nullIf(exception['exception.type'], ''),
        nullIf(span.attributes['error.type'], ''),
        'unknown'
    ) AS error,
    span.service AS service,
    span.name AS span_name,
    frame AS raised_in,
    count() AS occurrences,
    uniqExact(span.trace_id) AS traces,
    toDateTime64(min(span.time), 3) AS first_seen,
    toDateTime64(max(span.time), 3) AS last_seen,
    argMax(span.trace_id, span.time) AS trace_id
FROM vitrine.spans AS span
WHERE span.status = 'error' AND span.time > since
GROUP BY error, service, span_name, raised_in
ORDER BY occurrences DESC, error, service, span_name, raised_in
LIMIT 100

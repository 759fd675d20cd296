-- Errors, grouped by type and place
-- What fails, where, since when, and in which trace? One row for each type of error on a span: the
-- exception, or `error.type`. A handled error is on the span where it happened, not on its request.
-- `raised_in` is the innermost stack frame of an unexpected exception, from the span's event or the
-- log record within that span; `trace_id` is the latest example.
WITH
    now() - INTERVAL 1 HOUR AS since,
    arrayFirst(event -> event.name = 'exception', span.events).attributes AS on_span,
    if(empty(on_span), log.attributes, on_span) AS exception,
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
LEFT ANY JOIN (
    SELECT trace_id, span_id, attributes
    FROM vitrine.logs
    WHERE time > now() - INTERVAL 1 HOUR AND attributes['exception.stacktrace'] != ''
) AS log ON log.trace_id = span.trace_id AND log.span_id = span.span_id
WHERE span.status = 'error' AND span.time > since
GROUP BY error, service, span_name, raised_in
ORDER BY occurrences DESC, error, service, span_name, raised_in
LIMIT 100

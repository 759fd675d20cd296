-- Telemetry under plain names: the same views as in signoz.sql, here over the tables of the
-- OpenTelemetry Collector's ClickHouse exporter. Reports query only these views.
--
-- Columns that queries filter by (time, service, name, trace_id, attributes) are plain columns of
-- the tables, not expressions, so that filters use the primary key and the indexes.
CREATE DATABASE IF NOT EXISTS vitrine;

CREATE OR REPLACE VIEW vitrine.spans AS
SELECT
    Timestamp AS time,
    TraceId AS trace_id,
    SpanId AS span_id,
    ParentSpanId AS parent_id,
    ServiceName AS service,
    SpanName AS name,
    lower(SpanKind) AS kind,
    Duration / 1e9 AS duration_seconds,
    Duration AS duration_nanoseconds,
    lower(StatusCode) AS status,
    StatusMessage AS status_message,
    SpanAttributes AS attributes,
    ResourceAttributes AS resource,
    ScopeName AS scope,
    CAST(
        arrayZip(Events.Timestamp, Events.Name, Events.Attributes),
        'Array(Tuple(time DateTime64(9), name String, attributes Map(String, String)))'
    ) AS events,
    CAST(
        arrayZip(Links.TraceId, Links.SpanId, Links.Attributes),
        'Array(Tuple(trace_id String, span_id String, attributes Map(String, String)))'
    ) AS links
FROM otel.otel_traces;

CREATE OR REPLACE VIEW vitrine.logs AS
SELECT
    Timestamp AS time,
    TraceId AS trace_id,
    SpanId AS span_id,
    ServiceName AS service,
    SeverityText AS severity,
    SeverityNumber AS severity_number,
    Body AS body,
    EventName AS event,
    LogAttributes AS attributes,
    ResourceAttributes AS resource,
    ScopeName AS scope
FROM otel.otel_logs;

-- The points of gauges, sums and histograms with explicit bounds (for these, the number of
-- measurements); exponential histograms and summaries are only in their tables. Points without a
-- recorded or finite value are left out, here and below.
-- To compute increases: the points of one `series` are one cumulative counter (after a reset it is
-- another series). Its first point counts in full, because a series starts at 0, unless it is also
-- the first point in the window of a `process` that `began` before the window: then the increase
-- happened earlier. Where `began` is not stored (SigNoz), a falling value means a reset.
CREATE OR REPLACE VIEW vitrine.metrics AS
SELECT
    TimeUnix AS time,
    ServiceName AS service,
    MetricName AS name,
    'gauge' AS kind,
    MetricUnit AS unit,
    Value AS value,
    Attributes AS attributes,
    ResourceAttributes AS resource,
    cityHash64(ServiceName, MetricName, Attributes, ResourceAttributes) AS series,
    cityHash64(ServiceName, MetricName, ResourceAttributes) AS process,
    StartTimeUnix AS began
FROM otel.otel_metrics_gauge
WHERE bitAnd(Flags, 1) = 0 AND isFinite(Value)
UNION ALL
SELECT
    TimeUnix,
    ServiceName,
    MetricName,
    if(IsMonotonic, 'counter', 'updowncounter'),
    MetricUnit,
    Value,
    Attributes,
    ResourceAttributes,
    cityHash64(ServiceName, MetricName, Attributes, ResourceAttributes, StartTimeUnix),
    cityHash64(ServiceName, MetricName, ResourceAttributes),
    StartTimeUnix
FROM otel.otel_metrics_sum
WHERE bitAnd(Flags, 1) = 0 AND isFinite(Value)
UNION ALL
SELECT
    TimeUnix,
    ServiceName,
    MetricName,
    'histogram',
    MetricUnit,
    toFloat64(Count),
    Attributes,
    ResourceAttributes,
    cityHash64(ServiceName, MetricName, Attributes, ResourceAttributes, StartTimeUnix),
    cityHash64(ServiceName, MetricName, ResourceAttributes),
    StartTimeUnix
FROM otel.otel_metrics_histogram
WHERE bitAnd(Flags, 1) = 0;

-- The sums of the measurements of histograms.
CREATE OR REPLACE VIEW vitrine.sums AS
SELECT
    TimeUnix AS time,
    ServiceName AS service,
    MetricName AS name,
    MetricUnit AS unit,
    Sum AS value,
    Attributes AS attributes,
    ResourceAttributes AS resource,
    cityHash64(ServiceName, MetricName, Attributes, ResourceAttributes, StartTimeUnix) AS series,
    cityHash64(ServiceName, MetricName, ResourceAttributes) AS process,
    StartTimeUnix AS began
FROM otel.otel_metrics_histogram
WHERE bitAnd(Flags, 1) = 0 AND isFinite(Sum);

-- Histograms, one row for each bucket: `count` measurements were at most `le`.
CREATE OR REPLACE VIEW vitrine.buckets AS
SELECT
    TimeUnix AS time,
    ServiceName AS service,
    MetricName AS name,
    MetricUnit AS unit,
    bucket.1 AS le,
    bucket.2 AS count,
    Attributes AS attributes,
    ResourceAttributes AS resource,
    cityHash64(
        bucket.1,
        cityHash64(ServiceName, MetricName, Attributes, ResourceAttributes, StartTimeUnix)
    ) AS series,
    cityHash64(ServiceName, MetricName, ResourceAttributes) AS process,
    StartTimeUnix AS began
FROM otel.otel_metrics_histogram
ARRAY JOIN arrayZip(
    arrayPushBack(ExplicitBounds, inf),
    -- A histogram without buckets has its count in the last one.
    arrayPushBack(arrayResize(arrayCumSum(BucketCounts), length(ExplicitBounds)), Count)
) AS bucket
WHERE bitAnd(Flags, 1) = 0;

-- Exemplars: example measurements of histograms, with their trace. `time` is the time of the metric
-- point, a little after the measurement.
CREATE OR REPLACE VIEW vitrine.exemplars AS
SELECT
    TimeUnix AS time,
    ServiceName AS service,
    MetricName AS name,
    exemplar.1 AS value,
    exemplar.2 AS trace_id,
    exemplar.3 AS span_id,
    Attributes AS attributes,
    ResourceAttributes AS resource
FROM otel.otel_metrics_histogram
ARRAY JOIN arrayZip(Exemplars.Value, Exemplars.TraceId, Exemplars.SpanId) AS exemplar;

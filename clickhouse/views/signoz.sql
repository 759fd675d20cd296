-- Telemetry under plain names: the same views as in otel.sql, here over the tables that SigNoz
-- v0.138 writes. Numeric and boolean attributes are converted to text, as they are in otel.sql.
-- What SigNoz does not store is empty: exemplars, attributes of links, names of log events (unless
-- the Collector copied them to the attribute `event.name`).
--
-- Columns that queries filter by are plain columns of the tables where possible. Where the time is
-- stored as a number, its conversion still lets filters use the primary key; the time of logs is off
-- by up to 128 nanoseconds.
CREATE DATABASE IF NOT EXISTS vitrine;

CREATE OR REPLACE VIEW vitrine.spans AS
SELECT
    s.timestamp AS time,
    s.trace_id AS trace_id,
    s.span_id AS span_id,
    s.parent_span_id AS parent_id,
    s.`resource_string_service$$name` AS service,
    s.name AS name,
    lower(s.kind_string) AS kind,
    s.duration_nano / 1e9 AS duration_seconds,
    s.duration_nano AS duration_nanoseconds,
    lower(s.status_code_string) AS status,
    s.status_message AS status_message,
    mapConcat(
        s.attributes_string,
        mapApply((key, value) -> (key, toString(value)), s.attributes_number),
        mapApply((key, value) -> (key, toString(value)), s.attributes_bool)
    ) AS attributes,
    s.resources_string AS resource,
    s.scope.name AS scope,
    arrayMap(
        event -> CAST(
            (fromUnixTimestamp64Nano(event.2), event.1, event.3),
            'Tuple(time DateTime64(9), name String, attributes Map(String, String))'
        ),
        arrayMap(
            text -> JSONExtract(
                text, 'Tuple(name String, timeUnixNano Int64, attributeMap Map(String, String))'
            ),
            s.events
        )
    ) AS events,
    arrayMap(
        link -> CAST(
            (link.1, link.2, map()),
            'Tuple(trace_id String, span_id String, attributes Map(String, String))'
        ),
        -- SigNoz stores the parent as a link, too.
        arrayFilter(
            link -> link.3 = 'FOLLOWS_FROM',
            JSONExtract(s.links, 'Array(Tuple(traceId String, spanId String, refType String))')
        )
    ) AS links
FROM signoz_traces.distributed_signoz_index_v3 AS s;

CREATE OR REPLACE VIEW vitrine.logs AS
SELECT
    toDateTime64(l.timestamp / 1e9, 9) AS time,
    l.trace_id AS trace_id,
    l.span_id AS span_id,
    l.resources_string['service.name'] AS service,
    l.severity_text AS severity,
    l.severity_number AS severity_number,
    l.body AS body,
    l.attributes_string['event.name'] AS event,
    mapConcat(
        l.attributes_string,
        mapApply((key, value) -> (key, toString(value)), l.attributes_number),
        mapApply((key, value) -> (key, toString(value)), l.attributes_bool)
    ) AS attributes,
    l.resources_string AS resource,
    l.scope_name AS scope
FROM signoz_logs.distributed_logs_v2 AS l;

-- Finite values joined with their series, which SigNoz stores in another table and rewrites every hour.
-- Both are on the same shard, so each shard joins its own. SigNoz does not store when a series
-- began; `began` is the time of the point instead.
CREATE OR REPLACE VIEW vitrine.signoz_points AS
SELECT
    toDateTime64(p.unix_milli / 1000, 3) AS time,
    p.metric_name AS metric,
    p.value AS value,
    s.type AS type,
    s.monotonic AS monotonic,
    s.unit AS unit,
    s.labels AS labels,
    mapFilter((key, _) -> key NOT IN ('le', '__temporality__'), s.labels) AS attributes,
    s.resource AS resource,
    cityHash64(p.fingerprint, if(p.temporality = 'Delta', p.unix_milli, 0)) AS series,
    cityHash64(p.metric_name, s.resource) AS process
FROM signoz_metrics.distributed_samples_v4 AS p
INNER JOIN
(
    SELECT
        metric_name,
        fingerprint,
        any(type) AS type,
        any(is_monotonic) AS monotonic,
        any(unit) AS unit,
        any(attrs) AS labels,
        any(resource_attrs) AS resource
    FROM signoz_metrics.time_series_v4
    GROUP BY metric_name, fingerprint
) AS s ON s.metric_name = p.metric_name AND s.fingerprint = p.fingerprint
WHERE isFinite(p.value);

-- SigNoz splits a histogram into several metrics. `<name>.bucket` is reassembled here and below;
-- `<name>.count`, `.sum`, `.min` and `.max` remain metrics of their own.
CREATE OR REPLACE VIEW vitrine.metrics AS
SELECT
    time,
    resource['service.name'] AS service,
    metric AS name,
    multiIf(type = 'Gauge', 'gauge', monotonic, 'counter', 'updowncounter') AS kind,
    unit,
    value,
    attributes,
    resource,
    series,
    process,
    time AS began
FROM vitrine.signoz_points
WHERE type IN ('Gauge', 'Sum')
UNION ALL
SELECT
    time,
    resource['service.name'],
    left(metric, -7),
    'histogram',
    unit,
    value,
    attributes,
    resource,
    series,
    process,
    time
FROM vitrine.signoz_points
WHERE type = 'Histogram' AND labels['le'] = '+Inf';

CREATE OR REPLACE VIEW vitrine.sums AS
SELECT metrics.* EXCEPT (name, kind), left(metrics.name, -4) AS name
FROM vitrine.metrics AS metrics
WHERE endsWith(metrics.name, '.sum');

CREATE OR REPLACE VIEW vitrine.buckets AS
SELECT
    time,
    resource['service.name'] AS service,
    left(metric, -7) AS name,
    unit,
    if(labels['le'] = '+Inf', inf, toFloat64OrZero(labels['le'])) AS le,
    toUInt64(value) AS count,
    attributes,
    resource,
    series,
    process,
    time AS began
FROM vitrine.signoz_points
WHERE type = 'Histogram';

CREATE OR REPLACE VIEW vitrine.exemplars AS
SELECT
    toDateTime64(0, 9) AS time,
    '' AS service,
    '' AS name,
    0. AS value,
    '' AS trace_id,
    '' AS span_id,
    CAST(map(), 'Map(LowCardinality(String), String)') AS attributes,
    CAST(map(), 'Map(LowCardinality(String), String)') AS resource
WHERE false;

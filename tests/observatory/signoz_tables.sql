-- SigNoz's tables (v0.138, collector v0.144.6), as far as the views read them; on one node, so that
-- what is distributed there is a table here.
CREATE DATABASE IF NOT EXISTS signoz_traces;
CREATE DATABASE IF NOT EXISTS signoz_logs;
CREATE DATABASE IF NOT EXISTS signoz_metrics;

CREATE TABLE IF NOT EXISTS signoz_traces.distributed_signoz_index_v3
(
    ts_bucket_start UInt64,
    resource_fingerprint String,
    timestamp DateTime64(9),
    trace_id FixedString(32),
    span_id String,
    trace_state String,
    parent_span_id String,
    flags UInt32,
    name LowCardinality(String),
    kind Int8,
    kind_string String,
    duration_nano UInt64,
    status_code Int16,
    status_message String,
    status_code_string String,
    attributes_string Map(LowCardinality(String), String),
    attributes_number Map(LowCardinality(String), Float64),
    attributes_bool Map(LowCardinality(String), Bool),
    attributes JSON(max_dynamic_paths = 0),
    resources_string Map(LowCardinality(String), String),
    events Array(String),
    links String,
    has_error Bool,
    `resource_string_service$$name` LowCardinality(String) DEFAULT resources_string['service.name'],
    resource JSON(max_dynamic_paths = 100),
    scope JSON(max_dynamic_paths = 0, name String, version String),
    INDEX idx_trace_id trace_id TYPE tokenbf_v1(10000, 5, 0) GRANULARITY 1,
    INDEX idx_timestamp timestamp TYPE minmax GRANULARITY 1
)
ENGINE = MergeTree
PARTITION BY toDate(timestamp)
ORDER BY (ts_bucket_start, resource_fingerprint, has_error, name, timestamp);

CREATE TABLE IF NOT EXISTS signoz_logs.distributed_logs_v2
(
    ts_bucket_start UInt64,
    resource_fingerprint String,
    timestamp UInt64,
    observed_timestamp UInt64,
    id String,
    trace_id String,
    span_id String,
    trace_flags UInt32,
    severity_text LowCardinality(String),
    severity_number UInt8,
    body String,
    attributes_string Map(LowCardinality(String), String),
    attributes_number Map(LowCardinality(String), Float64),
    attributes_bool Map(LowCardinality(String), Bool),
    resources_string Map(LowCardinality(String), String),
    scope_name String,
    scope_version String
)
ENGINE = MergeTree
PARTITION BY toDate(timestamp / 1000000000)
ORDER BY (ts_bucket_start, resource_fingerprint, severity_text, timestamp, id);

CREATE TABLE IF NOT EXISTS signoz_metrics.distributed_samples_v4
(
    env LowCardinality(String) DEFAULT 'default',
    temporality LowCardinality(String) DEFAULT 'Unspecified',
    metric_name LowCardinality(String),
    fingerprint UInt64,
    unix_milli Int64,
    value Float64
)
ENGINE = MergeTree
PARTITION BY toDate(unix_milli / 1000)
ORDER BY (env, temporality, metric_name, fingerprint, unix_milli);

CREATE TABLE IF NOT EXISTS signoz_metrics.time_series_v4
(
    env LowCardinality(String) DEFAULT 'default',
    temporality LowCardinality(String) DEFAULT 'Unspecified',
    metric_name LowCardinality(String),
    unit LowCardinality(String) DEFAULT '',
    type LowCardinality(String) DEFAULT '',
    is_monotonic Bool DEFAULT false,
    fingerprint UInt64,
    unix_milli Int64,
    labels String,
    attrs Map(LowCardinality(String), String) DEFAULT map(),
    scope_attrs Map(LowCardinality(String), String) DEFAULT map(),
    resource_attrs Map(LowCardinality(String), String) DEFAULT map()
)
ENGINE = ReplacingMergeTree
PARTITION BY toDate(unix_milli / 1000)
ORDER BY (env, temporality, metric_name, fingerprint, unix_milli);

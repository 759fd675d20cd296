-- The database for telemetry; its tables are those of the Collector's ClickHouse exporter.
-- The observatory applies these files to its embedded engine; on a ClickHouse server:
--   clickhouse-client --queries-file clickhouse/schema/{database,traces,logs,metrics}.sql
CREATE DATABASE IF NOT EXISTS otel;

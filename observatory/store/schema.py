"""Creates the tables and views from the .sql files, which also work on a ClickHouse server."""

import re
from pathlib import Path

from observatory.store.engine import Engine

CLICKHOUSE = Path(__file__).parents[2] / "clickhouse"
FILES = (
    "schema/database.sql",
    "schema/traces.sql",
    "schema/logs.sql",
    "schema/metrics.sql",
    "views/otel.sql",
)
TIME_COLUMNS = {
    "otel_traces_trace_id_ts": "Start",
    "otel_traces": "Timestamp",
    "otel_logs": "Timestamp",
}
"""The column for each table's TTL; TimeUnix if not listed."""
TABLES = (
    *TIME_COLUMNS,
    *(
        f"otel_metrics_{kind}"
        for kind in ("gauge", "sum", "histogram", "exponential_histogram", "summary")
    ),
)


MAX_PART_BYTES, PARTS = 256 << 20, 32
"""Largest part in bytes, and the least number of parts within the disk limit: parts are dropped
whole, so small ones lose less at a time."""


def prepare(engine: Engine, retention_hours: int, disk_bytes: int) -> None:
    """Create missing tables and views; set the TTL and the largest part size."""
    for name in FILES:
        engine.run((CLICKHOUSE / name).read_text())
    ttl = f"toIntervalHour({retention_hours})"
    largest = (
        f"max_bytes_to_merge_at_max_space_in_pool = {min(MAX_PART_BYTES, disk_bytes // PARTS)}"
    )
    for table in TABLES:
        existing = engine.run(f"SHOW CREATE TABLE otel.{table}").decode()
        if not re.search(rf"{largest}\b", existing):
            engine.run(f"ALTER TABLE otel.{table} MODIFY SETTING {largest}")
        # An ALTER scans all parts even if it changes nothing.
        if ttl not in existing:
            timestamp = f"toDateTime({TIME_COLUMNS.get(table, 'TimeUnix')})"
            engine.run(f"ALTER TABLE otel.{table} MODIFY TTL {timestamp} + {ttl}")

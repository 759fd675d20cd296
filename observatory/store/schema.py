"""The tables and views, from the .sql files that a ClickHouse server takes as well."""

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
MOMENTS = {
    "otel_traces_trace_id_ts": "Start",
    "otel_traces": "Timestamp",
    "otel_logs": "Timestamp",
}
"""By which column a table's rows grow old; TimeUnix, where none is named."""
TABLES = (
    *MOMENTS,
    *(
        f"otel_metrics_{kind}"
        for kind in ("gauge", "sum", "histogram", "exponential_histogram", "summary")
    ),
)


LARGEST_PART, PARTS = 256 << 20, 32
"""Bytes, and how many at least make up the disk bound: so little goes at a time."""


def prepare(engine: Engine, retention_hours: int, disk_bytes: int) -> None:
    """Make what is missing, keep rows as long as asked, and parts small enough for the bound."""
    for name in FILES:
        engine.run((CLICKHOUSE / name).read_text())
    kept = f"toIntervalHour({retention_hours})"
    largest = f"max_bytes_to_merge_at_max_space_in_pool = {min(LARGEST_PART, disk_bytes // PARTS)}"
    for table in TABLES:
        made = engine.run(f"SHOW CREATE TABLE otel.{table}").decode()
        if not re.search(rf"{largest}\b", made):
            engine.run(f"ALTER TABLE otel.{table} MODIFY SETTING {largest}")
        # Even a change that changes nothing has all parts looked through.
        if kept not in made:
            moment = f"toDateTime({MOMENTS.get(table, 'TimeUnix')})"
            engine.run(f"ALTER TABLE otel.{table} MODIFY TTL {moment} + {kept}")

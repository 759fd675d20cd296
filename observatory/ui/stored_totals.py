"""Totals of what is stored, and the limits on it."""

from typing import Any

from observatory.ui.queries import Queries

_ROWS = """
SELECT sumIf(rows, table = 'otel_traces' AND database = 'otel') AS spans,
    sumIf(rows, table = 'otel_logs' AND database = 'otel') AS logs,
    sumIf(rows, startsWith(table, 'otel_metrics_') AND database = 'otel') AS points,
    sum(bytes_on_disk) AS disk_bytes
FROM system.parts WHERE active AND database != 'system'
"""
_MOMENTS = """
SELECT count() AS spans, toUnixTimestamp64Nano(min(Timestamp)) AS oldest,
    toUnixTimestamp64Nano(max(Timestamp)) AS newest FROM otel.otel_traces
"""


def stored_totals(queries: Queries) -> dict[str, Any]:
    """The content of /api/status."""
    rows, moments = queries.row(_ROWS), queries.row(_MOMENTS)
    some = moments["spans"] > 0
    settings, opened = queries.parts.settings, queries.parts.opened
    return {
        "stored": {name: rows[name] for name in ("spans", "logs", "points")},
        "disk_bytes": rows["disk_bytes"],
        "disk_limit": settings.disk_bytes,
        "retention_hours": settings.retention_hours,
        "oldest": str(moments["oldest"]) if some else None,
        "opened": opened
        and {"name": opened.name, "start": str(opened.start), "end": str(opened.end)},
        "newest": str(moments["newest"]) if some else None,
        "version": queries.row("SELECT version() AS version")["version"],
    }

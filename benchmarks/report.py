"""Prints a table, and writes the same figures as JSON to benchmarks/results."""

import json
import os
import platform
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table

RESULTS = Path(__file__).parent / "results"


def report(name: str, title: str, rows: Sequence[Mapping[str, object]]) -> None:
    """Print rows (the first one's keys are the columns) and write them to results/NAME.json."""
    table, columns = Table(title=title), list(rows[0]) if rows else []
    for column in columns:
        table.add_column(column, justify="left" if column == columns[0] else "right")
    for row in rows:
        table.add_row(*(f"{v:,.4g}" if isinstance(v, float) else str(v) for v in row.values()))
    Console(width=max(100, 16 * len(columns))).print(table)
    RESULTS.mkdir(exist_ok=True)
    machine = {"python": platform.python_version(), "machine": platform.machine()}
    machine["cores"] = str(os.cpu_count())
    at = datetime.now(UTC).isoformat(timespec="seconds")
    content = {"name": name, "title": title, "at": at, "machine": machine, "rows": rows}
    (RESULTS / f"{name}.json").write_text(json.dumps(content, indent=2) + "\n", "utf-8")

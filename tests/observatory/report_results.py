"""Reports over the same telemetry in both kinds of tables, with equal results.

reports.insert(Span(…), Number(…))
assert reports.rows("slo") == [{"service": "vitrine", "objective": "availability", …}, …]
"""

import json
import time
from collections import defaultdict
from datetime import datetime
from typing import Any

from observatory.store.engine import Engine
from observatory.store.schema import CLICKHOUSE
from tests.observatory import otel_rows, signoz_rows
from tests.observatory.report_telemetry import Telemetry

FLAVOURS = ("otel", "signoz")
REPORTS = {path.stem: path.read_text() for path in sorted((CLICKHOUSE / "reports").glob("*.sql"))}
TABLES = otel_rows.TABLES + signoz_rows.TABLES
AS_IS = "SETTINGS output_format_json_quote_denormals = 1 FORMAT JSONEachRow"
"""Non-finite numbers are texts: `nan`, `inf`."""
Rows = list[dict[str, Any]]


class Reports:
    """One `now` for all rows; tables are empty at first."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._flavour = "otel"
        self._now = time.time_ns() // 10**6 * 10**6  # SigNoz stores milliseconds for metrics
        for table in TABLES:
            engine.run(f"TRUNCATE TABLE {table}")

    def insert(self, *telemetry: Telemetry) -> None:
        """Store it, in all tables."""
        lines = defaultdict[str, list[str]](list)
        for each in telemetry:
            for module in (otel_rows, signoz_rows):
                for table, row in module.rows(each, self._now):
                    lines[table].append(json.dumps(row))
        for table, rows in lines.items():
            self._engine.run(f"INSERT INTO {table} FORMAT JSONEachRow\n" + "\n".join(rows))

    def rows(self, name: str, *unknown: str) -> Rows:
        """The rows of a report; columns that are `unknown` to SigNoz are empty there."""
        rows, theirs = (self.rows_of(name, flavour) for flavour in FLAVOURS)
        assert theirs == [row | dict.fromkeys(unknown, "") for row in rows]
        return rows

    def rows_of(self, name: str, flavour: str) -> Rows:
        """The rows of a report over one kind of tables."""
        return self.ask(REPORTS[name], flavour)

    def ask(self, sql: str, flavour: str) -> Rows:
        """The rows of a query on the views; no value is infinite or no number."""
        if flavour != self._flavour:
            self._engine.run((CLICKHOUSE / "views" / f"{flavour}.sql").read_text())
            self._flavour = flavour
        answer = self._engine.run(f"{sql}\n{AS_IS}").decode()
        rows = [json.loads(line) for line in answer.splitlines()]
        assert not {"nan", "-nan", "inf", "-inf"} & {str(v) for row in rows for v in row.values()}
        return rows

    def moment(self, ago: float, decimals: int = 3) -> str:
        """How the engine writes a time."""
        at = datetime.fromtimestamp((self._now - round(ago * 10**9)) / 10**9).astimezone()
        return at.strftime("%Y-%m-%d %H:%M:%S.%f")[: 20 + decimals if decimals else 19]

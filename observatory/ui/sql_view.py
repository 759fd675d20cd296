"""The SQL page: example reports, and the result of one read-only statement."""

import json
from itertools import takewhile
from pathlib import Path
from typing import Any

from observatory.memory_budget import reserve
from observatory.query.statements import parse_reader_statement
from observatory.runs.run import Run
from observatory.store.engine import EngineError
from observatory.store.schema import CLICKHOUSE
from observatory.ui.queries import Queries

FOLDER = CLICKHOUSE / "reports"
COMMENT, NOW = "--", "now()"


def reports(folder: Path = FOLDER, opened: Run | None = None) -> list[dict[str, Any]]:
    """Reports from .sql files; the leading comments are the title and the description.

    In the reports on an opened run, the end of the run stands for `now()`.
    """
    now = f"toDateTime({opened.end // 10**9})" if opened else NOW
    return [_report(path, now) for path in sorted(folder.glob("*.sql"))]


def _report(path: Path, now: str) -> dict[str, Any]:
    lines = path.read_text("utf-8").splitlines()
    comments = list(takewhile(lambda line: line.startswith(COMMENT), lines))
    title, *about = [line.removeprefix(COMMENT).strip() for line in comments] or [path.stem]
    return {
        "name": path.stem,
        "title": title,
        "about": " ".join(about).strip(),
        "sql": "\n".join(lines[len(comments) :]).strip().replace(NOW, now),
    }


EXACT = 2**53
"""Larger integers are sent as strings: JavaScript numbers are not exact beyond it."""
MAX_RESULT_BYTES = 8 << 20
"""Largest result in bytes."""
WEIGHT = 24
"""Memory of JSON as Python objects, as a multiple of its size (worst case: empty lists)."""


def run_statement(queries: Queries, sql: str) -> dict[str, Any]:
    """The result of a statement, at most `query_rows` rows.

    Raises:
        NotAllowed: the statement is not allowed for readers.
        EngineError: the statement is invalid, or exceeds a limit.
        TooManyQueries: too many queries are running.

    """
    statement = parse_reader_statement(queries.parts.engine, sql)
    found = queries.parts.sql_reader.query(statement.text, "JSONCompact")
    if len(found) > MAX_RESULT_BYTES:
        raise EngineError(f"The result is larger than {MAX_RESULT_BYTES >> 20} MB; select less.")
    reserve(WEIGHT * len(found))
    try:
        result = json.loads(found.decode(errors="replace"), parse_int=_exact)
    except RecursionError as error:
        raise EngineError("The result is nested too deeply.") from error
    most = queries.parts.settings.query_rows
    used = result.get("statistics", {})
    return {
        "columns": result["meta"],
        "rows": result["data"][:most],
        "truncated": len(result["data"]) > most,
        "seconds": used.get("elapsed", 0),
        "rows_read": used.get("rows_read", 0),
        "bytes_read": used.get("bytes_read", 0),
    }


def _exact(digits: str) -> int | str:
    return int(digits) if len(digits) < 16 or -EXACT <= int(digits) <= EXACT else digits

"""The SQL page: reports to start from, and the result of one statement that reads."""

import json
from itertools import takewhile
from pathlib import Path
from typing import Any

from observatory.memory_budget import take
from observatory.query.statements import reading
from observatory.store.engine import EngineError
from observatory.store.schema import CLICKHOUSE
from observatory.ui.queries import Queries

FOLDER = CLICKHOUSE / "reports"
COMMENT = "--"


def reports(folder: Path = FOLDER) -> list[dict[str, Any]]:
    """Each with what the comments that it begins with say: a title, then what it is about."""
    return [_report(path) for path in sorted(folder.glob("*.sql"))]


def _report(path: Path) -> dict[str, Any]:
    lines = path.read_text("utf-8").splitlines()
    comments = list(takewhile(lambda line: line.startswith(COMMENT), lines))
    title, *about = [line.removeprefix(COMMENT).strip() for line in comments] or [path.stem]
    return {
        "name": path.stem,
        "title": title,
        "about": " ".join(about).strip(),
        "sql": "\n".join(lines[len(comments) :]).strip(),
    }


EXACT = 2**53
"""Beyond it JavaScript's numbers are not exact: such integers are told as text."""
LARGEST = 8 << 20
"""Bytes of a result."""
WEIGHT = 24
"""How much larger JSON may become as Python's objects: lists of empty lists."""


def answered(queries: Queries, sql: str) -> dict[str, Any]:
    """Its result, at most as many rows as are set.

    Raises:
        NotAllowed: readers may not do this.
        EngineError: it is wrong, or takes more than it may.
        TooMany: there are too many at once.

    """
    statement = reading(queries.parts.engine, sql)
    found = queries.parts.visitors.query(statement.text, "JSONCompact")
    if len(found) > LARGEST:
        raise EngineError(f"The result is larger than {LARGEST >> 20} MB; select less of it.")
    take(WEIGHT * len(found))
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

"""Queries that are kept with the project, to start from."""

from itertools import takewhile
from pathlib import Path
from typing import Any

from observatory.schema import CLICKHOUSE

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

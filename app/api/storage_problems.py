"""Maps SQLite errors to problem details that say whether a retry helps."""

import logging
import sqlite3

from fastapi import FastAPI, Request
from starlette.responses import JSONResponse

from app.api.problems import Problem

FOR_THE_OPERATOR = "A retry does not help; inform the operator of this service."
BUSY = Problem(
    503,
    "storage-busy",
    "The database is busy",
    "Another writer holds the lock; nothing was written. Retry in a moment.",
    {"Retry-After": "1"},
)
FULL = Problem(
    507,
    "disk-full",
    "Disk full",
    f"The disk is full; nothing was written. {FOR_THE_OPERATOR}",
)
READ_ONLY = Problem(
    500,
    "storage-read-only",
    "The database can't be written",
    f"Its file or folder is read-only; nothing was written. {FOR_THE_OPERATOR}",
)
UNAVAILABLE = Problem(
    500,
    "storage-unavailable",
    "The database can't be opened or read",
    f"Its file is missing or forbidden, or the disk fails. {FOR_THE_OPERATOR}",
)
CORRUPT = Problem(
    500,
    "storage-corrupt",
    "The database is damaged",
    f"The content of its file is corrupt. {FOR_THE_OPERATOR}",
)
SCHEMA = Problem(
    500,
    "storage-schema",
    "The database lacks a table or a column",
    f"Something changed its file while the service was running. {FOR_THE_OPERATOR}",
)
OTHER = Problem(
    500,
    "storage-failed",
    "The database failed",
    f"This is a fault of the service, not of your request. {FOR_THE_OPERATOR}",
)
BY_CODE = {
    sqlite3.SQLITE_BUSY: BUSY,
    sqlite3.SQLITE_LOCKED: BUSY,
    sqlite3.SQLITE_FULL: FULL,
    sqlite3.SQLITE_READONLY: READ_ONLY,
    sqlite3.SQLITE_CANTOPEN: UNAVAILABLE,
    sqlite3.SQLITE_IOERR: UNAVAILABLE,
    sqlite3.SQLITE_PERM: UNAVAILABLE,
    sqlite3.SQLITE_CORRUPT: CORRUPT,
    sqlite3.SQLITE_NOTADB: CORRUPT,
}
"""By primary result code (https://www.sqlite.org/rescode.html)."""
MISSING = ("no such table", "no such fts5 table", "no such column", "has no column")
"""Parts of messages of errors that have only the generic code, SQLITE_ERROR."""

log = logging.getLogger(__name__)


def problem_of(error: sqlite3.Error) -> Problem:
    """The problem for an SQLite error."""
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
    if code == sqlite3.SQLITE_ERROR and any(each in str(error) for each in MISSING):
        return SCHEMA
    return BY_CODE.get(code & 0xFF, OTHER)


def install(app: FastAPI) -> None:
    """Respond to SQLite errors with problem details, and log them with their traceback."""

    @app.exception_handler(sqlite3.Error)
    async def storage(_: Request, error: sqlite3.Error) -> JSONResponse:
        problem = problem_of(error)
        log.error("the database failed: %s", problem.name, exc_info=error)
        return problem.response()

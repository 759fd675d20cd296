"""The page's SQL: results, bounds, and problems with the engine's message and no more."""

from typing import Any

import pytest

from observatory.composition import Parts
from observatory.query import reader
from observatory.store.engine import EngineError
from observatory.ui.responses import short_message
from observatory.ui.sql_view import reports
from tests.cases import cases
from tests.observatory.page_client import ROWS, Page, read_problem
from tests.observatory.stored_telemetry import MINUTE, NOW, StoredTelemetry, root


def test_a_result(page: Page, stored: StoredTelemetry) -> None:
    stored.trace(1, NOW - MINUTE, root())
    result = page.sql("SELECT name, count() AS spans FROM spans GROUP BY name")
    assert result["columns"] == [
        {"name": "name", "type": "LowCardinality(String)"},
        {"name": "spans", "type": "UInt64"},
    ]
    assert result["rows"] == [["GET /recommend", 1]]
    assert result["truncated"] is False
    assert result["rows_read"] == 1
    assert result["bytes_read"] > 0
    assert result["seconds"] >= 0


@cases(
    ("sql", "row"),
    [
        ("SELECT 9007199254740992, 9007199254740993", [9007199254740992, "9007199254740993"]),
        (f"SELECT -{2**53 + 1}, [{2**64 - 1}]", [f"-{2**53 + 1}", [f"{2**64 - 1}"]]),
        (f"SELECT toInt128('{2**127 - 1}')", [f"{2**127 - 1}"]),
        ("SELECT nan, inf, -inf, 0.5, 1e300", [None, None, None, 0.5, 1e300]),
        ("SELECT NULL, true, '', map('a', [1]), (1, 'x')", [None, True, "", {"a": [1]}, [1, "x"]]),
        ("SELECT toDateTime64('2030-01-02 03:04:05.5', 1)", ["2030-01-02 03:04:05.5"]),
        ("SELECT 'a\\'b\\n\\\\' -- said", ["a'b\n\\"]),
        ("SELECT 1 FORMAT Null", [1]),
        ("SELECT 1 FORMAT Pretty", [1]),
        ("1 + 1", [2]),
        ("SELECT unhex('ff')", ["\ufffd"]),
    ],
)  # fmt: skip
def test_values(page: Page, sql: str, row: list[Any]) -> None:
    assert page.sql(sql)["rows"] == [row]


@cases(("asked", "truncated"), [(ROWS - 1, False), (ROWS, False), (ROWS + 1, True)])
def test_rows_are_cut(page: Page, asked: int, truncated: bool) -> None:
    result = page.sql(f"SELECT number FROM numbers({asked})")
    assert (len(result["rows"]), result["truncated"]) == (min(asked, ROWS), truncated)
    assert len(page.sql(f"SELECT number FROM numbers({asked}) LIMIT 3 OFFSET 1")["rows"]) == 3


@cases(
    "sql",
    [
        "SHOW TABLES FROM otel",
        "DESCRIBE spans",
        "EXISTS spans",
        "SHOW CREATE TABLE otel.otel_traces",
        "EXPLAIN SELECT count() FROM spans",
        "(SELECT 1) UNION ALL (SELECT 2)",
        "WITH 1 AS x SELECT x;",
        "/* first */ SELECT 1 -- last",
    ],
)
def test_ways_to_read(page: Page, sql: str) -> None:
    assert page.sql(sql)["rows"]


@cases("report", reports(), ids=lambda report: str(report["name"]))
def test_reports_can_be_asked(page: Page, report: dict[str, Any]) -> None:
    assert page.sql(report["sql"])["columns"]


@cases(
    ("sql", "detail"),
    [
        ("SELECT 1 2", "Syntax error: failed at position 10 (2): 2."),
        ("SELECT FROM WHERE", "Syntax error"),
        ("SELECT nothing FROM spans", "Unknown expression identifier `nothing`"),
        ("SELECT * FROM nowhere", "Unknown table expression identifier 'nowhere'"),
        ("SELECT {x:String}", "Substitution `x` is not set."),
        ("SELECT 1; SELECT 2", "Syntax error (Multi-statements are not allowed)"),
        ("SELECT throwIf(1, '<b>boom</b>')", "<b>boom</b>: while executing"),
        ("SELECT repeat('x', 1000000000)", "Query memory limit exceeded"),
        ("SELECT number, repeat('x', 1000000) FROM numbers(40)", "The result is larger than 8 MB"),
    ],
)
def test_bad_statements(page: Page, sql: str, detail: str) -> None:
    problem = page.sql_problem(sql)
    assert problem["status"] == 400
    assert problem["detail"].startswith(detail)
    for noise in ("DB::Exception", "Code:", "version", "Stack", "formatQuery", "_ERROR)"):
        assert noise not in problem["detail"]


@cases(
    "sql",
    [
        "DROP TABLE otel.otel_traces",
        "INSERT INTO otel.otel_logs (Body) VALUES ('x')",
        "SELECT * FROM file('/etc/passwd')",
        "SELECT * APPLY(file) FROM (SELECT '/etc/passwd')",
        "SELECT arrayMap(file, ['/etc/passwd'])",
        "SELECT * FROM url('http://127.0.0.1/')",
        "SELECT * FROM (SELECT 1 SETTINGS max_execution_time = 0)",
        "SELECT 1 INTO OUTFILE '/tmp/x'",
        "SELECT sleep(3)",
        "SELECT aiGenerate('x', map())",
        "SELECT * FROM system.stack_trace",
        "SELECT 1 IN system.disks",
        "EXISTS default.`/etc/passwd`",
        "SELECT * FROM python(x)",
    ],
)
def test_what_readers_may_not_do(page: Page, sql: str) -> None:
    """All of it is in test_statements.py; here are the messages."""
    problem = page.sql_problem(sql)
    assert (problem["status"], problem["type"]) == (403, "urn:vitrine:problem:not-allowed")


def test_too_many_at_once(page: Page, page_parts: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "WAIT_SECONDS", 0)
    monkeypatch.setattr(page_parts.sql_reader, "_free", type(page_parts.sql_reader._free)())
    answer = page.client.post("/api/sql", json={"query": "SELECT 1"})
    assert answer.headers["retry-after"] == "1"
    problem = read_problem(answer)
    assert (problem["status"], problem["detail"]) == (
        503,
        "too many queries are running; retry in a moment",
    )
    assert page.get("traces")["traces"] == []  # those of the page itself go on


@cases(
    ("body", "status", "detail"),
    [
        (b"", 422, 'body: is not valid JSON; send {"query": "SELECT'),
        (b"SELECT 1", 422, "body: is not valid JSON"),
        (b"\xff", 422, "body: is not valid JSON"),
        (b"[" * 60_000, 422, "body: is not valid JSON"),
        (b'"SELECT 1"', 422, 'body: must be {"query"'),
        (b"{}", 422, 'body: must be {"query"'),
        (b'{"query": 1}', 422, 'body: must be {"query"'),
        (b'{"query": "SELECT 1", "limit": 3}', 422, 'body: must be {"query"'),
        (b'{"query": " \\n "}', 422, "query: is empty"),
        (b'{"query": "%s"}' % (b"x" * (64 << 10)), 413, "Send at most 65,536 bytes."),
        (b'{"query": "SELECT 1\\u0000"}', 400, ""),
        (b'{"query": "SELECT \\ud800"}', 400, ""),
    ],
)  # fmt: skip
def test_bodies(page: Page, body: bytes, status: int, detail: str) -> None:
    answer = page.client.post(
        "/api/sql", content=body, headers={"content-type": "application/json; charset=utf-8"}
    )
    problem = read_problem(answer)
    assert problem["status"] == status
    assert problem["detail"].startswith(detail)


@cases("kind", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_bodies_that_another_page_could_send(page: Page, kind: str) -> None:
    answer = page.client.post(
        "/api/sql", content=b'{"query": "SELECT 1"}', headers={"content-type": kind}
    )
    assert read_problem(answer)["status"] == 415


SYNTAX = "Code: 62. DB::Exception: Syntax error: x. (SYNTAX_ERROR)"
NESTED = "Code: 47. DB::Exception: Code: 47. DB::Exception: No (a). (UNKNOWN) (version 26.9.2.1)."
STACK = "Code: 1. DB::Exception: Oh. (BAD) (version 26.9.2.1 (official build)) Stack trace:\n0. x"


@cases(
    ("words", "left"),
    [
        (SYNTAX, "Syntax error: x."),
        (f"{NESTED} (UNKNOWN)", "No (a)."),
        (STACK, "Oh."),
        ("Something else", "Something else"),
        ("x" * 5000, "x" * 2000 + "…"),
    ],
)
def test_what_is_left_of_the_engines_words(words: str, left: str) -> None:
    assert short_message(EngineError(words)) == left

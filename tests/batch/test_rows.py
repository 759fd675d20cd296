"""What is read of JSON Lines, tables and plain lines."""

import gzip
from pathlib import Path

import pytest

from app.batch.rows import MAX_ROW, InputRow, read_rows
from app.catalogue.importers.row import Unreadable
from app.recommend.batch import RowReason
from tests.cases import cases

INVALID, MALFORMED = RowReason.INVALID, RowReason.MALFORMED


def read(folder: Path, name: str, content: bytes) -> list[InputRow]:
    path = folder / name
    path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    return list(read_rows(path, 5))


@cases(
    ("name", "content", "expected"),
    [
        ("q.txt", "stale bread\n\n tides \n", ["stale bread 5", "tides 5"]),
        ("q", "[a]\n", ["[a] 5"]),
        ("q.jsonl", '{"query": "tides", "limit": 2}\n', ["tides 2"]),
        ("q.jsonl", '{"query": "a"', [MALFORMED]),
        ("q.jsonl", '["a"]\n{"query": 5}\n{"query": "b", "k": 1}\n', [MALFORMED, INVALID, INVALID]),
        ("q.jsonl", '{"query": "a", "explain": true}\n', [INVALID]),
        ("q.jsonl", '{"query": "a", "user_id": "b"}\n', [INVALID]),
        ("q.jsonl", "[" * 100_000 + "\n", [MALFORMED]),
        ("q.jsonl", '{"query": "' + MAX_ROW * "a" + '"}', [MALFORMED]),
        ("q.txt", "a" * 501 + "\n\x00\n", [INVALID, INVALID]),
        ("q.csv", "ID,Query,limit\n7,stale bread,\n8,tides,3\n", ["stale bread 5", "tides 3"]),
        ("q.csv", 'query,categories\n"a,\nb",x; y\n,\n', ["a, b 5"]),
        ("q.tsv", "query\tlimit\na\tmany\na\t1\t2\n", [INVALID, MALFORMED]),
        ("q.csv", 'query\n"a\n', [MALFORMED]),
        ("q.csv.gz", "query\na\n", ["a 5"]),
    ],
)
def test_each_row_is_a_request_or_has_a_reason(
    tmp_path: Path, name: str, content: str, expected: list[str | RowReason]
) -> None:
    rows = read(tmp_path, name, content.encode())
    found = [f"{row.asked.query} {row.asked.limit}" if row.asked else row.reason for row in rows]
    assert found == expected
    assert [row.number for row in rows] == list(range(1, len(rows) + 1))
    assert all(bool(row.detail) is (row.asked is None) for row in rows)


def test_ids_and_callers_are_kept_and_digests_differ(tmp_path: Path) -> None:
    lines = b'{"query": "a", "id": 7, "traceparent": "00-1"}\n{"query": "a", "id": "b"}\n'
    first, second = read(tmp_path, "q.jsonl", lines)
    assert first.asked is not None
    assert (first.asked.id, first.asked.traceparent) == (7, "00-1")
    assert first.digest != second.digest
    assert second.position == len(lines)


@cases(
    ("content", "problem"),
    [
        ("", "no column query"),
        ("text\na\n", "no column query"),
        ("query,categorie\na,b\n", "columns that no row may have: categorie"),
        ("query,user_id,explain\na,b,\n", "columns that no row may have: explain, user_id"),
    ],
)
def test_a_table_with_other_columns_is_refused(tmp_path: Path, content: str, problem: str) -> None:
    with pytest.raises(Unreadable, match=problem):
        read(tmp_path, "q.csv", content.encode())

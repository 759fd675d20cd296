"""Rows from JSON Lines and CSV: good ones as documents, bad ones with line and reason."""

import io
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.catalogue.readers import MAX_LINE, Row, Unreadable, csv_rows, jsonl

GOOD = b'{"id": "bread", "title": "Bread", "text": "Bread is baked."}\n'
HEADER = b"id,title,text,category\n"


def jsonl_rows(content: bytes) -> list[Row]:
    return list(jsonl(io.BytesIO(content)))


def rows_of_csv(content: bytes) -> list[Row]:
    return list(csv_rows(io.BufferedReader(io.BytesIO(content))))


def ids(rows: list[Row]) -> list[str]:
    return [row.document.id for row in rows if row.document]


def assert_says(row: Row, reason: str) -> None:
    assert row.document is None
    assert re.search(reason, row.reason), row.reason


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"nonsense", "Invalid JSON"),
        (b'{"id": "x", "title": "X", "text": "un', "Invalid JSON"),
        (b"[1, 2]", "object"),
        (b"null", "object"),
        (b'{"id": "x", "title": "X"}', "text: Field required"),
        (b'{"id": "X Y", "title": "X", "text": "x"}', "id: String should match pattern"),
        (b'{"id": "x", "title": 5, "text": "x"}', "title: Input should be a valid string"),
        (b'{"id": "x", "title": "X", "text": " "}', "text: String should have at least 1"),
        (b'{"id": "x", "title": "X", "text": "x", "colour": "red"}', "colour: Extra inputs"),
        (b'{"id": "x", "title": "X", "text": "\\u0007"}', "text: .*U[+]0007; remove it"),
        (b'{"id": "x", "title": "X", "text": "\\ud800"}', "Invalid JSON"),
        (b'{"id": "x", "title": "X", "text": "\xff\xfe"}', "Invalid JSON: invalid unicode"),
        (b"[" * 10_000, "recursion limit"),
        (b"x" * (MAX_LINE + 1), f"is longer than {MAX_LINE} bytes"),
        (b"x" * (3 * MAX_LINE), f"is longer than {MAX_LINE} bytes"),
    ],
    ids=range(15),
)
def test_a_bad_line_has_its_number_and_reason(line: bytes, reason: str) -> None:
    rows = jsonl_rows(GOOD + b"\n" + line + b"\n" + GOOD.replace(b"bread", b"later"))
    assert ids(rows) == ["bread", "later"]
    assert [row.line for row in rows] == [1, 3, 4]
    assert_says(rows[1], reason)


@pytest.mark.parametrize("length", [MAX_LINE - 1, MAX_LINE, MAX_LINE + 1])
@pytest.mark.parametrize("end", [b"", b"\n"])
def test_a_line_may_be_just_so_long(length: int, end: bytes) -> None:
    padded = GOOD.rstrip(b"\n") + b" " * (length - len(GOOD) + 1)
    assert len(padded) == length
    rows = jsonl_rows(padded + end + (GOOD.replace(b"bread", b"later") if end else b""))
    assert ids(rows) == (["bread"] if length <= MAX_LINE else []) + (["later"] if end else [])
    assert rows[-1].line == (2 if end else 1)


def test_positions_are_bytes_read() -> None:
    long = b"x" * (2 * MAX_LINE + 7) + b"\n"
    content = GOOD + long + b"\r\n" + GOOD.rstrip(b"\n")
    positions = [row.position for row in jsonl_rows(content)]
    assert positions == [len(GOOD), len(GOOD) + len(long), len(content)]


def test_a_byte_order_mark_is_no_content() -> None:
    mark = b"\xef\xbb\xbf"
    assert ids(jsonl_rows(mark + GOOD)) == ["bread"]
    assert ids(rows_of_csv(mark + HEADER + b"bread,Bread,Baked.,cooking\n")) == ["bread"]


@given(st.binary(max_size=300))
def test_any_bytes_are_rows_that_can_be_told(content: bytes) -> None:
    rows = jsonl_rows(content)
    assert len(rows) <= content.count(b"\n") + 1
    for row in rows:
        assert row.document is not None or row.reason
        json.dumps([row.reason, row.raw], ensure_ascii=False).encode()


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"x,X", "text: Field required"),
        (b"x,X,text,cooking,more", "more fields than the header"),
        (b",X,text,", "id: String should match pattern"),
        (b"x,,text,", "title: String should have at least 1"),
        (b"x,X,\xff,", "text: .*unicode"),
        (b"x,X,a\x00b,", "text: .*U[+]0000; remove it"),
        (b"x,X," + b"x" * 140_000 + b",", "field larger than field limit"),
    ],
    ids=range(7),
)
def test_a_bad_csv_row_has_its_line_and_reason(line: bytes, reason: str) -> None:
    rows = rows_of_csv(HEADER + b"bread,Bread,Baked.,\n" + line + b"\nlater,L,Baked.,\n")
    assert ids(rows) == ["bread", "later"]
    assert [row.line for row in rows] == [2, 3, 4]
    assert_says(rows[1], reason)


def test_csv_values_may_span_lines_and_hold_commas() -> None:
    (row,) = rows_of_csv(HEADER + b'bread,"Bread, baked","One line\nand ""another""",cooking\r\n')
    assert row.document is not None
    assert row.document.title == "Bread, baked"
    assert row.document.text == 'One line\nand "another"'


def test_csv_columns_beside_the_known_are_left_out() -> None:
    (row,) = rows_of_csv(b"colour,text,title,id\nred,Baked.,Bread,bread\n")
    assert row.document is not None
    assert (row.document.id, row.document.category) == ("bread", "")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "no column id, text, title"),
        (b"id,text\n", "no column title"),
        (b"\xff\xfe\x00i\x00d", "no column id, text, title"),
        (b"x" * 140_000, "header cannot be read"),
    ],
)
def test_a_csv_file_without_the_columns_is_unreadable(content: bytes, sentence: str) -> None:
    with pytest.raises(Unreadable, match=sentence):
        rows_of_csv(content)

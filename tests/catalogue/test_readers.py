"""Rows from JSON and CSV: good ones as documents, bad ones with line, reason and text."""

import csv
import gzip
import io
import json
import re
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.catalogue.importer import rows_of
from app.catalogue.importers import csv_files
from app.catalogue.importers.json_files import MAX_LINE, strict_json_lines
from app.catalogue.importers.row import Notes, Row, Unreadable
from app.catalogue.importers.source import Source
from app.recommend.types import Document
from tests.cases import cases

GOOD = '{"id": "bread", "title": "Bread", "text": "Baked."}'
LATER = GOOD.replace("bread", "later")
BREAD = Document("bread", "Bread", "Baked.")
HEADER = "id,title,text,category\n"


def strict_rows(content: bytes) -> list[Row]:
    return list(strict_json_lines(io.BytesIO(content)))


def read(folder: Path, name: str, content: str | bytes, notes: Notes | None = None) -> list[Row]:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return list(rows_of(path, Counter() if notes is None else notes))


def documents(rows: list[Row]) -> list[Document]:
    assert all(row.document for row in rows), [row.reason for row in rows]
    return [row.document for row in rows if row.document]


def ids(rows: list[Row]) -> list[str]:
    return [row.document.id for row in rows if row.document]


def assert_rejected(row: Row, reason: str, raw: str = "") -> None:
    assert row.document is None
    assert re.search(reason, row.reason), row.reason
    assert raw in row.raw


@cases(
    ("line", "reason"),
    [
        (b"nonsense", "Invalid JSON"),
        (b'{"id": "x", "title": "X", "text": "un', "Invalid JSON"),
        (b"[1, 2]", "object"),
        (b'{"id": "x", "title": "X"}', "text: Field required"),
        (b'{"id": "X Y", "title": "X", "text": "x"}', "id: String should match pattern"),
        (b'{"id": "x", "title": 5, "text": "x"}', "title: Input should be a valid string"),
        (b'{"id": "x", "title": "X", "text": "x", "colour": "red"}', "colour: Extra inputs"),
        (b'{"id": "x", "title": "X", "text": "\\u0007"}', "text: .*U[+]0007; remove it"),
        (b'{"id": "x", "title": "X", "text": "\xff\xfe"}', "Invalid JSON: invalid unicode"),
        (b"[" * 10_000, "recursion limit"),
        (b"x" * (MAX_LINE + 1), f"is longer than {MAX_LINE} bytes"),
    ],
    ids=range(11),
)
def test_the_lines_of_the_api_are_strict(line: bytes, reason: str) -> None:
    rows = strict_rows(f"{GOOD}\n\n".encode() + line + f"\n{LATER}".encode())
    assert ids(rows) == ["bread", "later"]
    assert [row.line for row in rows] == [1, 3, 4]
    assert_rejected(rows[1], reason)


@cases("length", [MAX_LINE - 1, MAX_LINE, MAX_LINE + 1])
@cases("end", [b"", b"\n"])
def test_a_line_may_be_just_so_long(length: int, end: bytes) -> None:
    padded = GOOD.encode().ljust(length)
    rows = strict_rows(padded + end + (LATER.encode() if end else b""))
    assert ids(rows) == (["bread"] if length <= MAX_LINE else []) + (["later"] if end else [])
    assert rows[-1].position == length + (len(end) + len(LATER) if end else 0)


@given(st.binary(max_size=300))
def test_any_bytes_are_rows_that_can_be_written_down(content: bytes) -> None:
    rows = strict_rows(content)
    assert len(rows) <= content.count(b"\n") + 1
    for row in rows:
        assert row.document is not None or row.reason
        json.dumps([row.reason, row.raw], ensure_ascii=False).encode()


TABLE = "id,title,text\nbread,Bread,Baked.\n"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.jsonl", GOOD),
        ("a.jsonl", GOOD + ","),
        ("a.ndjson", GOOD + "\r"),
        ("a.jsonl", f"\n[{GOOD}]"),
        ("a.json", json.dumps([json.loads(GOOD)], indent=1)),
        ("a.json", json.dumps(json.loads(GOOD), indent=1)),
        ("a.jsonl.gz", gzip.compress(GOOD.encode(), mtime=0)),
        ("a.jsonl", GOOD.encode("utf-8-sig")),
        ("a.jsonl", "\n\ufeff\x1e" + GOOD),
        ("a.jsonl", GOOD.encode("utf-16")),
        ("a.jsonl", GOOD.encode("utf-16-le")),
        ("a.jsonl", GOOD.replace('"id"', '"_id"')),
        ("a.jsonl", GOOD.replace('"id"', '"ID "')),
        ("a.jsonl", GOOD.replace('"id"', '"url": null, "category": "", "tags": [], "id"')),
        ("a.csv", TABLE),
        ("a.csv", "ID, Title ,TEXT\nbread, Bread, Baked."),
        ("a.csv", TABLE.replace(",", ";")),
        ("a.csv", "sep=;\n" + TABLE.replace(",", ";")),
        ("a.tsv", TABLE.replace(",", "\t")),
        ("a.csv", TABLE.replace("\n", "\r\n")),
        ("a.csv", TABLE.replace("\n", "\r")),
        ("a.csv", TABLE.encode("utf-16")),
        ("a.csv", TABLE.encode("utf-16-be")),
        ("a.csv", TABLE.replace("Baked.", '"Baked."') + "\ufeffid,title,text\n,,\n"),
        ("a.csv", "_id," + TABLE.replace("\nb", "\n7,b")),
        ("a.csv", 'colour,text,title,id\nred,"Baked.","Bread","bread",,\n\n'),
        ("a.csv.gz", gzip.compress(TABLE.encode(), mtime=0)),
    ],
)
def test_every_usual_way_to_write_a_document_is_read(
    tmp_path: Path, name: str, content: str | bytes
) -> None:
    assert documents(read(tmp_path, name, content)) == [BREAD]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"id": 42, "title": 1984}, {"id": "42", "title": "1984"}),
        ({"id": "DOC_001:x"}, {"id": "DOC_001:x"}),
        ({"title": None, "text": "# One line\nand more"}, {"title": "One line"}),
        ({"title": " a\tb\n"}, {"title": "a b"}),
        ({"id": "x", "_id": 7}, {"id": "x"}),
        ({"category": ["one", "two"]}, {"category": "one"}),
        ({"category": "long " * 20}, {"category": "long " * 11 + "long…"}),
        ({"title": ["One"], "url": []}, {"title": "One", "url": ""}),
        ({"title": {"en": "One"}, "category": True, "url": False}, {"title": "Baked.", "url": ""}),
        ({"title": float("nan"), "url": float("inf")}, {"title": "Baked.", "url": ""}),
        ({"title": "\u200b\u00ad"}, {"title": "Baked."}),
        ({"url": "/local"}, {"url": ""}),
        ({"url": "HTTPS://a.b/C"}, {"url": "HTTPS://a.b/C"}),
        ({"text": "Page\fbreak\r\nand\x85line"}, {"text": "Page\nbreak\nand\nline"}),
        ({"text": "x" * 1_000_000}, {"text": "x" * 1_000_000}),
    ],
)
def test_one_rule_for_what_a_field_may_hold(
    tmp_path: Path, fields: dict[str, object], expected: dict[str, str]
) -> None:
    (found,) = documents(read(tmp_path, "a.jsonl", json.dumps(json.loads(GOOD) | fields)))
    assert {name: getattr(found, name) for name in expected} == expected


def test_what_was_changed_is_counted(tmp_path: Path) -> None:
    notes: Notes = Counter()
    odd = {"id": "https://a/b", "title": "long " * 100, "text": "x", "url": "b", "tags": []}
    (found,) = documents(read(tmp_path, "a.jsonl", json.dumps(odd), notes))
    assert re.fullmatch(r"https-a-b-[0-9a-f]{12}", found.id)
    assert found.title.endswith("long…")
    assert found.text == ("long " * 100).strip() + "\n\nx"
    assert [each.split()[0] for each in sorted(notes)] == ["field", "ids", "titles", "urls"]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("nonsense", "Invalid JSON"),
        ("[1, 2]", "expected an object, found a list"),
        ('{"id": "x", "body": "X"}', "text is missing or empty; found: body, id"),
        ('{"id": "x", "text": {"en": "x"}}', "text: expected text, found an object"),
        ('{"id": NaN, "text": "x"}', "id is missing or empty"),
        ('{"id": "x", "text": "\\u200b"}', "text is missing or empty"),
        (f"{GOOD} oops", "Invalid JSON"),
        ('{"id": true, "text": "x"}', "id: expected text, found true or false"),
        ('{"id": "x", "text": "x", "text": "y"}', "text is given twice"),
        ('{"id": "x", "text": "\\u0000"}', r"text: contains .* U\+0000; remove it"),
        ('{"id": "x", "text": "\\ud83d"}', "text: contains half of a character"),
        ("[" * 10_000, "recursion limit"),
        (json.dumps({"id": "x", "text": "x" * 1_000_001}), "1,000,001 characters; at most"),
        ("x" * (MAX_LINE + 1), f"is longer than {MAX_LINE}"),
    ],
    ids=range(14),
)
def test_a_bad_json_row_stops_no_other(tmp_path: Path, line: str, reason: str) -> None:
    rows = read(tmp_path, "a.jsonl", f"{GOOD}\n\n{line}\n{LATER}")
    assert ids(rows) == ["bread", "later"]
    assert [row.line for row in rows] == [1, 3, 4]
    assert_rejected(rows[1], reason, line[:1000])


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (f"[{GOOD}, {{oops}}, {LATER}]", "Invalid JSON: .*; nothing after it was read"),
        (f"[{GOOD}, 5, {LATER}]", "expected an object, found a number"),
        (f"[{GOOD}", "the array has no end"),
    ],
)
def test_of_an_array_nothing_is_guessed(tmp_path: Path, content: str, reason: str) -> None:
    rows = read(tmp_path, "a.json", content)
    assert ids(rows)[0] == "bread"
    assert_rejected(rows[1], reason)
    assert len(rows) == 2 + ("5" in content)


def test_values_one_after_the_other_on_a_line(tmp_path: Path) -> None:
    assert ids(read(tmp_path, "a.jsonl", f"{GOOD}\n{LATER}{GOOD}")) == ["bread", "later", "bread"]


def test_a_number_is_taken_as_it_is_written(tmp_path: Path) -> None:
    number = "9" * 5_000
    (found,) = documents(read(tmp_path, "a.jsonl", f'{{"id": 1E2, "text": {number}}}'))
    assert (found.id, found.text) == ("1E2", number)


def test_an_array_is_read_in_parts(tmp_path: Path) -> None:
    many = [{"id": f"d{number}", "text": "x" * 5_000} for number in range(100)]
    rows = read(tmp_path, "a.json", json.dumps(many, indent=2))
    assert ids(rows) == [each["id"] for each in many]
    assert rows[-1].line == 2 + 99 * 4


@pytest.mark.parametrize(
    ("lines", "expected", "reason"),
    [
        ("x,X,text,cooking,more", [], "has 5 fields, more than the header's 4"),
        ("x,X", [], "text is missing or empty"),
        (",X,text,", [], "id is missing or empty"),
        ("x,X,a\0b,", [], r"U\+0000; remove it"),
        ('x,X,"He said "hello" to me",', [], "a quote inside quotes must be doubled"),
        ('x,X,"""He"" said", ', ["x"], ""),
        ('x,X,5" pipe,', ["x"], ""),
        ('x,X,"a\nfake,Fake,text,\nb",', ["x"], ""),
        # a quote that opens by mistake: rows up to the next one are kept as text
        ('x,X,"open\nb0,B,text,\nb1,B,"text, here",', [], "lines 3 to 5: a quote inside"),
        # a quote that ends too early: the lines up to the true end are no rows
        ('x,X,"a "b" c\nfake,Fake,text,\nend",', [], "a quote inside quotes must be doubled"),
    ],
)
def test_a_bad_csv_record_stops_no_other_and_makes_none(
    tmp_path: Path, lines: str, expected: list[str], reason: str
) -> None:
    rows = read(tmp_path, "a.csv", f"{HEADER}bread,Bread,Baked.,\n{lines}\nlater,L,Baked.,\n")
    assert ids(rows) == ["bread", *expected, "later"]
    if reason:
        assert_rejected(rows[1], reason, lines)
        assert rows[1].line == 3


def test_a_quote_without_an_end_makes_no_documents_and_loses_no_text(tmp_path: Path) -> None:
    lost = 'x,X,"open\n' + "".join(f"b{number},B,text,\n" for number in range(9))
    rows = read(tmp_path, "a.csv", f"{HEADER}bread,Bread,Baked.,\n{lost}")
    assert ids(rows) == ["bread"]
    assert_rejected(rows[1], "begins here has no end: lines 3 to 12", lost)


@pytest.mark.parametrize("size", [200_000, csv_files.MAX_RECORD])
@pytest.mark.parametrize("between", ["", "\nfake,Fake,text,"])
def test_a_large_csv_field_is_one_field(tmp_path: Path, size: int, between: str) -> None:
    part = "x" * 1000 + between
    field = part * (size // len(part))
    rows = read(tmp_path, "a.csv", f'{HEADER}x,X,"{field}",\nlater,L,Baked.,\n')
    assert ids(rows) == (["x"] if size < 1_000_000 else []) + ["later"]
    assert rows[-1].line == 3 + field.count("\n")


@given(st.text(st.sampled_from('a,"\n\r '), max_size=40))
def test_csv_that_is_right_is_read_as_python_does(text: str) -> None:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True, skipinitialspace=True)
    try:
        expected = [row for row in reader if row]
    except csv.Error:
        return
    source = Source(io.StringIO(text, newline=""), "utf-8", io.BytesIO())
    records = list(csv_files._records(csv_files._Lines(source), ","))
    lines = [each.text for each in records if each.text.strip("\r\n")]
    assert (
        any(each.problem for each in records)
        or [csv_files._parsed(line, ",") for line in lines] == expected
    )


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("a.csv", b"", "empty"),
        ("a.csv", b"id,title,content\n", "no column text; it has: id, title, content"),
        ("a.csv", b"id,text,text\n", "has text twice"),
        ("a.csv", b"x" * 1_100_000, "header cannot be read"),
        ("a.csv", "id,text\nа,Хранение хлеба\n".encode("cp1251"), "neither UTF-8"),
        ("a.csv.gz", gzip.compress(TABLE.encode(), mtime=0)[:-9], "damaged or cut off"),
        ("a.pdf", b"", "end in .jsonl, .ndjson, .json, .csv"),
    ],
)
def test_a_file_that_is_no_source_says_what_was_found(
    tmp_path: Path, name: str, content: bytes, sentence: str
) -> None:
    with pytest.raises(Unreadable, match=sentence):
        read(tmp_path, name, content)


def test_western_text_is_read_and_a_damaged_utf8_row_is_refused(tmp_path: Path) -> None:
    notes: Notes = Counter()
    (found,) = documents(read(tmp_path, "a.csv", "id,text\na,Le café\n".encode("cp1252"), notes))
    assert found.text == "Le café"
    assert "read as Windows-1252" in next(iter(notes))
    rows = read(tmp_path, "b.csv", "id,text\na,Le café à côté\n".encode() + b"b,caf\xe9\n")
    assert ids(rows) == ["a"]
    assert_rejected(rows[1], "text: contains the byte 0xE9")


@pytest.mark.parametrize("end", [b"\0", b"\0\xd8a\0\n\0"])
def test_a_damaged_utf16_row_is_refused_alone(tmp_path: Path, end: bytes) -> None:
    rows = read(tmp_path, "a.csv", b"\xff\xfe" + "id,text\na,x\nb,".encode("utf-16-le") + end)
    assert ids(rows) == ["a"]
    assert_rejected(rows[1], "contains half of a character")


def test_zeros_at_the_end_do_not_make_it_utf16(tmp_path: Path) -> None:
    assert ids(read(tmp_path, "a.csv", TABLE.encode() + bytes(100))) == ["bread"]

"""Reads documents from CSV, with commas, semicolons, tabs or bars as delimiters.

The end of each record is found first, by the rules of RFC 4180; then the csv module parses the
record. After a quote that breaks these rules, the following lines are skipped if the next quote
shows that they are inside quotes: a part of a text never becomes a document.
"""

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto
from itertools import zip_longest

from app.catalogue.importers.row import (
    FIELDS,
    MAX_RAW,
    Notes,
    Row,
    Unreadable,
    field_names,
    note,
    row_of,
)
from app.catalogue.importers.source import CHUNK, Source

MAX_RECORD = 8_388_608
"""Maximum length of a record in characters."""
LOOK_AHEAD = 1_000
"""Number of lines after a broken record that are searched for a quote."""
DELIMITERS = ",;\t|"
_SEPARATOR_LINE = re.compile(r"sep=(?P<mark>.)\s*", re.IGNORECASE)


class _State(Enum):
    START = auto()  # of a field
    BARE = auto()  # in a field without quotes
    QUOTED = auto()
    CLOSED = auto()  # after a quote inside quotes: the end, or the first of a pair
    END = auto()  # of the record
    BROKEN = auto()


@dataclass(frozen=True, slots=True)
class _Record:
    """A record that begins at `line`; `problem`: why it is invalid, if it is."""

    line: int
    text: str
    problem: str = ""


def csv_rows(source: Source, notes: Notes) -> Iterator[Row]:
    """The rows below a header with id, text and optionally title, category, url.

    `position` is in bytes. Raises Unreadable.
    """
    csv.field_size_limit(MAX_RECORD)
    lines = _Lines(source)
    header, delimiter = _header(lines)
    for record in _records(lines, delimiter):
        if record.problem:
            raw = record.text[:MAX_RAW]
            yield Row(record.line, source.position, None, record.problem, raw)
        elif row := _row(record, header, delimiter, source.position, notes):
            yield row


def _row(
    record: _Record, header: list[str], delimiter: str, position: int, notes: Notes
) -> Row | None:
    """The row of a record; None if all its fields are empty, or if it repeats the header."""
    values = _parsed(record.text, delimiter)
    bare = [value.strip() for value in values]
    if bare == header:
        note(notes, "repeated header lines skipped")
    if bare == header or not any(bare):
        return None
    while len(values) > len(header) and not values[-1].strip():
        values.pop()
    if len(values) > len(header):
        reason = f"has {len(values)} fields, more than the header's {len(header)}"
        return Row(record.line, position, None, reason, record.text[:MAX_RAW])
    fields = {name: value for name, value in zip_longest(header, values) if name}
    return row_of(record.line, position, fields, notes, record.text)


def _parsed(text: str, delimiter: str) -> list[str]:
    reader = csv.reader([text], delimiter=delimiter, skipinitialspace=True, strict=True)
    return next(reader, [])


class _Lines:
    """Lines of a source, with push-back; a line longer than CHUNK comes in several parts."""

    def __init__(self, source: Source) -> None:
        self._text, self._pushed_back = source.text, list[str]()
        self.number = 0

    def next(self) -> str:
        line = self._pushed_back.pop() if self._pushed_back else self._text.readline(CHUNK)
        self.number += _ended(line)
        return line

    def put_back(self, lines: list[str]) -> None:
        self._pushed_back += reversed(lines)
        self.number -= sum(map(_ended, lines))


def _ended(line: str) -> bool:
    return line.endswith(("\n", "\r"))


def _header(lines: _Lines) -> tuple[list[str], str]:
    """The names of the columns, and the delimiter. Raises Unreadable."""
    line = "\n"
    while line and not line.strip():
        line = lines.next()
    marks = DELIMITERS
    if separator := _SEPARATOR_LINE.fullmatch(line):  # as written by Excel
        marks, line = separator["mark"], lines.next()
    if len(line) >= CHUNK:
        raise Unreadable("the CSV header cannot be read: its line has no end")
    readings = {mark: _names(line, mark) for mark in marks}
    fitting = [mark for mark in marks if {"id", "text"} <= set(field_names(readings[mark]))]
    mark = (fitting or sorted(marks, key=lambda each: -len(readings[each])))[0]
    names, folded = readings[mark], field_names(readings[mark])
    given = ", ".join(filter(None, names))[:300] or "nothing"
    if not line:
        raise Unreadable("the file is empty")
    if missing := sorted({"id", "text"} - set(folded)):
        raise Unreadable(f"the CSV header has no column {', '.join(missing)}; it has: {given}")
    if twice := sorted({each for each in folded if each in FIELDS and folded.count(each) > 1}):
        raise Unreadable(f"the CSV header has {', '.join(twice)} twice; it has: {given}")
    return names, mark


def _names(line: str, mark: str) -> list[str]:
    try:
        return [name.strip() for name in _parsed(line, mark)]
    except csv.Error:
        return []


def _records(lines: _Lines, delimiter: str) -> Iterator[_Record]:
    while line := lines.next():
        line = line.removeprefix("\ufeff")  # in concatenated files
        first = lines.number if _ended(line) else lines.number + 1
        scan = _Scan(delimiter)
        if '"' not in line and _ended(line):
            yield _Record(first, line)
            continue
        parts, size = [line], len(line)
        while scan.feed(line) not in (_State.END, _State.BROKEN) and (line := lines.next()):
            size += len(line)
            if size <= MAX_RECORD:
                parts.append(line)
        text = "".join(parts)
        if scan.state is _State.BROKEN:
            text += _rest(lines, line) + _still_quoted(lines, delimiter)
            yield _Record(first, text, _broken(first, lines.number))
        elif scan.state is _State.QUOTED:
            span = f"lines {first} to {lines.number} (the last one) were skipped"
            yield _Record(first, text, f"a quote that begins here has no end: {span}")
        elif size > MAX_RECORD:
            yield _Record(first, text, f"is longer than {MAX_RECORD:,} characters")
        else:
            yield _Record(first, text)


def _broken(first: int, last: int) -> str:
    where = f"lines {first} to {last}" if last > first else "this line"
    return f"{where}: a quote inside quotes must be doubled; nothing may follow a closing quote"


def _rest(lines: _Lines, line: str) -> str:
    """The rest of a line that was read in parts."""
    rest = ""
    while line and not _ended(line) and (line := lines.next()):
        rest = (rest + line)[:MAX_RAW]
    return rest


def _still_quoted(lines: _Lines, delimiter: str) -> str:
    """The next lines, if they are still inside quotes; else empty.

    They are if the next quote is followed by a delimiter or the end of the line, but does not
    follow one: such a quote closes a field that began earlier.
    """
    seen: list[str] = []
    while len(seen) < LOOK_AHEAD and (line := lines.next()):
        seen.append(line)
        if (at := line.find('"')) >= 0:
            opens = not line[:at].strip(" ") or line[:at].rstrip(" ").endswith(delimiter)
            closes = line[at + 1 : at + 2] in (delimiter, "\n", "\r", "")
            if closes and not opens:
                return "".join(seen)
            break
    lines.put_back(seen)
    return ""


class _Scan:
    """State machine that finds the end of a record, fed with parts of the text."""

    def __init__(self, delimiter: str) -> None:
        self.state = _State.START
        self._delimiter = delimiter
        self._stop = re.compile(f"[{re.escape(delimiter)}\r\n]")

    def feed(self, text: str) -> _State:
        at = 0
        while at < len(text) and self.state not in (_State.END, _State.BROKEN):
            if self.state is _State.QUOTED:
                at = self._to_quote(text, at)
            elif self.state is _State.BARE:
                at = self._to_stop(text, at)
            else:
                at = self._one(text, at)
        return self.state

    def _to_quote(self, text: str, at: int) -> int:
        found = text.find('"', at)
        if found < 0:
            return len(text)
        self.state = _State.CLOSED
        return found + 1

    def _to_stop(self, text: str, at: int) -> int:
        found = self._stop.search(text, at)
        if found is None:
            return len(text)
        self.state = _State.START if found[0] == self._delimiter else _State.END
        return found.end()

    def _one(self, text: str, at: int) -> int:
        char = text[at]
        if self.state is _State.START:
            if char == " ":
                return at + 1
            self.state = _State.QUOTED if char == '"' else _State.BARE
            return at + (char == '"')
        after = {'"': _State.QUOTED, self._delimiter: _State.START}
        ends = {"\n": _State.END, "\r": _State.END}
        self.state = (after | ends).get(char, _State.BROKEN)
        return at + 1

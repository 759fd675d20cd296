"""Reads documents from JSON: one object per line, concatenated objects, or an array of objects."""

import codecs
import json
from collections.abc import Iterator
from typing import IO, Any, TextIO

from pydantic import ValidationError

from app.catalogue.importers.row import (
    MAX_RAW,
    Notes,
    Number,
    Row,
    kind_of,
    reason_of,
    row_of,
    shown,
)
from app.catalogue.importers.source import Source
from app.catalogue.incoming_documents import IncomingDocument

MAX_LINE = 8_388_608
"""Enough for a text of a million characters, each written as `\\uXXXX`."""
_BETWEEN = " \t\r\n,\x1e\ufeff"
"""Characters allowed between values, also in concatenated files."""


def strict_json_lines(lines: IO[bytes]) -> Iterator[Row]:
    """One document per line, with exactly the fields of the API; `position` is in bytes."""
    position = number = 0
    while raw := lines.readline(MAX_LINE + 1):
        number += 1
        position += len(raw)
        if len(raw) > MAX_LINE and not raw.endswith(b"\n"):
            while (rest := lines.readline(MAX_LINE)) and not rest.endswith(b"\n"):
                position += len(rest)
            position += len(rest)
            yield Row(number, position, None, f"is longer than {MAX_LINE} bytes", shown(raw))
        elif raw.strip():
            yield _strict_row(number, position, raw)


def _strict_row(number: int, position: int, raw: bytes) -> Row:
    try:
        content = raw.removeprefix(codecs.BOM_UTF8)
        document = IncomingDocument.model_validate_json(content).as_document()
    except ValidationError as error:
        return Row(number, position, None, reason_of(error), shown(raw))
    return Row(number, position, document)


def json_rows(source: Source, notes: Notes) -> Iterator[Row]:
    """Objects, one per line, in one array, or concatenated; `position` is in bytes."""
    number, line = 0, "\n"
    while line and not line.strip():
        line = source.text.readline(MAX_LINE + 1)
        number += 1
    start = line.strip(_BETWEEN)
    if start.startswith("[") or start == "{":
        yield from _values(source, line, number, notes)
    else:
        yield from _lines(source, line, number, notes)


def _lines(source: Source, line: str, number: int, notes: Notes) -> Iterator[Row]:
    while line:
        if len(line) > MAX_LINE and not line.endswith(("\n", "\r")):
            rest = line
            while rest and not rest.endswith(("\n", "\r")):
                rest = source.text.readline(MAX_LINE)
            reason = f"is longer than {MAX_LINE} characters"
            yield Row(number, source.position, None, reason, line[:MAX_RAW])
        else:
            yield from _line_rows(line, number, source.position, notes)
        line = source.text.readline(MAX_LINE + 1)
        number += 1


def _line_rows(line: str, number: int, position: int, notes: Notes) -> Iterator[Row]:
    """The values of a line, usually one; commas between them are ignored."""
    values, content = [], line.strip(_BETWEEN)
    try:
        while content:
            value, end = _DECODER.raw_decode(content)
            values.append(value)
            content = content[end:].lstrip(_BETWEEN)
    except (ValueError, RecursionError) as error:
        yield Row(number, position, None, f"Invalid JSON: {_message(error)}", line[:MAX_RAW])
        return
    for value in values:
        yield _value_row(value, number, position, notes, line)


def _value_row(value: Any, line: int, position: int, notes: Notes, raw: str) -> Row:
    if not isinstance(value, dict):
        reason = f"expected an object, found {kind_of(value)}"
        return Row(line, position, None, reason, raw[:MAX_RAW])
    return row_of(line, position, value, notes, raw)


def _values(source: Source, buffer: str, line: int, notes: Notes) -> Iterator[Row]:
    """JSON values in an array, or concatenated.

    An invalid value is the last row, because the start of the next one is unknown.
    """
    text: TextIO = source.text
    brackets = 0
    while True:
        start = len(buffer) - len(buffer.lstrip(f"{_BETWEEN}[]"))
        skipped, buffer = buffer[:start], buffer[start:]
        brackets += skipped.count("[") - skipped.count("]")
        line += skipped.count("\n")
        if not buffer:
            if buffer := text.read(MAX_RAW):
                continue
            break
        try:
            value, end = _DECODER.raw_decode(buffer)
            if end == len(buffer) and not isinstance(value, dict) and (more := text.read(MAX_RAW)):
                buffer += more  # a number may continue
                continue
        except (ValueError, RecursionError) as error:
            more = "" if len(buffer) > MAX_LINE else text.read(max(MAX_RAW, len(buffer)))
            if more:
                buffer += more
                continue
            reason = f"Invalid JSON: {_message(error)}; nothing after it was read"
            yield Row(line, source.position, None, reason, buffer[:MAX_RAW])
            return
        raw, buffer = buffer[:end], buffer[end:]
        yield _value_row(value, line, source.position, notes, raw)
        line += raw.count("\n")
    if brackets > 0:
        yield Row(line, source.position, None, "the array has no end; is the file complete?")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise _Repeated(next(name for name in names if names.count(name) > 1))
    return found


class _Repeated(ValueError):
    """A key occurs twice in an object."""


def _message(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "recursion limit exceeded"
    return f"{error} is given twice" if isinstance(error, _Repeated) else str(error)


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object,
    parse_int=Number,
    parse_float=Number,
    parse_constant=lambda _: None,  # NaN, used by some programs for missing values
)

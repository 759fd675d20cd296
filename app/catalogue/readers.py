"""Documents from JSON Lines, CSV or a folder of Markdown. A bad row never stops a good one."""

import codecs
import csv
import io
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from pydantic import ValidationError

from app.catalogue.incoming import IncomingDocument
from app.recommend.types import Document
from app.recommend.words import words

MAX_LINE = 262_144
_FRONT_MATTER = re.compile(r"\A---\n(?P<fields>.*?)^---\n", re.DOTALL | re.MULTILINE)
_JOINERS = re.compile("[-\u2010\u2011'\u2019]")
_HEADING = re.compile(r"^#\s+(?P<title>.+?)\s*#*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a source: a document, or the reason why it is none.

    `line` counts from 1; `position` is how far into the source this is, in its own units.
    """

    line: int
    position: int
    document: Document | None
    reason: str = ""
    raw: str = ""


class Unreadable(Exception):
    """The source as a whole is not something to import; says what would be."""


def jsonl(lines: IO[bytes]) -> Iterator[Row]:
    """One JSON object a line; empty lines are skipped. Position: bytes."""
    position = number = 0
    while raw := lines.readline(MAX_LINE + 1):
        number += 1
        position += len(raw)
        if len(raw) > MAX_LINE and not raw.endswith(b"\n"):
            while (rest := lines.readline(MAX_LINE)) and not rest.endswith(b"\n"):
                position += len(rest)
            position += len(rest)
            yield Row(number, position, None, f"is longer than {MAX_LINE} bytes", _shown(raw))
        elif raw.strip():
            yield _json_row(number, position, raw)


def _json_row(number: int, position: int, raw: bytes) -> Row:
    try:
        content = raw.removeprefix(codecs.BOM_UTF8)
        document = IncomingDocument.model_validate_json(content).as_document()
    except ValidationError as error:
        return Row(number, position, None, _reason(error), _shown(raw))
    return Row(number, position, document)


def csv_rows(lines: IO[bytes]) -> Iterator[Row]:
    """A header with id, title, text and perhaps category, url; then rows. Position: bytes.

    Raises Unreadable.
    """
    text = io.TextIOWrapper(lines, "utf-8-sig", errors="surrogateescape", newline="")
    try:
        yield from _csv_rows(lines, csv.DictReader(text, strict=True))
    finally:
        text.detach()  # whoever opened the file closes it


def _csv_rows(lines: IO[bytes], reader: "csv.DictReader[str]") -> Iterator[Row]:
    try:
        missing = {"id", "title", "text"} - set(reader.fieldnames or ())
    except csv.Error as error:
        raise Unreadable(f"the CSV header cannot be read: {error}") from error
    if missing:
        raise Unreadable(f"the CSV header has no column {', '.join(sorted(missing))}")
    while True:
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield Row(reader.reader.line_num, lines.tell(), None, str(error))
            continue
        yield _from_fields(reader.line_num, lines.tell(), fields)


def markdown(folder: Path) -> Iterator[Row]:
    """Files `*.md`: id from the path, title from the heading, category from the folder.

    A front matter of `key: value` lines overrides them. Position: files.
    """
    taken: dict[str, Path] = {}
    for number, path in enumerate(markdown_files(folder), 1):
        inside = path.relative_to(folder)
        try:
            fields = _markdown_fields(inside, path.read_text("utf-8-sig"))
        except (OSError, UnicodeDecodeError) as error:
            yield Row(number, number, None, str(error), _shown(bytes(inside)))
            continue
        first = taken.setdefault(fields["id"], inside)
        if first is not inside:
            reason = f"has the same id, {fields['id']}, as {_shown(bytes(first))}"
            yield Row(number, number, None, reason, _shown(bytes(inside)))
        else:
            yield _from_fields(number, number, fields)


def _markdown_fields(inside: Path, text: str) -> dict[str, str]:
    name = _JOINERS.sub(" ", str(inside.with_suffix("")))  # wi-fi.md is wi-fi, not wi-fi-wifi
    fields = {"id": "-".join(words(name)), "title": inside.stem, "category": inside.parent.name}
    if matter := _FRONT_MATTER.match(text):
        pairs = (line.partition(":") for line in matter["fields"].splitlines())
        fields |= {key.strip(): value.strip().strip("\"'") for key, mark, value in pairs if mark}
        text = text[matter.end() :]
    if heading := _HEADING.search(text):
        if fields["title"] == inside.stem:
            fields["title"] = heading["title"]
        text = text[: heading.start()] + text[heading.end() :]
    return fields | {"text": text}


def markdown_files(folder: Path) -> list[Path]:
    """The Markdown files below a folder, in the order they are read."""
    return sorted(path for path in folder.rglob("*.md") if path.is_file())


def _from_fields(line: int, position: int, fields: dict[Any, Any]) -> Row:
    known = {key: value for key, value in fields.items() if key in IncomingDocument.model_fields}
    if None in fields:
        return Row(line, position, None, "has more fields than the header", _shown(fields))
    present = {key: value for key, value in known.items() if value is not None}
    try:
        document = IncomingDocument.model_validate(present).as_document()
    except ValidationError as error:
        return Row(line, position, None, _reason(error), _shown(fields))
    return Row(line, position, document)


def _reason(error: ValidationError) -> str:
    told = []
    for each in error.errors(include_url=False, include_input=False)[:5]:
        field = ".".join(map(str, each["loc"]))
        told.append(f"{field}: {each['msg']}" if field else each["msg"])
    return "; ".join(told)


def _shown(raw: object) -> str:
    """The start of a rejected row, safe to write into a UTF-8 file."""
    if isinstance(raw, bytes):
        return raw[:500].decode("utf-8", "replace")
    return json.dumps(raw, default=str)[:500]

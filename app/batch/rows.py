"""Reads queries from a file: JSON Lines, CSV or TSV with a header, or plain lines.

JSON Lines and CSV may have `id`, `limit`, `categories` and `traceparent` beside `query`. Blank
lines are skipped; every other row is numbered from 1 and gets exactly one line in the output.
"""

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from app.api.problems import invalid_item
from app.api.wire import FilteredQuery, TraceParent
from app.catalogue.importers.row import Unreadable
from app.catalogue.importers.source import Source, open_text
from app.recommend.batch import RowReason

MAX_ROW = 100_000
"""Characters of a row; longer ones are quarantined."""
JSON_LINES, TABLES = (".jsonl", ".ndjson"), {".csv": ",", ".tsv": "\t"}
SEPARATOR = ";"
"""Between the categories in a table's cell."""


class BatchRow(FilteredQuery):
    """A row with a query. `id`: yours, repeated in the output."""

    id: str | int | None = None
    traceparent: TraceParent = ""


@dataclass(frozen=True, slots=True)
class InputRow:
    """One row: what it asks for, or why it can't be used.

    `number` from 1; `digest` of its text; `position`: bytes of the file that were read so far.
    """

    number: int
    digest: str
    position: int
    asked: BatchRow | None
    reason: RowReason | None = None
    detail: str = ""


def read_rows(path: Path, limit: int) -> Iterator[InputRow]:
    """The rows of a file; by the ending of its name, with or without `.gz`. `limit`: number of
    documents where a row has none. Raises Unreadable, OSError."""
    endings = [each.lower() for each in path.suffixes if each.lower() != ".gz"]
    ending = endings[-1] if endings else ""
    with open_text(path) as source:
        entries = _entries(source, ending)
        for number, (text, entry) in enumerate(entries, 1):
            digest = blake2b(text.encode("utf-8", "replace"), digest_size=8).hexdigest()
            yield _row(number, digest, source.position, entry, limit)


Entry = dict[str, Any] | ValueError


def _entries(source: Source, ending: str) -> Iterator[tuple[str, Entry]]:
    """The text of each row, and what it says."""
    if ending in TABLES:
        yield from _of_table(source, TABLES[ending])
        return
    for line in source.text:
        if not (text := line.strip()):
            continue
        if len(text) > MAX_ROW:
            yield text, ValueError(f"the line has more than {MAX_ROW:,} characters")
        else:
            yield text, _parsed(text) if ending in JSON_LINES else {"query": text}


def _parsed(text: str) -> Entry:
    try:
        entry = json.loads(text)
    except (ValueError, RecursionError) as error:
        return ValueError(f"is no JSON object: {error}")
    return entry if isinstance(entry, dict) else ValueError("is no JSON object")


def _of_table(source: Source, separator: str) -> Iterator[tuple[str, Entry]]:
    reader = csv.reader(source.text, delimiter=separator, strict=True)
    header = [name.strip().lower() for name in next(reader, [])]
    if "query" not in header:
        raise Unreadable(f"it has no column query; it has: {', '.join(header) or 'none'}")
    if unknown := sorted(set(header) - set(BatchRow.model_fields)):
        raise Unreadable(f"it has columns that no row may have: {', '.join(unknown)}")
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield f"line {reader.line_num}", ValueError(f"line {reader.line_num}: {error}")
            continue
        if any(cell.strip() for cell in cells):
            yield separator.join(cells), _of_cells(header, cells)


def _of_cells(header: list[str], cells: list[str]) -> Entry:
    if len(cells) > len(header):
        return ValueError(f"has {len(cells)} cells, the header has {len(header)}")
    entry: dict[str, Any] = {
        name: cell.strip() for name, cell in zip(header, cells, strict=False) if cell.strip()
    }
    if "categories" in entry:
        entry["categories"] = [each.strip() for each in entry["categories"].split(SEPARATOR)]
    if entry.get("limit", "").isdecimal():
        entry["limit"] = int(entry["limit"])
    return entry


def _row(number: int, digest: str, position: int, entry: Entry, limit: int) -> InputRow:
    if isinstance(entry, ValueError):
        return InputRow(number, digest, position, None, RowReason.MALFORMED, str(entry))
    try:
        asked = BatchRow.model_validate({"limit": limit, **entry})
    except ValidationError as error:
        detail = invalid_item(error).details.detail
        return InputRow(number, digest, position, None, RowReason.INVALID, detail)
    return InputRow(number, digest, position, asked)

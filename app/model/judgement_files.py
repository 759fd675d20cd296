"""Reads judgements from files: JSON Lines with a query a line, or TREC qrels beside the queries.

JSON Lines:   {"text": "keep bread fresh", "relevance": {"staling": 3}, "split": "tune"}
TREC qrels:   q1 0 staling 3          with --queries:   q1<tab>keep bread fresh
"""

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from pathlib import Path
from typing import Any

from app.model.judged import Split

MAX_TEXT = 500
"""Longer query texts are rejected, as by the API."""
MAX_REJECTS = 1000
"""Rejected rows that are retained with their text."""


class Source(StrEnum):
    """Where judgements come from."""

    JSONL = "jsonl"
    TREC = "trec"
    SEED = "seed"
    PSEUDO = "pseudo"
    FEEDBACK = "feedback"


class Reason(StrEnum):
    """Why a row is not used. The first four are quarantined: the file has to be corrected."""

    MALFORMED = "malformed"
    NO_TEXT = "no-text"
    BAD_GRADE = "bad-grade"
    CONTRADICTION = "contradiction"
    UNKNOWN_DOCUMENT = "unknown-document"
    DUPLICATE = "duplicate"
    NOT_SEARCHABLE = "not-searchable"
    LEAK = "leak"
    OTHER_SPLIT = "other-split"
    NOTHING_RELEVANT = "nothing-relevant"
    WEAK = "weak"


QUARANTINED = (Reason.MALFORMED, Reason.NO_TEXT, Reason.BAD_GRADE, Reason.CONTRADICTION)
DROPPED = tuple(each for each in Reason if each not in QUARANTINED)


class JudgementsUnreadable(ValueError):
    """The file can't be read as judgements; the message says what is expected."""


@dataclass(frozen=True, slots=True)
class Row:
    """One judgement; a row without `document` says that no document answers the query."""

    line: int
    text: str
    document: str
    grade: float
    kind: str = ""
    split: str = ""


@dataclass(frozen=True, slots=True)
class Reject:
    """A row that is quarantined, for the file of rejected rows."""

    line: int
    reason: Reason
    detail: str


@dataclass(frozen=True, slots=True)
class Judgements:
    """The rows of a source, in their order, and those that could not be read. `hash`: SHA-256."""

    source: Source
    name: str
    hash: str
    rows: tuple[Row, ...]
    rejects: tuple[Reject, ...] = ()

    @property
    def read(self) -> int:
        return len(self.rows) + len(self.rejects)


def read_judgements(path: Path, queries: Path | None = None) -> Judgements:
    """Read a file: `.jsonl` as JSON Lines, others as TREC qrels, whose texts are in `queries`.

    Raises JudgementsUnreadable, OSError.
    """
    content = path.read_bytes()
    digest = sha256(content)
    if path.suffix == ".jsonl":
        source, found = Source.JSONL, list(_json_rows(_lines(content)))
    elif queries is None:
        raise JudgementsUnreadable(
            f"{path.name} is read as TREC qrels, which have no texts of queries: give them with "
            "--queries FILE (id, tab, text). A holdout, and judgements as JSON Lines, must end in "
            ".jsonl"
        )
    else:
        texts = queries.read_bytes()
        digest.update(texts)
        source, found = Source.TREC, list(_trec_rows(_lines(content), _texts(texts)))
    rows = tuple(each for each in found if isinstance(each, Row))
    rejects = tuple(each for each in found if isinstance(each, Reject))
    if not rows:
        detail = f"; the first: line {rejects[0].line}: {rejects[0].detail}" if rejects else ""
        raise JudgementsUnreadable(f"{path.name} has no usable row{detail}")
    return Judgements(source, path.name, digest.hexdigest(), rows, rejects)


def _lines(content: bytes) -> Iterator[tuple[int, str]]:
    lines = content.decode("utf-8-sig", "replace").split("\n")
    return ((number, line) for number, line in enumerate(lines, 1) if line.strip())


def _texts(content: bytes) -> dict[str, str]:
    """Texts of queries by id: JSON Lines with `id` and `text`, or lines of id, tab and text."""
    found = {}
    for number, line in _lines(content):
        try:
            if line.lstrip().startswith("{"):
                entry = json.loads(line)
                name, text = str(entry["id"]), str(entry["text"])
            else:
                name, text = line.split("\t", 1)
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            detail = f"line {number} of the queries has no id, tab and text: {error!r}"
            raise JudgementsUnreadable(detail) from error
        found[name.strip()] = text.strip()
    return found


def _trec_rows(lines: Iterator[tuple[int, str]], texts: dict[str, str]) -> Iterator[Row | Reject]:
    for number, line in lines:
        fields = line.split()
        if len(fields) != 4:
            detail = f"has {len(fields)} fields, not 4: query, 0, document, grade"
            yield Reject(number, Reason.MALFORMED, detail)
            continue
        name, _, document, grade = fields
        yield _row(number, {"text": texts.get(name, "")}, document, grade)


def _json_rows(lines: Iterator[tuple[int, str]]) -> Iterator[Row | Reject]:
    for number, line in lines:
        try:
            entry = json.loads(line)
            relevance = dict(entry["relevance"].items())
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            detail = f"is no object with text and relevance: {error!r}"
            yield Reject(number, Reason.MALFORMED, detail)
            continue
        for document, grade in relevance.items() or [("", 0)]:
            yield _row(number, entry, document, grade)


def _row(number: int, entry: dict[str, Any], document: str, grade: Any) -> Row | Reject:
    text, kind, split = (entry.get(name, "") for name in ("text", "kind", "split"))
    if not isinstance(text, str) or not text.strip() or len(text) > MAX_TEXT:
        return Reject(number, Reason.NO_TEXT, f"no text of a query of 1 to {MAX_TEXT} characters")
    if split not in ("", *Split):
        return Reject(number, Reason.MALFORMED, f"split is {split!r}, not tune or test")
    if not isinstance(kind, str) or _has_surrogates(f"{text}{kind}{document}"):
        return Reject(number, Reason.MALFORMED, "text, kind or document is no valid text")
    try:
        value = float(grade)
    except (TypeError, ValueError, OverflowError):
        value = math.nan
    if not 0 <= value <= 1000:
        return Reject(number, Reason.BAD_GRADE, f"the grade {grade!r} is no number from 0 to 1000")
    return Row(number, text.strip(), document, value, kind, split)


def _has_surrogates(text: str) -> bool:
    """Whether it has half a character, which JSON can express and UTF-8 can't."""
    return any("\ud800" <= each <= "\udfff" for each in text)

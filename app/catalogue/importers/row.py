"""Converts rows of any format to documents, with the same rules for all."""

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from app.catalogue.ids import id_of_name
from app.catalogue.incoming_documents import (
    MAX_CATEGORY,
    MAX_TEXT,
    MAX_TITLE,
    MAX_URL,
    IncomingDocument,
    is_web_address,
)
from app.recommend.types import Document

MAX_RAW = 100_000
"""Characters of a rejected row that are written to the file of rejected rows."""
MADE_TITLE = 80
MAX_NOTES = 50
FIELDS = frozenset(IncomingDocument.model_fields)

_INVISIBLE = " \n\u00ad\u200b\u200c\u200d\u200e\u200f\u2060\ufeff"
_BLANKS = str.maketrans(dict.fromkeys("\r\v\f\x85", "\n"))
"""Control characters that separate lines."""
_SURROGATE = re.compile("[\ud800-\udfff]")

Notes = Counter[str]
"""Messages about what was changed or skipped, with their counts."""


class Number(str):
    """A number as it is written in the source."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a source: a document, or None with the reason of its rejection.

    `line` counts from 1; `position`: progress in the source, in bytes or files. `raw`: the rejected
    text.
    """

    line: int
    position: int
    document: Document | None
    reason: str = ""
    raw: str = ""

    @property
    def size(self) -> int:
        """Approximate number of characters."""
        return len(self.raw) + (len(self.document.text) if self.document else 0)


class Unreadable(Exception):
    """The source can't be imported; the message says why."""


def row_of(line: int, position: int, fields: Mapping[str, Any], notes: Notes, raw: str) -> Row:
    """The row with these fields: a document, or the reason of its rejection."""
    try:
        document = document_of(fields, notes)
    except ValidationError as error:
        return Row(line, position, None, reason_of(error), raw[:MAX_RAW])
    except ValueError as error:
        return Row(line, position, None, str(error), raw[:MAX_RAW])
    return Row(line, position, document)


def document_of(fields: Mapping[str, Any], notes: Notes) -> Document:
    """The document of one row.

    `id` and `text` are required. Case and surrounding spaces of field names are ignored; null and
    empty values count as absent; numbers are used as they are written. Unknown fields are skipped,
    and so is a title, category or url that is not text. An id with invalid characters is replaced
    by one derived from it, a missing title by the beginning of the text. Raises ValueError with the
    reason.
    """
    found = _known(fields, notes)
    for name in ("id", "text"):
        if not found.get(name):
            given = ", ".join(sorted(map(str, fields)))[:200] or "nothing"
            raise ValueError(f"{name} is missing or empty; found: {given}")
    id_ = id_of_name(found["id"])
    if id_ != found["id"]:
        note(notes, "ids with characters other than letters, digits, `._:-` replaced (as in "
             f"{id_})", kind="ids with characters")  # fmt: skip
    found["id"] = id_
    _fit_title(found, notes)
    if len(category := found.get("category", "")) > MAX_CATEGORY:
        note(notes, f"categories of over {MAX_CATEGORY} characters shortened")
        found["category"] = shortened(category, MAX_CATEGORY)
    if (url := found.get("url")) and not (is_web_address(url) and len(url) <= MAX_URL):
        note(notes, "urls skipped that are not http or https addresses")
        del found["url"]
    if len(found["text"]) > MAX_TEXT:
        raise ValueError(
            f"text has {len(found['text']):,} characters; at most {MAX_TEXT:,} are allowed"
        )
    return IncomingDocument.model_validate(found).as_document()


def _known(fields: Mapping[str, Any], notes: Notes) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, (key, given) in zip(field_names(fields), fields.items(), strict=True):
        value = _only(name, given)
        if name not in FIELDS:
            note(notes, f"field not used: {str(key)[:60]}")
        elif name in found:
            raise ValueError(f"{name} is given twice")
        elif name == "updated_at" or value in (None, [], {}):
            continue
        elif isinstance(value, str):
            if text := _text(name, value):
                found[name] = text
        elif name in ("id", "text"):
            raise ValueError(f"{name}: expected text, found {kind_of(value)}")
        else:
            note(notes, f"{name} skipped: expected text, found {kind_of(value)}")
    return found


def field_names(given: Iterable[object]) -> list[str]:
    """Normalised names of fields; `_id` counts as `id` if there is no `id`."""
    names = [str(name).strip().casefold() for name in given]
    return names if "id" in names else ["id" if name == "_id" else name for name in names]


def _only(name: str, value: Any) -> Any:
    """The only entry of a list, or the first of several categories; other values unchanged."""
    listed = isinstance(value, list) and value and (name == "category" or len(value) == 1)
    return value[0] if listed else value


def _text(name: str, text: str) -> str:
    """A value with normalised line ends; empty if it has no visible characters."""
    if found := _SURROGATE.search(text):
        escaped = "\udc80" <= found[0] <= "\udcff"  # a byte that could not be decoded
        what = f"the byte 0x{ord(found[0]) - 0xDC00:02X}" if escaped else "half of a character"
        raise ValueError(f"{name}: contains {what}, which is not text")
    text = text.replace("\r\n", "\n").translate(_BLANKS).strip()
    return text if text.strip(_INVISIBLE) else ""


def _fit_title(found: dict[str, str], notes: Notes) -> None:
    title = " ".join(found.get("title", "").split())
    if not title:
        note(notes, "missing titles replaced by the beginning of the text")
        title = shortened(found["text"].split("\n")[0].strip("#*_ \t"), MADE_TITLE) or found["id"]
    elif len(title) > MAX_TITLE:
        note(notes, f"titles of over {MAX_TITLE} characters shortened, and put before the text")
        found["text"] = f"{title}\n\n{found['text']}"
        title = shortened(title, MAX_TITLE)
    found["title"] = title


def shortened(text: str, most: int) -> str:
    """The first words of a text, `most` characters at most."""
    text = " ".join(text[: 4 * most].split())
    return text if len(text) <= most else f"{text[: most - 1].rsplit(' ', 1)[0]}…"


def note(notes: Notes, sentence: str, kind: str = "") -> None:
    """Count a message; of a `kind` (a prefix), all are counted under the first message."""
    known = next((each for each in notes if kind and each.startswith(kind)), sentence)
    if known in notes or len(notes) < MAX_NOTES:
        notes[known] += 1


def kind_of(value: object) -> str:
    """The type of a JSON value, for a message."""
    names = {dict: "an object", list: "a list", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number" if isinstance(value, Number) else "text")


def reason_of(error: ValidationError) -> str:
    """The errors of all fields, up to five."""
    reasons = []
    for each in error.errors(include_url=False, include_input=False)[:5]:
        field = ".".join(map(str, each["loc"]))
        reason = each["msg"].removeprefix("Value error, ")
        reasons.append(f"{field}: {reason}" if field else reason)
    return "; ".join(reasons)


def shown(raw: object) -> str:
    """A rejected row as text that can be written to a UTF-8 file."""
    if isinstance(raw, bytes):
        return raw[:MAX_RAW].decode("utf-8", "replace")
    return json.dumps(raw, default=str)[:MAX_RAW]

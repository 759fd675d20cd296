"""What a row of any format may hold, and the document it becomes."""

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
"""Characters of a rejected row that are kept."""
MADE_TITLE = 80
MAX_NOTES = 50
FIELDS = frozenset(IncomingDocument.model_fields)

_INVISIBLE = " \n\u00ad\u200b\u200c\u200d\u200e\u200f\u2060\ufeff"
_BLANKS = str.maketrans(dict.fromkeys("\r\v\f\x85", "\n"))
"""Control characters that only separate."""
_SURROGATE = re.compile("[\ud800-\udfff]")

Notes = Counter[str]
"""What was changed or left out, and how often."""


class Number(str):
    """A number of a source, as it is written there."""

    __slots__ = ()


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

    @property
    def size(self) -> int:
        """Characters it holds, about."""
        return len(self.raw) + (len(self.document.text) if self.document else 0)


class Unreadable(Exception):
    """The source as a whole is not something to import; says what was found."""


def row_of(line: int, position: int, fields: Mapping[str, Any], notes: Notes, raw: str) -> Row:
    """The row that some named values make."""
    try:
        document = document_of(fields, notes)
    except ValidationError as error:
        return Row(line, position, None, reason_of(error), raw[:MAX_RAW])
    except ValueError as error:
        return Row(line, position, None, str(error), raw[:MAX_RAW])
    return Row(line, position, document)


def document_of(fields: Mapping[str, Any], notes: Notes) -> Document:
    """The document of one row.

    `id` and `text` must be there. Names of fields may have capitals and blanks around them, null
    and empty are the same as absent, numbers are taken as they are written, other fields are left
    out, and so is a title, category or url that is no text. An id with characters that an id can't
    have is replaced by one made from it, a missing title by the beginning of the text. Raises
    ValueError, which says what is wrong.
    """
    found = _known(fields, notes)
    for name in ("id", "text"):
        if not found.get(name):
            given = ", ".join(sorted(map(str, fields)))[:200] or "nothing"
            raise ValueError(f"{name} is missing or empty; found: {given}")
    made = id_of_name(found["id"])
    if made != found["id"]:
        note(notes, "ids with characters other than letters, digits, `._:-` replaced (as in "
             f"{made})", kind="ids with characters")  # fmt: skip
    found["id"] = made
    _fit_title(found, notes)
    if len(category := found.get("category", "")) > MAX_CATEGORY:
        note(notes, f"categories of over {MAX_CATEGORY} characters shortened")
        found["category"] = shortened(category, MAX_CATEGORY)
    if (url := found.get("url")) and not (is_web_address(url) and len(url) <= MAX_URL):
        note(notes, "urls left out that are no http or https address")
        del found["url"]
    if len(found["text"]) > MAX_TEXT:
        raise ValueError(f"text has {len(found['text']):,} characters; at most {MAX_TEXT:,} fit")
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
            note(notes, f"{name} left out: expected text, found {kind_of(value)}")
    return found


def field_names(given: Iterable[object]) -> list[str]:
    """Names of fields as they are looked up; `_id` is `id`, where there is no other."""
    names = [str(name).strip().casefold() for name in given]
    return names if "id" in names else ["id" if name == "_id" else name for name in names]


def _only(name: str, value: Any) -> Any:
    """Of a list of one, or of categories, the first."""
    listed = isinstance(value, list) and value and (name == "category" or len(value) == 1)
    return value[0] if listed else value


def _text(name: str, text: str) -> str:
    """A value without what only separates; empty where nothing of it can be seen."""
    if found := _SURROGATE.search(text):
        escaped = "\udc80" <= found[0] <= "\udcff"  # how Python keeps a byte it can't decode
        what = f"the byte 0x{ord(found[0]) - 0xDC00:02X}" if escaped else "half of a character"
        raise ValueError(f"{name}: contains {what}, which is no text")
    text = text.replace("\r\n", "\n").translate(_BLANKS).strip()
    return text if text.strip(_INVISIBLE) else ""


def _fit_title(found: dict[str, str], notes: Notes) -> None:
    title = " ".join(found.get("title", "").split())
    if not title:
        note(notes, "titles made of the text's beginning")
        title = shortened(found["text"].split("\n")[0].strip("#*_ \t"), MADE_TITLE) or found["id"]
    elif len(title) > MAX_TITLE:
        note(notes, f"titles of over {MAX_TITLE} characters shortened; the text begins with them")
        found["text"] = f"{title}\n\n{found['text']}"
        title = shortened(title, MAX_TITLE)
    found["title"] = title


def shortened(text: str, most: int) -> str:
    """The first words of a text."""
    text = " ".join(text[: 4 * most].split())
    return text if len(text) <= most else f"{text[: most - 1].rsplit(' ', 1)[0]}…"


def note(notes: Notes, sentence: str, kind: str = "") -> None:
    """Count something that is worth saying once; of a `kind` the first sentence stands for all."""
    known = next((each for each in notes if kind and each.startswith(kind)), sentence)
    if known in notes or len(notes) < MAX_NOTES:
        notes[known] += 1


def kind_of(value: object) -> str:
    """What a JSON value is, in words."""
    names = {dict: "an object", list: "a list", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number" if isinstance(value, Number) else "text")


def reason_of(error: ValidationError) -> str:
    """What is wrong with each field."""
    reasons = []
    for each in error.errors(include_url=False, include_input=False)[:5]:
        field = ".".join(map(str, each["loc"]))
        said = each["msg"].removeprefix("Value error, ")
        reasons.append(f"{field}: {said}" if field else said)
    return "; ".join(reasons)


def shown(raw: object) -> str:
    """A rejected row, safe to write into a UTF-8 file."""
    if isinstance(raw, bytes):
        return raw[:MAX_RAW].decode("utf-8", "replace")
    return json.dumps(raw, default=str)[:MAX_RAW]

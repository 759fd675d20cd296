"""Pydantic models and validators of documents from requests and imports."""

import re
import unicodedata
from itertools import groupby
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from app.catalogue.ids import ID, MAX_ID
from app.recommend.types import Document

MAX_TITLE, MAX_TEXT, MAX_CATEGORY, MAX_URL = 300, 1_000_000, 64, 2_048
MAX_MARKS = 30
"""Combining marks in a row, as in the Stream-Safe Text Format of UAX #15. The time of normalisation
is quadratic in their number: half a minute for one line of them, with the GIL held."""
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
_URL = re.compile(r"https?://[^\s/]+\S*", re.IGNORECASE)


def readable(text: str) -> str:
    """The text in NFC. Raises ValueError for control characters and piles of combining marks."""
    if found := _CONTROL.search(text):
        raise ValueError(f"contains the control character U+{ord(found[0]):04X}; remove it")
    if not text.isascii() and _longest_pile(text) > MAX_MARKS:
        raise ValueError(f"has more than {MAX_MARKS} combining marks in a row; remove some")
    return unicodedata.normalize("NFC", text)


def _longest_pile(text: str) -> int:
    """The most combining marks in a row."""
    runs = groupby(text, lambda char: unicodedata.combining(char) > 0)
    return max((len(list(run)) for marks, run in runs if marks), default=0)


def is_web_address(text: str) -> bool:
    """Whether it is an http or https address."""
    return _URL.fullmatch(text) is not None


def _url(text: str) -> str:
    if text and not is_web_address(text):
        raise ValueError("is not an http or https address")
    return text


DocumentId = Annotated[str, StringConstraints(pattern=ID, max_length=MAX_ID)]
Text = Annotated[str, StringConstraints(strip_whitespace=True), AfterValidator(readable)]


EXAMPLE = {
    "title": "Staling",
    "text": "Bread goes stale as its starch takes up water and sets again.",
    "category": "cooking",
    "url": "https://en.wikipedia.org/wiki/Staling",
}


class DocumentContent(BaseModel):
    """A document without its id."""

    model_config = ConfigDict(
        extra="forbid", strict=True, json_schema_extra={"examples": [{**EXAMPLE}]}
    )

    title: Text = Field(min_length=1, max_length=MAX_TITLE)
    text: Text = Field(min_length=1, max_length=MAX_TEXT)
    category: Text = Field("", max_length=MAX_CATEGORY)
    url: Annotated[Text, AfterValidator(_url)] = Field("", max_length=MAX_URL)

    def document(self, document_id: str) -> Document:
        """Convert to the internal type, with this id."""
        return Document(document_id, self.title, self.text, self.category, self.url)


class ReplacedDocument(DocumentContent):
    """The body of PUT: a document as GET returns it, or only its content."""

    id: str | None = Field(None, description="if given, the same as in the URL")
    updated_at: str | None = Field(None, max_length=40, description="ignored: set when written")


class IncomingDocument(DocumentContent):
    """A document with its id: letters, digits, `.`, `_`, `:` and `-`."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"id": "staling", **EXAMPLE}]})
    id: DocumentId
    updated_at: str | None = Field(None, max_length=40, description="ignored: set when written")

    def as_document(self) -> Document:
        """Convert to the internal type."""
        return self.document(self.id)

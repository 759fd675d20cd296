"""Splits documents into passages, the unit of retrieval.

A text of up to MAX_PASSAGE characters is one passage. A longer one is split at its Markdown
headings; a section that is still too long is split between paragraphs, and one shorter than
MIN_SECTION is joined to the next. Every character belongs to exactly one passage.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from app.catalogue.headings import Heading, headings
from app.recommend.types import Document

ANALYSIS = 2
"""Increment it when the results of this module or of recommend/text_analysis.py change: the next
start then rebuilds passages and words of every document."""
MAX_PASSAGE = 4_000
"""Characters, about 700 words: the embedding of a longer text is too unspecific."""
MIN_SECTION = 500
"""Characters."""
_BREAKS = (r"\n[ \t]*\n\s*", r"\n", r"[.!?][ \t]+|[。！？]", r"\s+")
"""Where a long section is split, best first: between paragraphs, lines, sentences, words."""


@dataclass(frozen=True, slots=True)
class Passage:
    """Part of a document's text: the characters in [start, stop).

    `number` counts from 1; 0: the passage is the whole text. `heading` and `fragment` are those of
    its section, or empty.
    """

    number: int
    start: int
    stop: int
    heading: str = ""
    fragment: str = ""

    def title(self, document: Document) -> str:
        """The document's title and the section's heading."""
        return headed(document.title, self.heading)

    def text(self, document: Document) -> str:
        """The passage's part of the document's text."""
        return document.text[self.start : self.stop]


def headed(title: str, heading: str) -> str:
    """The title of a passage: document title and heading, on two lines."""
    return f"{title}\n{heading}" if heading else title


def passages(document: Document) -> list[Passage]:
    """The passages of a document, in order; at least one."""
    text = document.text
    if len(text) <= MAX_PASSAGE:
        return [Passage(0, 0, len(text))]
    parts = [
        (section, *ends) for section, end in _sections(text) for ends in _cut(text, section, end)
    ]
    return [
        Passage(number, start, stop, section.text, section.fragment)
        for number, (section, start, stop) in enumerate(parts, 1)
    ]


def _sections(text: str) -> Iterator[tuple[Heading, int]]:
    """The sections with their end positions, short ones joined to the next."""
    current = Heading(0, "", "")
    for each in headings(text):
        if not text[current.start : each.start].strip():
            current = Heading(current.start, each.text, each.fragment)
        elif each.start - current.start >= MIN_SECTION:
            yield current, each.start
            current = each
    yield current, len(text)


def _cut(text: str, section: Heading, end: int) -> Iterator[tuple[int, int]]:
    """A section in pieces of up to MAX_PASSAGE characters and about equal length."""
    start = section.start
    while (left := end - start) > MAX_PASSAGE:
        pieces = -(-left // MAX_PASSAGE)
        even = start + left // pieces
        stop = _break(
            text, even - left // (2 * pieces), min(even + MIN_SECTION, start + MAX_PASSAGE, end - 1)
        )
        yield start, stop
        start = stop
    yield start, end


def _break(text: str, earliest: int, latest: int) -> int:
    """The last of the best break positions in [earliest, latest)."""
    window = text[earliest:latest]
    for pattern in _BREAKS:
        if found := list(re.finditer(pattern, window)):
            return earliest + found[-1].end()
    return latest

"""Long texts in passages: found one by one, shown as the document they are a part of.

A text of up to WHOLE characters is one passage. A longer one is cut at its Markdown headings, and
a section that is still too long between paragraphs; a section too short to stand alone is joined
to the next. Every character belongs to one passage.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from app.catalogue.headings import Heading, headings
from app.recommend.types import Document

ANALYSIS = 2
"""Raise it when passages or words (recommend/words.py) come out differently: those of every
document are then made again at the next start."""
WHOLE = 4_000
"""Characters of the longest passage, some 700 words: an embedding of more means little."""
SHORT = 500
"""A section with fewer characters is joined to the next."""
_BREAKS = (r"\n[ \t]*\n\s*", r"\n", r"[.!?][ \t]+|[。！？]", r"\s+")
"""Between paragraphs, lines, sentences, words: where a long section is cut, best first."""


@dataclass(frozen=True, slots=True)
class Passage:
    """Part of a document's text: the characters from `start` to before `stop`.

    `number` counts from 1, and is 0 where the passage is the whole text. `heading` and `fragment`
    are those of its section, empty where there is none.
    """

    number: int
    start: int
    stop: int
    heading: str = ""
    fragment: str = ""

    def title(self, document: Document) -> str:
        """What stands over it: the document's title and its section's heading."""
        return headed(document.title, self.heading)

    def text(self, document: Document) -> str:
        """What it says."""
        return document.text[self.start : self.stop]


def headed(title: str, heading: str) -> str:
    """The title of a passage."""
    return f"{title}\n{heading}" if heading else title


def passages(document: Document) -> list[Passage]:
    """The passages of a document, in order; at least one."""
    text = document.text
    if len(text) <= WHOLE:
        return [Passage(0, 0, len(text))]
    parts = [
        (section, *ends) for section, end in _sections(text) for ends in _cut(text, section, end)
    ]
    return [
        Passage(number, start, stop, section.text, section.fragment)
        for number, (section, start, stop) in enumerate(parts, 1)
    ]


def _sections(text: str) -> Iterator[tuple[Heading, int]]:
    """The sections with their ends, short ones joined to the next."""
    current = Heading(0, "", "")
    for each in headings(text):
        if not text[current.start : each.start].strip():
            current = Heading(current.start, each.text, each.fragment)
        elif each.start - current.start >= SHORT:
            yield current, each.start
            current = each
    yield current, len(text)


def _cut(text: str, section: Heading, end: int) -> Iterator[tuple[int, int]]:
    """A section in pieces of up to WHOLE characters, about equally long."""
    start = section.start
    while (left := end - start) > WHOLE:
        pieces = -(-left // WHOLE)
        even = start + left // pieces
        stop = _break(text, even - left // (2 * pieces), min(even + SHORT, start + WHOLE, end - 1))
        yield start, stop
        start = stop
    yield start, end


def _break(text: str, earliest: int, latest: int) -> int:
    """The last good place to cut between two places."""
    window = text[earliest:latest]
    for pattern in _BREAKS:
        if found := list(re.finditer(pattern, window)):
            return earliest + found[-1].end()
    return latest

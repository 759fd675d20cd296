"""Headings of a Markdown text: their positions, their texts and their URL fragments.

Only the line rules of CommonMark that splitting a text needs (ATX and setext headings, not in
fenced code): parsing a megabyte completely takes seconds.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from markdown_it import MarkdownIt

MAX_HEADING = 150
_INLINE = MarkdownIt("commonmark")
_ATX = re.compile(r" {0,3}#{1,6}(?:[ \t]+(?P<text>.*?))?(?:[ \t]+#+)?[ \t]*$")
_UNDERLINE = re.compile(r" {0,3}(?:=+|-+)[ \t]*$")
_PARAGRAPH = re.compile(r" {0,3}(?![ #>|<]|[-+*](?:[ \t]|$)|\d{1,9}[.)](?:[ \t]|$))\S")
_FENCE = re.compile(r" {0,3}(?P<mark>`{3,}(?=[^`]*$)|~{3,})")
_EXPLICIT = re.compile(r"\s*\{#(?P<id>[^\s{}]+)[^{}]*\}\s*$")
_NO_FRAGMENT = re.compile(r"[^\w\- ]")


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading; `start` is its position in characters."""

    start: int
    text: str
    fragment: str


def headings(text: str) -> Iterator[Heading]:
    """The headings of a text, in order."""
    taken: dict[str, int] = {}
    fence = before = ""
    start = start_before = 0
    for line in text.splitlines(keepends=True):
        found = None
        bare = line.rstrip("\r\n")
        if fence:
            if bare.strip().startswith(fence) and not bare.strip().strip(fence[0]):
                fence = ""
        elif opening := _FENCE.match(bare):
            fence = opening["mark"]
        elif atx := _ATX.match(bare):
            found = start, atx["text"] or ""
        elif _UNDERLINE.match(bare) and _PARAGRAPH.match(before):
            found = start_before, before
        if found:
            yield _heading(*found, taken)
        before, start_before = ("" if fence or found else bare), start
        start += len(line)


def _heading(start: int, source: str, taken: dict[str, int]) -> Heading:
    source = source.strip()[:MAX_HEADING]
    explicit = _EXPLICIT.search(source)
    text = plain(source)
    fragment = explicit["id"] if explicit else slug(text)
    repeated = taken.get(fragment, -1) + 1
    taken[fragment] = repeated
    return Heading(start, text, f"{fragment}-{repeated}" if repeated and fragment else fragment)


def plain(source: str) -> str:
    """The text of one line of Markdown, without emphasis, link targets, images and `{#id}`."""
    inline = _INLINE.parseInline(_EXPLICIT.sub("", source))[0]
    parts = (
        " " if each.type in ("softbreak", "hardbreak") else each.content
        for each in inline.children or ()
        if each.type not in ("image", "html_inline")
    )
    return " ".join("".join(parts).split())


def slug(heading: str) -> str:
    """The URL fragment of a heading, as GitHub and most site generators build it.

    >>> slug("What's new in 2.0?")
    'whats-new-in-20'
    """
    return _NO_FRAGMENT.sub("", heading.lower()).strip().replace(" ", "-")

"""Renders docs/runbook.md as HTML; headings get the anchors that alerts and panels link to."""

import re
from html import escape
from itertools import pairwise
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

RUNBOOK = Path(__file__).parents[2] / "docs" / "runbook.md"
"""The same path in a checkout and in the container image."""


def rendered(markdown: str) -> tuple[str, str]:
    """The text and its table of contents (a list of links to the sections), both as HTML."""
    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = parser.parse(markdown)
    entries = []
    for opening, inline in pairwise(tokens):
        if opening.type == "heading_open" and opening.tag == "h2":
            title = _plain(inline)
            opening.attrSet("id", anchor(title))
            opening.attrSet("tabindex", "-1")  # a link to it moves the keyboard focus too
            entries.append(f'<li><a href="#{anchor(title)}">{escape(title)}</a></li>')
    body: str = parser.renderer.render(tokens, parser.options, {})
    return body, "".join(entries)


def anchor(title: str) -> str:
    """The anchor of a heading, as GitHub builds it: `high-latency` for `High latency`."""
    return re.sub(r"[^\w\- ]", "", title.strip().lower()).replace(" ", "-")


def _plain(inline: Token) -> str:
    return "".join(each.content for each in inline.children or ())

"""The page Health: the report as JSON, and sections of the runbook as trees of elements."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode

from observatory.health.report import DEFAULT_SECONDS, as_json, health
from observatory.ui.parameters import Parameters
from observatory.ui.queries import Queries
from observatory.ui.responses import Problem, invalid

KNOWN, KNOWN_OF_RUNBOOK = ("last",), ("section",)
LEAST_SECONDS, MOST_SECONDS = 60, 86_400
TAGS = {
    "paragraph": "p",
    "bullet_list": "ul",
    "ordered_list": "ol",
    "list_item": "li",
    "strong": "strong",
    "em": "em",
    "table": "table",
    "thead": "thead",
    "tbody": "tbody",
    "tr": "tr",
    "th": "th",
    "td": "td",
}
CODE = {"code_inline": "code", "code_block": "pre", "fence": "pre"}
Node = str | list[Any]
"""Text, or [tag, child, …]; a link is ["a", address, child, …]."""


def health_now(queries: Queries, parameters: Parameters) -> dict[str, Any]:
    """The content of /api/health; `last`: seconds of the window."""
    seconds = parameters.whole("last", LEAST_SECONDS, MOST_SECONDS) or DEFAULT_SECONDS
    return as_json(health(queries, seconds))


def runbook_section(queries: Queries, parameters: Parameters) -> dict[str, Any]:
    """A section of the runbook: {title, content}, content as nodes.

    Raises:
        Problem: 404, there is no such section; 422, none is given.

    """
    wanted = parameters.text("section")
    if wanted is None:
        raise invalid("section", "is required")
    for title, nodes in sections(queries.parts.settings.runbook):
        if anchor(title) == wanted:
            return {"title": title, "content": [each for node in nodes for each in _nodes(node)]}
    raise Problem(404, "not-found", "No such section", f"The runbook has no section {wanted[:80]}.")


def sections(path: Path) -> Iterator[tuple[str, list[SyntaxTreeNode]]]:
    """The sections of a Markdown file: titles of second level, and what follows them."""
    try:
        text = path.read_text("utf-8")
    except OSError:
        return
    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    title, nodes = "", list[SyntaxTreeNode]()
    for node in SyntaxTreeNode(parser.parse(text)).children:
        if node.type == "heading" and node.tag == "h2":
            if title:
                yield title, nodes
            title, nodes = _plain(node), []
        else:
            nodes.append(node)
    if title:
        yield title, nodes


def anchor(title: str) -> str:
    """The anchor of a heading, as GitHub builds it: `high-latency` for `High latency`."""
    return re.sub(r"[^\w\- ]", "", title.strip().lower()).replace(" ", "-")


def _nodes(node: SyntaxTreeNode) -> list[Node]:
    inner = [each for child in node.children for each in _nodes(child)]
    if node.type in TAGS:
        return inner if node.type == "paragraph" and node.hidden else [[TAGS[node.type], *inner]]
    if node.type in CODE:
        return [[CODE[node.type], node.content]]
    if node.type == "link":
        return [["a", str(node.attrs.get("href", "")), *inner]]
    if node.type in ("softbreak", "hardbreak"):
        return [" "]
    return [node.content] if node.type == "text" else inner


def _plain(node: SyntaxTreeNode) -> str:
    return "".join(each.content for each in node.walk() if each.type in ("text", "code_inline"))

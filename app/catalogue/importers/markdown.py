"""Reads documents from Markdown: a file, or all files of a folder; each file is one document."""

import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path, PurePath
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.token import Token

from app.catalogue.headings import plain
from app.catalogue.ids import ids_of_paths, valid
from app.catalogue.importers.front_matter import front_matter
from app.catalogue.importers.markdown_folder import files_below
from app.catalogue.importers.row import Notes, Row, Unreadable, note, row_of, shown
from app.catalogue.importers.source import decoded

MAX_FILE = 8_388_608
LEADING = 20_000
"""Characters that are searched for a title, because parsing a megabyte takes seconds."""
LONGEST_STATEMENT = 100
"""Maximum number of lines of an MDX statement that is longer than its paragraph."""
_COMMENTS = re.compile(r"(?:<!--(?:(?!-->).)*-->\s*)+", re.DOTALL)
_MDX_COMMENT = re.compile(r"\{/\*.*\*/\}", re.DOTALL)
_BLOCKS = MarkdownIt("commonmark")
_BLOCKS.core.ruler.enableOnly(["normalize", "block"])
_END = Token("", "", 0)
_NOTHING = frozenset({"", "null", "~"})


def markdown_rows(source: Path, notes: Notes) -> Iterator[Row]:
    """One row per file of a folder, or of one file; `position` is in files.

    The id comes from the path, the title from the first heading, the category from the folder.
    `id`, `title`, `category` and `url` in the front matter take precedence, except for an id that
    several files have.
    """
    root, files = source, [source]
    if source.is_file():
        root = source.parent
    else:
        files = files_below(source, notes)
    ids = ids_of_paths(path.relative_to(root) for path in files)
    derived = {path: ids[path.relative_to(root)] for path in files}
    claimed = {path: _front_matter_id(path) for path in files}
    claims = Counter(claimed.values()) + Counter(derived.values())
    for number, path in enumerate(files, 1):
        inside = path.relative_to(root)
        own = claimed[path]
        alone = claims[own] == 1 + (own == derived[path])
        id_ = own if own and alone else derived[path]
        if own and not alone:
            note(notes, "front matter ids not used because several files have them")
        try:
            text = _text(path)
        except (OSError, Unreadable) as error:
            yield Row(number, number, None, str(error), shown(bytes(inside)))
            continue
        fields = _fields(inside, text) | {"id": id_}
        if not fields["text"]:
            yield Row(number, number, None, "text: the file is empty", shown(bytes(inside)))
        else:
            yield row_of(number, number, fields, notes, shown(bytes(inside)))


def markdown_files(source: Path) -> list[Path]:
    """The files that `markdown_rows` reads, in its order."""
    return [source] if source.is_file() else files_below(source, Counter())


def _text(path: Path) -> str:
    """The text of a file, with line feeds as line ends. Raises OSError, Unreadable."""
    with path.open("rb") as file:
        content = file.read(MAX_FILE + 1)
    if len(content) > MAX_FILE:
        raise Unreadable(f"the file has more than {MAX_FILE:,} bytes")
    return decoded(content).replace("\r\n", "\n").replace("\r", "\n")


def _front_matter_id(path: Path) -> str:
    """The id in a file's front matter, if it is valid; else empty."""
    try:
        id_ = _scalar(front_matter(_text(path))[0], "id")
    except (OSError, Unreadable):
        return ""
    return id_ if valid(id_) else ""


def _fields(inside: PurePath, text: str) -> dict[str, str]:
    matter, body = front_matter(text)
    title = plain(_scalar(matter, "title"))
    heading, its_lines, code = _heading(body, mdx=inside.suffix.lower() == ".mdx")
    if title in ("", heading):  # the heading is the title: remove it from the text
        code.append(its_lines)
    body = _without(body, code).strip()
    category = _scalar(matter, "category") or _scalar(matter, "categories")
    return {
        "title": title or heading or _decoded_name(inside.stem),
        "text": body or _scalar(matter, "description") or _scalar(matter, "summary") or heading,
        "category": category or _decoded_name(inside.parent.name),
        "url": _scalar(matter, "url"),
    }


def _decoded_name(name: str) -> str:
    """A file name as text; invalid bytes are replaced."""
    return os.fsencode(name).decode("utf-8", "replace")


def _scalar(matter: Mapping[str, Any], name: str) -> str:
    """A field as text: the first entry of a list; empty for null and nested values."""
    value = matter.get(name)
    if isinstance(value, list):
        value = value[0] if value else None
    if value is None or isinstance(value, dict | list):
        return ""
    text = str(value).strip()
    return "" if text in _NOTHING else text


def _heading(body: str, *, mdx: bool) -> tuple[str, range, list[range]]:
    """The title by its heading, the lines of this heading, and the lines of comments and MDX code.

    A first-level heading is the title wherever it is, another one only at the beginning.
    """
    complete = len(body) <= LEADING or mdx or "<!--" in body
    tokens = _BLOCKS.parse(body if complete else body[:LEADING].rpartition("\n")[0])
    top = [
        (each, inside.content if each.nesting else each.content)
        for each, inside in pairwise([*tokens, _END])
        if each.level == 0 and each.map and each.nesting >= 0
    ]
    lines = body.split("\n") if mdx else []
    code = [_code_lines(each, content, lines) for each, content in top]
    removed = {line for each in code for line in each}
    blocks = [(each, content) for each, content in top if _lines(each).start not in removed]
    for place, (each, content) in enumerate(blocks):
        start = content[:LEADING]
        if each.type == "heading_open" and (each.tag == "h1" or not place):
            if title := plain(start.replace("\n", " ")):
                return title, _lines(each), code
        elif each.type == "html_block" and (title := _html_heading(start)):
            return title, _lines(each) if _is_only(title, content) else range(0), code
    return "", range(0), code


def _lines(block: Token) -> range:
    return range(*block.map) if block.map else range(0)


def _code_lines(block: Token, content: str, mdx: list[str]) -> range:
    """The lines of a comment or of an MDX import or export; `mdx`: the lines of an MDX file."""
    if block.type == "html_block" and _COMMENTS.fullmatch(content.strip()):
        return _lines(block)
    if not mdx or block.type != "paragraph_open":
        return range(0)
    if _MDX_COMMENT.fullmatch(content):
        return _lines(block)
    return (
        _statement(_lines(block), mdx) if content.startswith(("import ", "export ")) else range(0)
    )


def _statement(begun: range, lines: list[str]) -> range:
    """The lines of a statement, extended until its brackets are closed."""
    depth, end = sum(map(_open_brackets, lines[begun.start : begun.stop])), begun.stop
    while depth > 0 and end < min(len(lines), begun.start + LONGEST_STATEMENT):
        depth += _open_brackets(lines[end])
        end += 1
    return begun if depth > 0 else range(begun.start, end)


def _open_brackets(line: str) -> int:
    return sum(map(line.count, "{[(")) - sum(map(line.count, ")]}"))


class _HtmlText(HTMLParser):
    """Collects the text of HTML, and the text of its first `h1`."""

    def __init__(self) -> None:
        super().__init__()
        self.text, self.heading = "", ""
        self._in_heading = False

    def handle_starttag(self, tag: str, attrs: object) -> None:  # noqa: ARG002
        self._in_heading = self._in_heading or (tag == "h1" and not self.heading)

    def handle_endtag(self, tag: str) -> None:
        self._in_heading = self._in_heading and tag != "h1"

    def handle_data(self, data: str) -> None:
        self.text += data
        self.heading += data if self._in_heading else ""


def _html(content: str) -> _HtmlText:
    reader = _HtmlText()
    reader.feed(content)
    reader.close()
    return reader


def _html_heading(content: str) -> str:
    return " ".join(_html(content).heading.split()) if "<h1" in content.lower() else ""


def _is_only(title: str, content: str) -> bool:
    return " ".join(_html(content).text.split()) == title


def _without(body: str, cut: Iterable[range]) -> str:
    removed = {line for lines in cut for line in lines}
    remaining = (line for place, line in enumerate(body.split("\n")) if place not in removed)
    return "\n".join(remaining) if removed else body

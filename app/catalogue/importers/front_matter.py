"""Parses the front matter of a Markdown file: YAML in `---`, TOML in `+++`, or a JSON object."""

import json
import tomllib
from typing import Any

import yaml

MAX_MATTER = 65_536
_LOADER: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
"""Creates only strings, lists and mappings: a title `2024-01-01` or `Yes` stays text."""


def front_matter(text: str) -> tuple[dict[str, Any], str]:
    """The fields of a text's front matter, and the text after it. Lines must end in a line feed.

    Names of fields are also given in lower case. A text that only begins with a line `---` has no
    front matter.
    """
    fields, after = _parted(text)
    return {name.lower(): value for name, value in fields.items()} | fields, after


def _parted(text: str) -> tuple[dict[str, Any], str]:
    if text.startswith("{"):
        return _json(text)
    opening, _, rest = text.partition("\n")
    ends = {"---": ("---", "..."), "+++": ("+++",)}.get(opening.rstrip())
    if ends is None:
        return {}, text
    matter: list[str] = []
    for line in rest[:MAX_MATTER].splitlines(keepends=True):
        if line.rstrip() in ends:
            block = "".join(matter)
            fields = _yaml(block) if opening.startswith("-") else _toml(block)
            after = rest[len(block) + len(line) :]
            return ({}, text) if fields is None else (fields, after)
        matter.append(line)
    return {}, text


def _yaml(block: str) -> dict[str, Any] | None:
    """The fields; None if the block is not front matter but the beginning of the text."""
    if not block.strip():
        return {}
    try:
        found = yaml.load(block, _LOADER) or {}  # noqa: S506 - BaseLoader makes no objects
    except (yaml.YAMLError, RecursionError, ValueError):
        found = _line_by_line(block, ":")
    parted = block.startswith("\n") and "title" not in (found or ())  # a rule, then text
    return None if parted or not isinstance(found, dict) else found


def _line_by_line(block: str, mark: str) -> dict[str, str] | None:
    """The readable fields of invalid YAML or TOML, such as `title: Bread: a guide`."""
    pairs = (line.partition(mark) for line in block.splitlines())
    found = {
        key.rstrip(): value.strip().strip("\"'")
        for key, marked, value in pairs
        if marked and key.rstrip().replace("-", "_").isidentifier()
    }
    return found or None


def _toml(block: str) -> dict[str, Any] | None:
    try:
        return tomllib.loads(block)
    except (tomllib.TOMLDecodeError, RecursionError):
        return _line_by_line(block, "=")


def _json(text: str) -> tuple[dict[str, Any], str]:
    try:
        found, end = json.JSONDecoder().raw_decode(text[:MAX_MATTER])
    except (ValueError, RecursionError):
        return {}, text
    alone = not text[end:].partition("\n")[0].strip()
    return (found, text[end:]) if alone and isinstance(found, dict) else ({}, text)
